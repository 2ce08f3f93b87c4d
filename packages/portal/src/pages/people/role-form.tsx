import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader, Radio } from '@patternfly/react-core';
import type { Role, User } from '@paravcl/shared/domain/people';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { ProblemAlert } from '../../states/problem-alert';
import { roles } from './roles';

/** Gives a person another role, each with what it may. */
export function RoleForm({ user, onClose }: { readonly user: User; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('people');
  const say = useSay();
  const [role, setRole] = useState<Role>(user.role);
  const set = useDo('put /users/:userId/role', ['none']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    set.mutate({ params: { userId: user.id }, body: { role } }, { onSuccess: () => { say(t('roleSet', { name: user.displayName, role: t(`role.${role}`) })); onClose(); } });
  };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="role-title">
      <ModalHeader title={t('roleOf', { name: user.displayName })} labelId="role-title" />
      <ModalBody>
        <Form id="role-form" onSubmit={submit}>
          <div role="radiogroup" aria-labelledby="role-title" className="pv-lines">
            {roles.map((each) => <Radio key={each} id={`role-${each}`} name="role" label={t(`role.${each}`)} description={t(`may.${each}`)} isChecked={role === each} onChange={() => setRole(each)} />)}
          </div>
          <p>{t('roleHolds')}</p>
          <ProblemAlert problem={set.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="role-form" isLoading={set.isPending} isDisabled={set.isPending || role === user.role}>{t('changeRole')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
