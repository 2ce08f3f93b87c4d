import { Button, Form } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { Entry } from './entry';
import { useLogin } from './use-login';

/** A student makes the own account with the code of a class; `/register#CODE` has it filled in. Afterwards one is logged in, or is to log in oneself when that fails: the account is there. */
export function RegisterPage(): ReactNode {
  const { t } = useTranslation('login');
  const navigate = useNavigate();
  const { hash } = useLocation();
  const [enrolmentCode, setCode] = useState(hash.slice(1));
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const [mail, setMail] = useState('');
  const { mutate, isPending, error } = useDo('post /registrations', []);
  const { login, isPending: isLoggingIn } = useLogin();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate(
      { body: { enrolmentCode, name, displayName, password, mail: mail === '' ? null : mail } },
      {
        onSuccess: (user) =>
          login(
            user.name,
            password,
            () => void navigate('/', { replace: true }),
            () => void navigate('/login', { replace: true, state: { name: user.name, said: 'registered' } }),
          ),
      },
    );
  };
  const busy = isPending || isLoggingIn;
  return (
    <Entry title={t('register.title')} ways={<Link to="/login">{t('toLogin')}</Link>}>
      <Form onSubmit={submit}>
        <ProblemAlert problem={error} />
        <Field id="enrolmentCode" label={t('register.code')} hint={t('register.codeHint')} autoComplete="off" isRequired autoFocus value={enrolmentCode} onChange={setCode} fault={error?.faultOf('enrolmentCode')} />
        <Field id="displayName" label={t('displayName')} autoComplete="name" isRequired value={displayName} onChange={setDisplayName} fault={error?.faultOf('displayName')} />
        <Field id="name" label={t('name')} hint={t('nameHint')} autoComplete="username" isRequired value={name} onChange={setName} fault={error?.faultOf('name')} />
        <Field id="password" label={t('password')} hint={t('passwordHint')} type="password" autoComplete="new-password" isRequired value={password} onChange={setPassword} fault={error?.faultOf('password')} />
        <Field id="mail" label={t('mail')} hint={t('mailHint')} type="email" autoComplete="email" value={mail} onChange={setMail} fault={error?.faultOf('mail')} />
        <Button type="submit" isBlock isLoading={busy} isDisabled={busy}>{t('register.submit')}</Button>
      </Form>
    </Entry>
  );
}
