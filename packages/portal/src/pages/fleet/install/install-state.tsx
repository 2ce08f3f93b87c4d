import { Label, type LabelProps } from '@patternfly/react-core';
import BanIcon from '@patternfly/react-icons/dist/esm/icons/ban-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import InProgressIcon from '@patternfly/react-icons/dist/esm/icons/in-progress-icon';
import PauseCircleIcon from '@patternfly/react-icons/dist/esm/icons/pause-circle-icon';
import type { HostInstallState } from '@paravcl/shared/domain/host-install';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const looks: Readonly<Record<HostInstallState, readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  running: ['blue', InProgressIcon],
  succeeded: ['green', CheckCircleIcon],
  failed: ['red', ExclamationCircleIcon],
  cancelled: ['grey', BanIcon],
  interrupted: ['orange', PauseCircleIcon],
};

/** How an install stands: a colour and a word and a shape. */
export function InstallState({ state }: { readonly state: HostInstallState }): ReactNode {
  const { t } = useTranslation('install');
  const [color, Icon] = looks[state];
  return <Label isCompact color={color} icon={<Icon />}>{t(`state.${state}`)}</Label>;
}
