import { Button, Form } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { noteSession } from '../../session/ended';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { Entry } from './entry';

/** A new password with the token that an administrator gave. It is typed in and never part of an address. */
export function PasswordPage(): ReactNode {
  const { t } = useTranslation('login');
  const navigate = useNavigate();
  const [token, setToken] = useState('');
  const [password, setPassword] = useState('');
  const { mutate, isPending, error } = useDo('post /passwords', []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate(
      { body: { token, password } },
      {
        onSuccess: () => {
          noteSession(false);
          void navigate('/login', { replace: true, state: { said: 'passwordSet' } });
        },
      },
    );
  };
  return (
    <Entry title={t('newPassword.title')} ways={<Link to="/login">{t('toLogin')}</Link>}>
      <p>{t('newPassword.lead')}</p>
      <Form onSubmit={submit}>
        <ProblemAlert problem={error} />
        <Field id="token" label={t('newPassword.token')} autoComplete="off" isRequired autoFocus value={token} onChange={setToken} fault={error?.faultOf('token')} />
        <Field id="password" label={t('newPassword.new')} hint={t('passwordHint')} type="password" autoComplete="new-password" isRequired value={password} onChange={setPassword} fault={error?.faultOf('password')} />
        <Button type="submit" isBlock isLoading={isPending} isDisabled={isPending}>{t('newPassword.submit')}</Button>
      </Form>
    </Entry>
  );
}
