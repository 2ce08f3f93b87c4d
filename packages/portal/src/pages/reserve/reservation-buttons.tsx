import { Button, Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon';
import type { Claimable, Reservation } from '@paravcl/shared/domain/reservation';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { useTimes } from '../../states/use-times';
import { ClaimModal } from './claim-modal';
import { ExtendModal } from './extend-modal';
import { GiveBackModal } from './give-back-modal';
import type { ReservationAction } from './reservation-actions';
import { RescheduleModal } from './reschedule-modal';

interface ReservationButtonsProps {
  readonly reservation: Reservation;
  readonly actions: readonly ReservationAction[];
  readonly claimable: Claimable | undefined;
  readonly timeZone: string | undefined;
  /** As many as there are side by side; the others in a menu. */
  readonly shown: number;
  /** Whether the first one is what should be done now. */
  readonly isUrgent?: boolean;
}

/** What can be done with a reservation, as buttons, and the dialogs behind them. */
export function ReservationButtons({ reservation, actions, claimable, timeZone, shown, isUrgent = false }: ReservationButtonsProps): ReactNode {
  const { t } = useTranslation('reserve');
  const say = useSay();
  const times = useTimes(timeZone);
  const [open, setOpen] = useState<ReservationAction | null>(null);
  const [menu, setMenu] = useState(false);
  const accept = useDo('post /reservations/:reservationId/accept', ['reservations', 'notices']);
  const wordOf = (action: ReservationAction): string => t(`action.${action}`, { start: times.moment(reservation.start) });
  const start = (action: ReservationAction): void => {
    setMenu(false);
    if (action !== 'accept') setOpen(action);
    else accept.mutate({ params: { reservationId: reservation.id } }, { onSuccess: () => say(t('said.accepted', { start: times.moment(reservation.start) })), onError: ({ message }) => say(message, 'danger') });
  };
  const close = (): void => setOpen(null);
  const [side, rest] = [actions.slice(0, shown), actions.slice(shown)];
  return (
    <div className="pv-reservation__actions">
      {side.map((action, at) => (
        <Button key={action} variant={at === 0 && (action === 'claim' || isUrgent) ? 'primary' : 'secondary'} size="sm" isDisabled={action === 'accept' && accept.isPending} onClick={() => start(action)}>{wordOf(action)}</Button>
      ))}
      {rest.length > 0 && (
        <Dropdown
          isOpen={menu} onOpenChange={setMenu} popperProps={{ position: 'right' }}
          toggle={(ref) => <MenuToggle ref={ref} variant="plain" icon={<EllipsisVIcon />} isExpanded={menu} aria-label={t('action.more', { start: times.moment(reservation.start) })} onClick={() => setMenu(!menu)} />}
        >
          <DropdownList>
            {rest.map((action) => <DropdownItem key={action} onClick={() => start(action)} isDanger={action.startsWith('cancel') || action === 'release'}>{wordOf(action)}</DropdownItem>)}
          </DropdownList>
        </Dropdown>
      )}
      {open === 'claim' && claimable !== undefined && <ClaimModal reservation={reservation} claimable={claimable} onClose={close} />}
      {open === 'reschedule' && timeZone !== undefined && <RescheduleModal reservation={reservation} timeZone={timeZone} onClose={close} />}
      {open === 'extend' && timeZone !== undefined && <ExtendModal reservation={reservation} timeZone={timeZone} onClose={close} />}
      {(open === 'cancel' || open === 'cancel-series' || open === 'release') && <GiveBackModal reservation={reservation} how={open} timeZone={timeZone} onClose={close} />}
    </div>
  );
}
