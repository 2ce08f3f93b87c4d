import { ActionGroup, Button, Form, FormSection } from '@patternfly/react-core';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { Asked } from '@paravcl/shared/client/routes';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { Field } from '../../../states/field';
import { ProblemAlert } from '../../../states/problem-alert';
import { wholeNumber } from '../../../states/whole-number';
import { credentialSent, isComplete, noCredential, type CredentialDraft } from './credential';
import { CredentialFields } from './credential-fields';
import { HostKeyShown } from './host-key';
import { useSend } from './use-send';
import './install.css';

/** What both routes that log in at a host are sent. */
export type SentLogin = Pick<Asked<'post /host-installs'>['body'], 'address' | 'port' | 'user' | 'hostKey' | 'replaceHostKey' | 'credential' | 'sudoPassword'>;

const loginFields = ['address', 'port', 'user', 'hostKey', 'credential', 'sudoPassword'] as const;

interface HostFormProps {
  /** Begins the ids of its fields. */
  readonly id: string;
  readonly first: { readonly address: string; readonly port: number; readonly user: string };
  /** The verb of its last button. */
  readonly verb: string;
  readonly isDanger?: boolean;
  readonly send: (login: SentLogin, key: string) => Promise<HostInstall>;
  readonly onBegun: (install: HostInstall) => void;
  readonly onCancel?: () => void;
  /** Fields besides, and which of them the master may find wrong. */
  readonly fields?: readonly string[];
  readonly children?: (faultOf: (field: string) => string | null) => ReactNode;
}

/** Which host, whether it is that one, and how to log in there: each asked for when the one before it is answered. */
export function HostForm({ id, first, verb, isDanger = false, send, onBegun, onCancel, fields = [], children }: HostFormProps): ReactNode {
  const { t } = useTranslation('install');
  const [address, setAddress] = useState(first.address);
  const [port, setPort] = useState(String(first.port));
  const [user, setUser] = useState(first.user);
  const [draft, setDraft] = useState<CredentialDraft>(noCredential);
  const [isConfirmed, setIsConfirmed] = useState(false);
  const [isReplaced, setIsReplaced] = useState(false);
  const keys = useDo('post /host-keys', ['none']);
  const sending = useSend<HostInstall>('slaves');
  const hostKey = keys.data;
  const portNumber = wholeNumber(port) ?? 22;
  const isPort = portNumber >= 1 && portNumber <= 65_535;
  const isItself = hostKey !== undefined && (hostKey.standing === 'known' || (isConfirmed && (hostKey.standing === 'new' || isReplaced)));
  const faultOf = (field: string): string | null => faultAt(sending.problem, field);
  const isAtField = (problem: ApiProblem | null, of: readonly string[]): boolean => of.some((field) => faultAt(problem, field) !== null);

  const place = (change: () => void): void => {
    // Another host: what was confirmed was another's key, and what was typed is not for it.
    change();
    keys.reset();
    setIsConfirmed(false);
    setIsReplaced(false);
    sending.changed();
  };
  const showKey = (event: FormEvent): void => {
    event.preventDefault();
    setIsConfirmed(false);
    setIsReplaced(false);
    if (isPort) keys.mutate({ body: { address: address.trim(), port: portNumber } });
  };
  const begin = (event: FormEvent): void => {
    event.preventDefault();
    if (!isItself || !isComplete(draft) || sending.isPending) return;
    const login: SentLogin = { address: hostKey.address, port: hostKey.port, user: user.trim(), hostKey: hostKey.fingerprint, replaceHostKey: hostKey.standing === 'changed' && isReplaced, ...credentialSent(user.trim(), draft) };
    sending.send((key) => send(login, key), (install) => {
      setDraft(noCredential);
      onBegun(install);
    });
  };
  const cancel = onCancel === undefined ? null : <Button variant="link" onClick={onCancel}>{t('shell:cancel')}</Button>;
  return (
    <div className="pv-install-steps">
      <Form onSubmit={showKey} autoComplete="off" aria-label={t('where.title')}>
        <FormSection title={t('where.title')} titleElement="h3">
          <div className="pv-install-place">
            <Field id={`${id}-address`} label={t('where.address')} value={address} onChange={(text) => place(() => setAddress(text))} autoComplete="off" isRequired hint={t('where.addressHint')} fault={faultAt(keys.error, 'address') ?? faultOf('address')} />
            <Field id={`${id}-port`} label={t('where.port')} type="number" min={1} max={65_535} value={port} onChange={(text) => place(() => setPort(text))} autoComplete="off" fault={isPort ? (faultAt(keys.error, 'port') ?? faultOf('port')) : t('where.portFault')} />
          </div>
        </FormSection>
        {!isAtField(keys.error, ['address', 'port']) && <ProblemAlert problem={keys.error} />}
        <ActionGroup>
          <Button type="submit" variant={hostKey === undefined ? 'primary' : 'secondary'} isLoading={keys.isPending} isDisabled={keys.isPending || address.trim() === '' || !isPort}>{t(hostKey === undefined ? 'where.show' : 'where.again')}</Button>
          {!isItself && cancel}
        </ActionGroup>
      </Form>
      {hostKey !== undefined && (
        <section className="pv-install-part" aria-labelledby={`${id}-key-title`}>
          <h3 id={`${id}-key-title`} className="pv-install-title">{t('key.title')}</h3>
          <HostKeyShown id={id} hostKey={hostKey} isConfirmed={isConfirmed} onConfirm={setIsConfirmed} isReplaced={isReplaced} onReplace={setIsReplaced} fault={faultOf('hostKey')} />
        </section>
      )}
      {isItself && (
        <Form onSubmit={begin} onChange={sending.changed} autoComplete="off" aria-label={t('login.title')}>
          <FormSection title={t('login.title')} titleElement="h3">
            <Field id={`${id}-user`} label={t('login.user')} value={user} onChange={setUser} autoComplete="off" isRequired hint={t('login.userHint')} fault={faultOf('user')} />
            <CredentialFields id={id} user={user.trim()} draft={draft} onChange={(change) => setDraft((now) => ({ ...now, ...change }))} faultOf={faultOf} />
          </FormSection>
          {children?.(faultOf)}
          {!isAtField(sending.problem, [...loginFields, ...fields]) && <ProblemAlert problem={sending.problem} />}
          <ActionGroup>
            <Button type="submit" variant={isDanger ? 'danger' : 'primary'} isLoading={sending.isPending} isDisabled={sending.isPending || user.trim() === '' || !isComplete(draft)}>{verb}</Button>
            {cancel}
          </ActionGroup>
        </Form>
      )}
    </div>
  );
}

/** What is wrong with a field. Where the master found it by more than its shape, its whole sentence: that has the way out. */
function faultAt(problem: ApiProblem | null, field: string): string | null {
  if (problem === null) return null;
  const { field: only, faults = [] } = problem.problem;
  return only === field && faults.length === 0 ? problem.message : problem.faultOf(field);
}
