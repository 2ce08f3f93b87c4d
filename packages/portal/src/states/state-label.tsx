import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import { Label, type LabelProps } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import InProgressIcon from '@patternfly/react-icons/dist/esm/icons/in-progress-icon';
import PauseCircleIcon from '@patternfly/react-icons/dist/esm/icons/pause-circle-icon';
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon';
import QuestionCircleIcon from '@patternfly/react-icons/dist/esm/icons/question-circle-icon';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

type Look = readonly [NonNullable<LabelProps['color']>, ComponentType];

const underWay: Look = ['blue', InProgressIcon];
const looks: Readonly<Record<ObservedState, Look>> = {
  requested: ['grey', ClockIcon],
  queued: ['orange', ClockIcon],
  preparing: underWay,
  booting: underWay,
  running: ['green', CheckCircleIcon],
  suspending: underWay,
  suspended: ['purple', PauseCircleIcon],
  resuming: underWay,
  stopping: underWay,
  stopped: ['grey', PowerOffIcon],
  relocating: underWay,
  failed: ['red', ExclamationCircleIcon],
  lost: ['red', QuestionCircleIcon],
  deleted: ['grey', PowerOffIcon],
};

const inDoubt: Look = ['orange', QuestionCircleIcon];

interface StateLabelProps {
  readonly state: ObservedState;
  /** It ran when its host was last heard, and that is silent (`isHostSilent`). */
  readonly isSilent?: boolean;
}

/** An instance's state: a colour and a word and a shape. */
export function StateLabel({ state, isSilent = false }: StateLabelProps): ReactNode {
  const { t } = useTranslation('shell');
  const [color, Icon] = isSilent ? inDoubt : looks[state];
  return (
    <Label color={color} icon={<Icon />} isCompact>
      {t(isSilent ? 'state.hostSilent' : `state.${state}`)}
    </Label>
  );
}
