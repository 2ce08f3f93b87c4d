import { Button, Form, FormGroup, FormSelect, FormSelectOption, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Role, User } from '@paravcl/shared/domain/people';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { LinkButton } from '../../shell/link-button';
import { useAll } from '../../api/use-all';
import { HandOver } from './hand-over';
import { roles } from './roles';

interface UserFormProps {
  /** Absent: a new one. */
  readonly user?: User;
  readonly onClose: () => void;
}

/** Who somebody is, new or there. A new one gets a token to set the password with, which is shown once. */
export function UserForm({ user, onClose }: UserFormProps): ReactNode {
  const { t, i18n } = useTranslation('people');
  const [name, setName] = useState(user?.name ?? '');
  const [displayName, setDisplayName] = useState(user?.displayName ?? '');
  const [mail, setMail] = useState(user?.mail ?? '');
  const [role, setRole] = useState<Role>('student');
  const [groupId, setGroupId] = useState(user?.primaryGroupId ?? '');
  const groups = useAll('groups', 'get /groups', {});
  const create = useDo('post /users', ['none', 'groups']);
  const edit = useDo('patch /users/:userId', ['none', 'groups']);
  const { isPending, error } = user === undefined ? create : edit;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = { displayName, mail: mail.trim() === '' ? null : mail.trim(), primaryGroupId: groupId === '' ? null : groupId };
    if (user === undefined) create.mutate({ body: { ...body, name, role } });
    else edit.mutate({ params: { userId: user.id }, body }, { onSuccess: onClose });
  };
  const made = create.data;
  const faults = ['name', 'displayName', 'mail'].map((field) => error?.faultOf(field) ?? null);
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="user-form-title">
      <ModalHeader title={made === undefined ? t(user === undefined ? 'new' : 'editTitle', { name: user?.displayName }) : t('madeTitle', { name: made.user.displayName })} labelId="user-form-title" />
      <ModalBody>
        {made === undefined ? (
          <Form id="user-form" onSubmit={submit}>
            {user === undefined && <Field id="user-name" label={t('userName')} value={name} onChange={setName} isRequired autoFocus autoComplete="off" hint={t('userNameHint')} fault={faults[0]} />}
            <Field id="user-display-name" label={t('name')} value={displayName} onChange={setDisplayName} isRequired autoComplete="off" fault={faults[1]} />
            <Field id="user-mail" type="email" label={t('mail')} value={mail} onChange={setMail} autoComplete="off" hint={t('mailHint')} fault={faults[2]} />
            {user === undefined && (
              <FormGroup label={t('roleTitle')} fieldId="user-role">
                <FormSelect id="user-role" value={role} onChange={(_event, next) => setRole(next as Role)}>
                  {roles.map((each) => <FormSelectOption key={each} value={each} label={t('roleSays', { role: t(`role.${each}`), may: t(`may.${each}`) })} />)}
                </FormSelect>
              </FormGroup>
            )}
            <FormGroup label={t('group')} fieldId="user-group">
              <FormSelect id="user-group" value={groupId} onChange={(_event, next) => setGroupId(next)}>
                <FormSelectOption value="" label={t('noGroup')} />
                {[...(groups.data ?? [])].sort((a, b) => a.name.localeCompare(b.name, i18n.language)).map((group) => <FormSelectOption key={group.id} value={group.id} label={group.name} />)}
              </FormSelect>
            </FormGroup>
            {faults.every((fault) => fault === null) && <ProblemAlert problem={error} />}
          </Form>
        ) : (
          <HandOver user={made.user} password={made.password} />
        )}
      </ModalBody>
      <ModalFooter>
        {made === undefined ? (
          <>
            <Button type="submit" form="user-form" isLoading={isPending} isDisabled={isPending || displayName.trim() === '' || name.trim() === ''}>{t(user === undefined ? 'make' : 'save')}</Button>
            <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>{t('handedOver')}</Button>
            <LinkButton to={`/users/${made.user.id}`} variant="link">{t('show')}</LinkButton>
          </>
        )}
      </ModalFooter>
    </Modal>
  );
}
