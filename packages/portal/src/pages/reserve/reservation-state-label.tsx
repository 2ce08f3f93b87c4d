import { Label, type LabelProps } from '@patternfly/react-core';
import BanIcon from '@patternfly/react-icons/dist/esm/icons/ban-icon';
import CalendarCheckIcon from '@patternfly/react-icons/dist/esm/icons/calendar-check-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import HistoryIcon from '@patternfly/react-icons/dist/esm/icons/history-icon';
import TimesCircleIcon from '@patternfly/react-icons/dist/esm/icons/times-circle-icon';
import UndoIcon from '@patternfly/react-icons/dist/esm/icons/undo-icon';
import UserClockIcon from '@patternfly/react-icons/dist/esm/icons/user-clock-icon';
import type { ReservationState } from '@paravcl/shared/domain/reservation';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const looks: Readonly<Record<ReservationState, readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  requested: ['grey', ClockIcon],
  confirmed: ['blue', CalendarCheckIcon],
  active: ['green', CheckCircleIcon],
  'no-show': ['orange', UserClockIcon],
  released: ['grey', UndoIcon],
  expired: ['grey', HistoryIcon],
  cancelled: ['grey', BanIcon],
  refused: ['red', TimesCircleIcon],
};

/** A reservation's state: a colour and a word and a shape. */
export function ReservationStateLabel({ state }: { readonly state: ReservationState }): ReactNode {
  const { t } = useTranslation('reserve');
  const [color, Icon] = looks[state];
  return <Label color={color} icon={<Icon />} isCompact>{t(`state.${state}`)}</Label>;
}
