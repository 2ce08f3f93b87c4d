import { Button, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { ApiToken } from '@paravcl/shared/api/api-tokens';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { Field } from '../../states/field';
import { OnceSecret } from '../../states/once-secret';
import { ProblemAlert } from '../../states/problem-alert';

const days = [7, 30, 90, 365] as const;

/** Makes a token and shows it this once. */
export function NewApiToken(): ReactNode {
  const { t } = useTranslation('account');
  const [name, setName] = useState('');
  const [scope, setScope] = useState<ApiToken['scope']>('read');
  const [validDays, setDays] = useState<number>(days[2]);
  const { mutate, isPending, error, data } = useDo('post /api-tokens', ['none']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ body: { name, scope, days: validDays } }, { onSuccess: () => setName('') });
  };
  return (
    <>
      {data !== undefined && <OnceSecret title={t('tokens.made', { name: data.apiToken.name })} secret={data.token} />}
      <Form onSubmit={submit}>
        <div className="pv-columns">
          <Field id="token-name" label={t('tokens.for')} isRequired value={name} onChange={setName} fault={error?.faultOf('name')} />
          <FormGroup label={t('tokens.scope')} fieldId="token-scope">
            <FormSelect id="token-scope" value={scope} onChange={(_event, value) => setScope(value as ApiToken['scope'])}>
              {(['read', 'full'] as const).map((each) => <FormSelectOption key={each} value={each} label={t(`tokens.may.${each}`)} />)}
            </FormSelect>
          </FormGroup>
          <FormGroup label={t('tokens.validFor')} fieldId="token-days">
            <FormSelect id="token-days" value={validDays} onChange={(_event, value) => setDays(Number(value))}>
              {days.map((each) => <FormSelectOption key={each} value={each} label={t('tokens.days', { count: each })} />)}
            </FormSelect>
          </FormGroup>
        </div>
        <ProblemAlert problem={error} />
        <div><Button type="submit" variant="secondary" isLoading={isPending} isDisabled={isPending}>{t('tokens.make')}</Button></div>
      </Form>
    </>
  );
}
