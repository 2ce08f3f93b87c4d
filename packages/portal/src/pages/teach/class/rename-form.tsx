import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Deployment } from '@paravcl/shared/domain/deployment';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { ProblemAlert } from '../../../states/problem-alert';
import { TextField } from '../../../states/text-field';

/** Name and description of a deployment. */
export function RenameForm({ deployment, onClose }: { readonly deployment: Deployment; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('teach');
  const [name, setName] = useState(deployment.name);
  const [description, setDescription] = useState(deployment.description);
  const edit = useDo('patch /deployments/:deploymentId', ['deployments', 'instances']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    edit.mutate({ params: { deploymentId: deployment.id }, body: { name, description } }, { onSuccess: onClose });
  };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="rename-title">
      <ModalHeader title={t('class.edit')} labelId="rename-title" />
      <ModalBody>
        <Form id="rename" onSubmit={submit}>
          <ProblemAlert problem={edit.error} />
          <TextField label={t('deploy.name')} value={name} onChange={setName} fault={edit.error?.faultOf('name') ?? null} isRequired autoFocus />
          <TextField label={t('groups.description')} value={description} onChange={setDescription} fault={edit.error?.faultOf('description') ?? null} rows={3} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="rename" isLoading={edit.isPending} isDisabled={edit.isPending || name.trim() === ''}>{t('save')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
