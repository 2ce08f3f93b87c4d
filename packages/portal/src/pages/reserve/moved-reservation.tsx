import { Alert } from '@patternfly/react-core';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import type { ReactNode } from 'react';
import { useAll } from '../../api/use-all';
import { ReservationButtons } from './reservation-buttons';
import type { ReservationAction } from './reservation-actions';

interface MovedReservationProps {
  readonly reservation: Reservation;
  readonly actions: readonly ReservationAction[];
  readonly timeZone: string | undefined;
}

const asked: readonly ReservationAction[] = ['accept', 'reschedule', 'cancel'];

/** A reservation that gave way: what its people were told, and the three things that they may say to it. */
export function MovedReservation({ reservation, actions, timeZone }: MovedReservationProps): ReactNode {
  const notices = useAll('notices', 'get /notices', {});
  const told = notices.data?.find(({ kind, subject }) => kind === 'reservation.moved' && subject.id === reservation.id);
  return (
    <Alert variant="warning" isInline title={told?.sentence ?? reservation.sentence} component="h2">
      <ReservationButtons reservation={reservation} actions={asked.filter((action) => actions.includes(action))} claimable={undefined} timeZone={timeZone} shown={3} isUrgent />
    </Alert>
  );
}
