import { Button, Form } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { Entry } from './entry';

/** The first administrator of a new site, with the token that the master printed. */
export function SetupPage(): ReactNode {
  const { t } = useTranslation('login');
  const navigate = useNavigate();
  const [token, setToken] = useState('');
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const { mutate, isPending, error } = useDo('post /setup', []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ body: { token, name, displayName, password } }, { onSuccess: (user) => void navigate('/login', { replace: true, state: { name: user.name, said: 'adminMade' } }) });
  };
  return (
    <Entry title={t('setup.title')} ways={<Link to="/login">{t('toLogin')}</Link>}>
      <p>{t('setup.lead')}</p>
      <Form onSubmit={submit}>
        <ProblemAlert problem={error} />
        <Field id="token" label={t('setup.token')} hint={t('setup.tokenHint')} autoComplete="off" isRequired autoFocus value={token} onChange={setToken} fault={error?.faultOf('token')} />
        <Field id="displayName" label={t('displayName')} autoComplete="name" isRequired value={displayName} onChange={setDisplayName} fault={error?.faultOf('displayName')} />
        <Field id="name" label={t('name')} hint={t('nameHint')} autoComplete="username" isRequired value={name} onChange={setName} fault={error?.faultOf('name')} />
        <Field id="password" label={t('password')} hint={t('passwordHint')} type="password" autoComplete="new-password" isRequired value={password} onChange={setPassword} fault={error?.faultOf('password')} />
        <Button type="submit" isBlock isLoading={isPending} isDisabled={isPending}>{t('setup.submit')}</Button>
      </Form>
    </Entry>
  );
}
