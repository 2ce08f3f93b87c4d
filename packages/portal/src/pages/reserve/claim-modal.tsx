import { Button, Form, FormGroup, FormSelect, FormSelectOption, Modal, ModalBody, ModalFooter, ModalHeader, Radio, TextInput } from '@patternfly/react-core';
import type { Claimable, Reservation } from '@paravcl/shared/domain/reservation';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { ProblemAlert } from '../../states/problem-alert';
import { useChoices } from './use-choices';

interface ClaimModalProps {
  readonly reservation: Reservation;
  readonly claimable: Claimable;
  readonly onClose: () => void;
}

/** Taking one of the reserved machines: a new one, or a saved one that goes on. */
export function ClaimModal({ reservation, claimable, onClose }: ClaimModalProps): ReactNode {
  const { t } = useTranslation('reserve');
  const say = useSay();
  const navigate = useNavigate();
  const { families } = useChoices();
  const [resumed, setResumed] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [image, setImage] = useState('');
  const claim = useDo('post /reservations/:reservationId/claim', ['instances', 'reservations']);
  const needsImage = reservation.imageId === null;
  const imageId = image === '' ? families[0]?.productionImageId : image;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = resumed !== null ? { instanceId: resumed } : { ...(needsImage && imageId != null ? { imageId } : {}), ...(name.trim() === '' ? {} : { name: name.trim() }) };
    claim.mutate({ params: { reservationId: reservation.id }, body }, {
      onSuccess: ({ instance, warnings }) => {
        say([t(resumed === null ? 'claim.started' : 'claim.resumed', { name: instance.name }), ...warnings].join(' '), warnings.length > 0 ? 'warning' : 'success');
        onClose();
        void navigate('/');
      },
    });
  };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="claim-title">
      <ModalHeader title={t('claim.title')} description={claimable.sentence} labelId="claim-title" />
      <ModalBody>
        <Form id="claim" onSubmit={submit}>
          {claimable.resumable.length > 0 && (
            <FormGroup role="radiogroup" fieldId="claim-what" label={t('claim.what')}>
              <Radio id="claim-new" name="claim" label={t('claim.new')} isChecked={resumed === null} onChange={() => setResumed(null)} />
              {claimable.resumable.map(({ instanceId, name: saved }) => (
                <Radio key={instanceId} id={`claim-${instanceId}`} name="claim" label={t('claim.resume', { name: saved })} isChecked={resumed === instanceId} onChange={() => setResumed(instanceId)} />
              ))}
            </FormGroup>
          )}
          {resumed === null && needsImage && (
            <FormGroup label={t('claim.image')} fieldId="claim-image">
              <FormSelect id="claim-image" value={imageId ?? ''} onChange={(_event, value) => setImage(value)}>
                {families.map((family) => <FormSelectOption key={family.id} value={family.productionImageId ?? ''} label={family.name} />)}
              </FormSelect>
            </FormGroup>
          )}
          {resumed === null && (
            <FormGroup label={t('claim.name')} fieldId="claim-name">
              <TextInput id="claim-name" autoComplete="off" value={name} onChange={(_event, value) => setName(value)} />
            </FormGroup>
          )}
          <ProblemAlert problem={claim.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="claim" variant="primary" isLoading={claim.isPending} isDisabled={claim.isPending}>{t(resumed === null ? 'claim.start' : 'claim.goOn')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
