import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Claimable, Reservation } from '@paravcl/shared/domain/reservation';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useTimes } from '../../states/use-times';
import { actionsOf } from './reservation-actions';
import { ReservationButtons } from './reservation-buttons';
import { ReservationStateLabel } from './reservation-state-label';
import { tellWindow } from './tell-window';
import type { ReservationWords } from './use-reservation-words';

interface ReservationTableProps {
  readonly label: string;
  readonly reservations: readonly Reservation[];
  readonly claimable: readonly Claimable[];
  readonly words: ReservationWords;
  readonly timeZone: string | undefined;
}

/** Reservations with what can be done with each; what is asked about a moved one stands above the table. */
export function ReservationTable({ label, reservations, claimable, words, timeZone }: ReservationTableProps): ReactNode {
  const { t } = useTranslation('reserve');
  const times = useTimes(timeZone);
  const open = new Map(claimable.map((one) => [one.reservationId, one]));
  const now = Date.now();
  return (
    <Table aria-label={label} variant="compact" gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          <Th>{t('list.when')}</Th>
          <Th>{t('list.state')}</Th>
          <Th>{t('list.size')}</Th>
          <Th>{t('list.image')}</Th>
          <Th>{t('list.for')}</Th>
          <Th screenReaderText={t('list.actions')} />
        </Tr>
      </Thead>
      <Tbody>
        {reservations.map((reservation) => (
          <Tr key={reservation.id}>
            <Td dataLabel={t('list.when')}>
              <Link to={`/reservations/${reservation.id}`}>{tellWindow(times, reservation.start, reservation.end)}</Link>
            </Td>
            <Td dataLabel={t('list.state')}><span><ReservationStateLabel state={reservation.state} /></span></Td>
            <Td dataLabel={t('list.size')}>
              {words.size(reservation)}
              {reservation.used.count > 0 && <> · {t('list.used', { count: reservation.used.count })}</>}
            </Td>
            <Td dataLabel={t('list.image')}>{words.image(reservation)}</Td>
            <Td dataLabel={t('list.for')}>{words.owner(reservation)}</Td>
            <Td modifier="fitContent">
              <ReservationButtons reservation={reservation} actions={actionsOf(reservation, words.who, new Set(open.keys()), now).filter((action) => action !== 'accept')} claimable={open.get(reservation.id)} timeZone={timeZone} shown={open.has(reservation.id) ? 1 : 0} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
