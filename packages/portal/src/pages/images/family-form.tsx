import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { ImageFamily } from '@paravcl/shared/domain/image';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo, useGet } from '../../api/use-api';
import { ProblemAlert } from '../../states/problem-alert';
import { Read } from '../../states/read';
import { TextField } from '../../states/text-field';

/** Name and description of a family. */
export function FamilyForm({ familyId, onClose }: { readonly familyId: string; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('images');
  const family = useGet('images', 'get /image-families/:familyId', { params: { familyId } });
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="family-title">
      <ModalHeader title={t('family.edit')} labelId="family-title" />
      <Read of={family}>{(found) => <Fields family={found} onClose={onClose} />}</Read>
    </Modal>
  );
}

function Fields({ family, onClose }: { readonly family: Pick<ImageFamily, 'id' | 'name' | 'description'>; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('images');
  const [name, setName] = useState(family.name);
  const [description, setDescription] = useState(family.description);
  const edit = useDo('patch /image-families/:familyId', ['images']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    edit.mutate({ params: { familyId: family.id }, body: { name, description } }, { onSuccess: onClose });
  };
  const fault = edit.error?.faultOf('name') ?? null;
  return (
    <>
      <ModalBody>
        <Form id="family-form" onSubmit={submit}>
          <TextField label={t('name')} value={name} onChange={setName} isRequired autoFocus fault={fault} />
          <TextField label={t('description')} value={description} onChange={setDescription} rows={3} fault={edit.error?.faultOf('description') ?? null} />
          {fault === null && <ProblemAlert problem={edit.error} />}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="family-form" isLoading={edit.isPending} isDisabled={edit.isPending || name.trim() === ''}>{t('save')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </>
  );
}
