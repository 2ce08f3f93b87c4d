import type { Reservation } from '@paravcl/shared/domain/reservation';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Confirm } from '../../states/confirm';
import { useTimes } from '../../states/use-times';

interface GiveBackModalProps {
  readonly reservation: Reservation;
  readonly how: 'cancel' | 'cancel-series' | 'release';
  readonly timeZone: string | undefined;
  readonly onClose: () => void;
}

/** The question before a reservation, its whole series or the rest of it is given back. */
export function GiveBackModal({ reservation, how, timeZone, onClose }: GiveBackModalProps): ReactNode {
  const { t } = useTranslation('reserve');
  const say = useSay();
  const times = useTimes(timeZone);
  const cancel = useDo('post /reservations/:reservationId/cancel', ['reservations', 'pool']);
  const release = useDo('post /reservations/:reservationId/release', ['reservations', 'instances', 'pool']);
  const params = { reservationId: reservation.id };
  const then = {
    onSuccess: ({ sentence }: Reservation) => {
      say(sentence);
      onClose();
    },
  };
  const confirm = (): void => (how === 'release' ? release.mutate({ params }, then) : cancel.mutate({ params, body: { series: how === 'cancel-series' } }, then));
  const words = { start: times.moment(reservation.start), end: times.moment(reservation.end), count: reservation.count };
  return (
    <Confirm title={t(`giveBack.${how}.title`, words)} verb={t(`giveBack.${how}.verb`)} isDanger isPending={cancel.isPending || release.isPending} problem={cancel.error ?? release.error} onConfirm={confirm} onClose={onClose}>
      <p>{t(`giveBack.${how}.body`, words)}</p>
    </Confirm>
  );
}
