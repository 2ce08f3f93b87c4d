import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { ProblemAlert } from '../../../states/problem-alert';
import { TextField } from '../../../states/text-field';

interface GroupFormProps {
  /** Absent: a new one. */
  readonly group?: Group;
  readonly onDone: (group: Group) => void;
  readonly onClose: () => void;
}

/** Name and description of a group, new or there. */
export function GroupForm({ group, onDone, onClose }: GroupFormProps): ReactNode {
  const { t } = useTranslation('teach');
  const [name, setName] = useState(group?.name ?? '');
  const [description, setDescription] = useState(group?.description ?? '');
  const create = useDo('post /groups', ['groups']);
  const edit = useDo('patch /groups/:groupId', ['groups']);
  const { isPending, error } = group === undefined ? create : edit;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (group === undefined) create.mutate({ body: { name, description } }, { onSuccess: onDone });
    else edit.mutate({ params: { groupId: group.id }, body: { name, description } }, { onSuccess: onDone });
  };
  const faults = { name: error?.faultOf('name') ?? null, description: error?.faultOf('description') ?? null };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="group-form-title">
      <ModalHeader title={t(group === undefined ? 'groups.new' : 'groups.edit')} labelId="group-form-title" />
      <ModalBody>
        <Form id="group-form" onSubmit={submit}>
          {faults.name === null && faults.description === null && <ProblemAlert problem={error} />}
          <TextField label={t('groups.name')} value={name} onChange={setName} fault={faults.name} isRequired autoFocus help={t('groups.nameHelp')} />
          <TextField label={t('groups.description')} value={description} onChange={setDescription} fault={faults.description} rows={3} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="group-form" isLoading={isPending} isDisabled={isPending || name.trim() === ''}>{t(group === undefined ? 'groups.make' : 'save')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
