import { Button, Form } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { Part } from './part';

/** Another password, which ends all other sessions. */
export function NewPassword(): ReactNode {
  const { t } = useTranslation('account');
  const say = useSay();
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const { mutate, isPending, error } = useDo('patch /me', ['none']);
  const changed = (): void => {
    setOld('');
    setNext('');
    say(t('password.changed'));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ body: { password: { old, new: next } } }, { onSuccess: changed });
  };
  return (
    <Part title={t('password.title')}>
      <Form onSubmit={submit}>
        <Field id="old-password" label={t('password.old')} type="password" autoComplete="current-password" isRequired value={old} onChange={setOld} fault={error?.faultOf('password.old')} />
        <Field id="new-password" label={t('password.new')} type="password" autoComplete="new-password" isRequired hint={t('password.hint')} value={next} onChange={setNext} fault={error?.faultOf('password.new')} />
        <ProblemAlert problem={error} />
        <div><Button type="submit" variant="secondary" isLoading={isPending} isDisabled={isPending}>{t('password.submit')}</Button></div>
      </Form>
    </Part>
  );
}
