import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { OfferCards } from './offer-cards';
import { hourMs, momentOf, wallAt, type WallTime } from '../../states/zone-time';

interface ExtendModalProps {
  readonly reservation: Reservation;
  readonly timeZone: string;
  readonly onClose: () => void;
}

/** A later end, admitted anew for the whole time; refused, the old one is kept. */
export function ExtendModal({ reservation, timeZone, onClose }: ExtendModalProps): ReactNode {
  const { t } = useTranslation('reserve');
  const say = useSay();
  const [until, setUntil] = useState<WallTime>(() => wallAt(Date.parse(reservation.end) + hourMs, timeZone));
  const extend = useDo('post /reservations/:reservationId/extend', ['reservations', 'instances', 'pool']);
  const end = momentOf(until, timeZone);
  const ask = (wanted: number | null): void => {
    if (wanted === null) return;
    extend.mutate({ params: { reservationId: reservation.id }, body: { end: new Date(wanted).toISOString() } }, {
      onSuccess: ({ sentence }) => {
        say(sentence);
        onClose();
      },
    });
  };
  const change = (by: Partial<WallTime>): void => {
    extend.reset();
    setUntil({ ...until, ...by });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    ask(end);
  };
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="extend-title">
      <ModalHeader title={t('extend.title')} description={reservation.sentence} labelId="extend-title" />
      <ModalBody>
        <Form id="extend" onSubmit={submit}>
          <div className="pv-reserve__pair">
            <Field id="extend-date" type="date" label={t('extend.date')} value={until.date} onChange={(date) => change({ date })} />
            <Field id="extend-time" type="time" label={t('extend.time')} value={until.time} onChange={(time) => change({ time })} />
          </div>
          <p>{t('extend.kept')}</p>
          <ProblemAlert problem={extend.error} />
          <OfferCards offers={(extend.error?.problem.offers ?? []).filter(({ kind, start }) => kind === 'time' && start === reservation.start)} timeZone={timeZone} onTake={(offer) => { setUntil(wallAt(Date.parse(offer.end), timeZone)); ask(Date.parse(offer.end)); }} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="extend" variant="primary" isLoading={extend.isPending} isDisabled={extend.isPending || end === null}>{t('extend.verb')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
