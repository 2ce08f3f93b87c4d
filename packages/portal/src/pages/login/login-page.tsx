import { Button, Form, FormGroup, FormHelperText, HelperText, HelperTextItem, LoginPage as LoginFrame, TextInput } from '@patternfly/react-core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { ProblemAlert } from '../../states/problem-alert';

/** Logging in; afterwards one is where one wanted to go. */
export function LoginPage(): ReactNode {
  const { t } = useTranslation('login');
  const client = useQueryClient();
  const navigate = useNavigate();
  const { state } = useLocation() as { readonly state: { readonly from?: string; readonly ended?: boolean } | null };
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const login = useDo('post /sessions', []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    login.mutate(
      { body: { name, password } },
      {
        onSuccess: () => {
          client.clear();
          void navigate(state?.from ?? '/', { replace: true });
        },
      },
    );
  };
  return (
    <LoginFrame loginTitle={t('title')} brandImgSrc="" brandImgAlt="">
      <Form onSubmit={submit}>
        {login.error !== null && <ProblemAlert problem={login.error} />}
        <FormGroup label={t('name')} fieldId="name" isRequired>
          <TextInput id="name" name="name" autoComplete="username" isRequired autoFocus value={name} onChange={(_event, value) => setName(value)} />
        </FormGroup>
        <FormGroup label={t('password')} fieldId="password" isRequired>
          <TextInput id="password" name="password" type="password" autoComplete="current-password" isRequired value={password} onChange={(_event, value) => setPassword(value)} />
          <FormHelperText>
            <HelperText>
              <HelperTextItem>{t('forgotten')}</HelperTextItem>
            </HelperText>
          </FormHelperText>
        </FormGroup>
        <Button type="submit" isBlock isLoading={login.isPending} isDisabled={login.isPending || name === '' || password === ''}>{t('submit')}</Button>
      </Form>
    </LoginFrame>
  );
}
