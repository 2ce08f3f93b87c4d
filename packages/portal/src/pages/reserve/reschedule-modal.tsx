import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { ProblemAlert } from '../../states/problem-alert';
import { OfferCards } from './offer-cards';
import type { Span } from './span';
import { WhenInputs } from './when-inputs';

interface RescheduleModalProps {
  readonly reservation: Reservation;
  readonly timeZone: string;
  readonly onClose: () => void;
}

/** Another time; what was refused is answered with times that one can have, and the old one is kept. */
export function RescheduleModal({ reservation, timeZone, onClose }: RescheduleModalProps): ReactNode {
  const { t } = useTranslation('reserve');
  const say = useSay();
  const [span, setSpan] = useState<Span | null>({ start: Date.parse(reservation.start), end: Date.parse(reservation.end) });
  const reschedule = useDo('post /reservations/:reservationId/reschedule', ['reservations', 'pool']);
  const ask = (wanted: Span | null): void => {
    if (wanted === null) return;
    const body = { start: new Date(wanted.start).toISOString(), end: new Date(wanted.end).toISOString() };
    reschedule.mutate({ params: { reservationId: reservation.id }, body }, {
      onSuccess: ({ sentence }) => {
        say(sentence);
        onClose();
      },
    });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    ask(span);
  };
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="reschedule-title">
      <ModalHeader title={t('reschedule.title')} description={reservation.sentence} labelId="reschedule-title" />
      <ModalBody>
        <Form id="reschedule" onSubmit={submit}>
          <WhenInputs span={span} timeZone={timeZone} prefix="reschedule" onSpan={(next) => { reschedule.reset(); setSpan(next); }} />
          <p>{t('reschedule.kept')}</p>
          <ProblemAlert problem={reschedule.error} />
          <OfferCards
            offers={(reschedule.error?.problem.offers ?? []).filter(({ kind }) => kind === 'time')} timeZone={timeZone}
            onTake={(offer) => { const taken = { start: Date.parse(offer.start), end: Date.parse(offer.end) }; setSpan(taken); ask(taken); }}
          />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="reschedule" variant="primary" isLoading={reschedule.isPending} isDisabled={reschedule.isPending || span === null}>{t('reschedule.verb')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
