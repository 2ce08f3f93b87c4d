import { Alert, Button, Form } from '@patternfly/react-core';
import type { Claimable } from '@paravcl/shared/domain/reservation';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useNavigate } from 'react-router';
import { useGet } from '../../api/use-api';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { Entry } from './entry';
import { useLogin } from './use-login';

/** How one came here: from a page that wanted a login, after a session that ended, or after a password was set or an account made. */
interface From {
  readonly from?: string;
  readonly ended?: boolean;
  readonly name?: string;
  readonly said?: 'passwordSet' | 'adminMade' | 'registered';
}

/** Logging in; afterwards one is where one wanted to go, and is told first what one may claim now. */
export function LoginPage(): ReactNode {
  const { t } = useTranslation('login');
  const navigate = useNavigate();
  const state = (useLocation().state ?? {}) as From;
  const [name, setName] = useState(state.name ?? '');
  const [password, setPassword] = useState('');
  const [claimable, setClaimable] = useState<readonly Claimable[]>([]);
  const { login, isPending, problem } = useLogin();
  const site = useGet('none', 'get /site', {}).data;
  const wanted = state.from ?? '/';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    login(name, password, (answer) => {
      // The home page offers them too.
      if (answer.claimable.length > 0 && wanted !== '/') setClaimable(answer.claimable);
      else void navigate(wanted, { replace: true });
    });
  };
  if (claimable.length > 0) {
    return (
      <Entry title={t('claimTitle')} ways={<Link to={wanted} replace>{t('goOn')}</Link>}>
        {claimable.map(({ reservationId, sentence }) => <p key={reservationId}>{sentence}</p>)}
        <Button isBlock onClick={() => void navigate('/', { replace: true })}>{t('claim')}</Button>
      </Entry>
    );
  }
  return (
    <Entry
      title={t('title')}
      ways={
        <>
          {site?.registrationOpen !== false && <Link to="/register">{t('toRegister')}</Link>}
          <Link to="/password">{t('toPassword')}</Link>
          {site?.needsSetup !== false && <Link to="/setup">{t('toSetup')}</Link>}
        </>
      }
    >
      <Form onSubmit={submit}>
        {state.ended === true && problem === null && <Alert variant="info" isInline title={t('ended')} component="p" />}
        {state.said !== undefined && problem === null && <Alert variant="success" isInline title={t(`said.${state.said}`)} component="p" />}
        <ProblemAlert problem={problem} />
        <Field id="name" label={t('name')} autoComplete="username" isRequired autoFocus={state.name === undefined} value={name} onChange={setName} fault={problem?.faultOf('name')} />
        <Field id="password" label={t('password')} type="password" autoComplete="current-password" isRequired autoFocus={state.name !== undefined} value={password} onChange={setPassword} hint={t('forgotten')} />
        <Button type="submit" isBlock isLoading={isPending} isDisabled={isPending}>{t('submit')}</Button>
      </Form>
    </Entry>
  );
}
