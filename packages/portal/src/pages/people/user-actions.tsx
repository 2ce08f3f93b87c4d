import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { User } from '@paravcl/shared/domain/people';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useMe } from '../../session/session';
import { useSay } from '../../shell/toasts';
import { Confirm } from '../../states/confirm';
import { HandOver } from './hand-over';
import { RoleForm } from './role-form';
import { UserForm } from './user-form';

type Question = 'edit' | 'role' | 'password' | 'disable';

/** What can be done about an account. One's own cannot be locked out from here. */
export function UserActions({ user }: { readonly user: User }): ReactNode {
  const { t } = useTranslation('people');
  const me = useMe();
  const say = useSay();
  const [asks, setAsks] = useState<Question | null>(null);
  const edit = useDo('patch /users/:userId', ['none']);
  const token = useDo('post /users/:userId/password-token', ['none']);
  const params = { userId: user.id };
  const named = { name: user.displayName };
  const close = (): void => {
    setAsks(null);
    edit.reset();
    token.reset();
  };
  const lock = (disabled: boolean): void => edit.mutate({ params, body: { disabled } }, { onSuccess: () => { say(t(disabled ? 'lockedOut' : 'letIn', named)); close(); }, onError: ({ message }) => { if (!disabled) say(message, 'danger'); } });
  return (
    <>
      {user.disabled && <Button isLoading={edit.isPending} isDisabled={edit.isPending} onClick={() => lock(false)}>{t('enable')}</Button>}
      <Button variant="secondary" onClick={() => setAsks('edit')}>{t('edit')}</Button>
      <Button variant="secondary" onClick={() => setAsks('role')}>{t('changeRole')}</Button>
      <Button variant="secondary" onClick={() => setAsks('password')}>{t('password')}</Button>
      {!user.disabled && user.id !== me.user.id && <Button variant="secondary" isDanger onClick={() => setAsks('disable')}>{t('disable')}</Button>}
      {asks === 'edit' && <UserForm user={user} onClose={close} />}
      {asks === 'role' && <RoleForm user={user} onClose={close} />}
      {asks === 'disable' && (
        <Confirm title={t('disableTitle', named)} verb={t('disable')} isDanger isPending={edit.isPending} problem={edit.error} onClose={close} onConfirm={() => lock(true)}>
          <p>{t('disableBody')}</p>
        </Confirm>
      )}
      {asks === 'password' && token.data === undefined && (
        <Confirm title={t('passwordTitle', named)} verb={t('passwordVerb')} isPending={token.isPending} problem={token.error} onClose={close} onConfirm={() => token.mutate({ params })}>
          <p>{t('passwordBody')}</p>
        </Confirm>
      )}
      {asks === 'password' && token.data !== undefined && (
        <Modal isOpen variant="small" onClose={close} aria-labelledby="token-title">
          <ModalHeader title={t('passwordDone', named)} labelId="token-title" />
          <ModalBody><HandOver user={user} password={token.data} /></ModalBody>
          <ModalFooter><Button onClick={close}>{t('handedOver')}</Button></ModalFooter>
        </Modal>
      )}
    </>
  );
}
