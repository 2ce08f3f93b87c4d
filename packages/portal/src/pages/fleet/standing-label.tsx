import { Label, type LabelProps } from '@patternfly/react-core';
import BanIcon from '@patternfly/react-icons/dist/esm/icons/ban-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import LockIcon from '@patternfly/react-icons/dist/esm/icons/lock-icon';
import PauseCircleIcon from '@patternfly/react-icons/dist/esm/icons/pause-circle-icon';
import QuestionCircleIcon from '@patternfly/react-icons/dist/esm/icons/question-circle-icon';
import UnpluggedIcon from '@patternfly/react-icons/dist/esm/icons/unplugged-icon';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Standing } from './standing';

const looks: Readonly<Record<Standing, readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  quarantined: ['red', LockIcon],
  pending: ['blue', ClockIcon],
  lost: ['red', UnpluggedIcon],
  trouble: ['orange', ExclamationTriangleIcon],
  suspect: ['orange', QuestionCircleIcon],
  draining: ['purple', PauseCircleIcon],
  online: ['green', CheckCircleIcon],
  retired: ['grey', BanIcon],
};

/** How a slave stands: a colour and a word and a shape. */
export function StandingLabel({ standing }: { readonly standing: Standing }): ReactNode {
  const { t } = useTranslation('fleet');
  const [color, Icon] = looks[standing];
  return <Label color={color} icon={<Icon />} isCompact>{t(`standing.${standing}`)}</Label>;
}
