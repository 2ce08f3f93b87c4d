import { ActionGroup, Button, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { PublicPool } from '@paravcl/shared/api/public-mappings';
import { useState, type SyntheticEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';

interface NewPublicMappingProps {
  readonly instanceId: string;
  readonly pool: PublicPool;
  readonly hasAddress: boolean;
}

const transports = ['tcp', 'udp'] as const;

/** Asks for an address of the pool, or for a port that leads to one of the machine's. */
export function NewPublicMapping({ instanceId, pool, hasAddress }: NewPublicMappingProps): ReactNode {
  const { t } = useTranslation('machine');
  const [port, setPort] = useState('');
  const [transport, setTransport] = useState<(typeof transports)[number]>('tcp');
  const [fault, setFault] = useState<string | null>(null);
  const add = useDo('post /instances/:instanceId/public-mappings', ['instances']);
  const params = { instanceId };
  const addPort = (event: SyntheticEvent): void => {
    event.preventDefault();
    const guestPort = /^\d{1,5}$/.test(port.trim()) ? Number(port) : 0;
    const isPort = guestPort >= 1 && guestPort <= 65_535;
    setFault(isPort ? null : t('public.portFault'));
    if (isPort) add.mutate({ params, body: { kind: 'port', transport, guestPort } }, { onSuccess: () => setPort('') });
  };
  const { total, free } = pool.addresses;
  return (
    <>
      {total > 0 && !hasAddress && (
        <div className="pv-lines">
          <Button variant="secondary" isDisabled={add.isPending || free === 0} onClick={() => add.mutate({ params, body: { kind: 'address' } })}>{t('public.addAddress')}</Button>
          <p className="pv-quiet">{t('public.freeAddresses', { count: free })}</p>
        </div>
      )}
      {pool.ports !== null && (
        <Form onSubmit={addPort} noValidate>
          <Field id="guest-port" label={t('public.port')} value={port} onChange={setPort} inputMode="numeric" fault={fault} />
          <FormGroup label={t('public.transport')} fieldId="transport">
            <FormSelect id="transport" value={transport} onChange={(_event, next) => setTransport(next === 'udp' ? 'udp' : 'tcp')}>
              {transports.map((each) => <FormSelectOption key={each} value={each} label={t(`public.${each}`)} />)}
            </FormSelect>
          </FormGroup>
          <ActionGroup>
            <Button type="submit" variant="secondary" isDisabled={add.isPending}>{t('public.addPort')}</Button>
          </ActionGroup>
        </Form>
      )}
      <ProblemAlert problem={add.error} />
      <p className="pv-quiet">{t('public.share', { count: pool.perUser })}</p>
    </>
  );
}
