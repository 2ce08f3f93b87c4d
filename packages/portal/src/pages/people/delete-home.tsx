import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { User } from '@paravcl/shared/domain/people';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';

/** Before what a home volume holds is deleted, which is the only copy: the person's user name is typed. */
export function DeleteHome({ user, onClose }: { readonly user: User; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('people');
  const say = useSay();
  const [typed, setTyped] = useState('');
  const remove = useDo('delete /users/:userId/home', ['none']);
  const isSure = typed.trim() === user.name;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isSure) remove.mutate({ params: { userId: user.id }, query: { confirm: user.name } }, { onSuccess: () => { say(t('home.deleted', { name: user.displayName })); onClose(); } });
  };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="home-delete-title">
      <ModalHeader title={t('home.deleteTitle', { name: user.displayName })} labelId="home-delete-title" titleIconVariant="warning" />
      <ModalBody>
        <Form id="home-delete" onSubmit={submit}>
          <p>{t('home.deleteBody')}</p>
          <Field id="home-confirm" label={t('home.type', { name: user.name })} value={typed} onChange={setTyped} autoComplete="off" isRequired autoFocus />
          <ProblemAlert problem={remove.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button variant="danger" type="submit" form="home-delete" isLoading={remove.isPending} isDisabled={!isSure || remove.isPending}>{t('home.delete')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
