import { Alert, FileUpload, FormGroup, Radio } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Field } from '../../../states/field';
import type { CredentialDraft } from './credential';

/** As much as the master takes. */
const largestKeyBytes = 20_000;

interface CredentialFieldsProps {
  readonly id: string;
  readonly user: string;
  readonly draft: CredentialDraft;
  readonly onChange: (change: Partial<CredentialDraft>) => void;
  readonly faultOf: (field: string) => string | null;
}

/** A password, or a private key pasted or out of a file, and what sudo asks for. No browser keeps any of it. */
export function CredentialFields({ id, user, draft, onChange, faultOf }: CredentialFieldsProps): ReactNode {
  const { t } = useTranslation('install');
  return (
    <>
      <FormGroup role="radiogroup" label={t('login.with')} fieldId={`${id}-with`} isInline>
        {(['password', 'key'] as const).map((kind) => (
          <Radio key={kind} id={`${id}-with-${kind}`} name={`${id}-with`} label={t(`login.kind.${kind}`)} isChecked={draft.kind === kind} onChange={() => onChange({ kind })} />
        ))}
      </FormGroup>
      {draft.kind === 'password' ? (
        <Field id={`${id}-password`} label={t('login.password', { user })} type="password" autoComplete="new-password" isRequired value={draft.password} onChange={(password) => onChange({ password })} fault={faultOf('credential')} hint={t('login.kept')} />
      ) : (
        <>
          <KeyField id={id} value={draft.privateKey} onChange={(privateKey) => onChange({ privateKey })} fault={faultOf('credential.privateKey')} />
          <Field id={`${id}-passphrase`} label={t('login.passphrase')} type="password" autoComplete="new-password" value={draft.passphrase} onChange={(passphrase) => onChange({ passphrase })} fault={faultOf('credential.passphrase')} hint={t('login.passphraseHint')} />
        </>
      )}
      {user !== 'root' && <Field id={`${id}-sudo`} label={t('login.sudo')} type="password" autoComplete="new-password" value={draft.sudoPassword} onChange={(sudoPassword) => onChange({ sudoPassword })} fault={faultOf('sudoPassword')} hint={t(`login.sudoHint.${draft.kind}`)} />}
    </>
  );
}

function KeyField({ id, value, onChange, fault }: { readonly id: string; readonly value: string; readonly onChange: (text: string) => void; readonly fault: string | null }): ReactNode {
  const { t } = useTranslation('install');
  const [fileName, setFileName] = useState('');
  const [isTooLarge, setIsTooLarge] = useState(false);
  const change = (text: string): void => {
    setIsTooLarge(false);
    onChange(text);
  };
  const wrong = isTooLarge ? t('login.keyTooLarge') : fault;
  return (
    <FormGroup label={t('login.privateKey')} fieldId={`${id}-key`} isRequired>
      <FileUpload
        id={`${id}-key`}
        type="text"
        className="pv-install-key"
        value={value}
        filename={fileName}
        filenamePlaceholder={t('login.drop')}
        filenameAriaLabel={t('login.file')}
        browseButtonText={t('login.browse')}
        clearButtonText={t('login.clear')}
        aria-label={t('login.privateKey')}
        validated={wrong === null ? 'default' : 'error'}
        allowEditingUploadedText
        onFileInputChange={(_event, file) => setFileName(file.name)}
        onDataChange={(_event, text) => change(text)}
        onTextChange={(_event, text) => change(text)}
        onClearClick={() => { setFileName(''); change(''); }}
        dropzoneProps={{ maxSize: largestKeyBytes, onDropRejected: () => setIsTooLarge(true) }}
      />
      <p className="pv-quiet">{t('login.keyHelp')}</p>
      {wrong !== null && <Alert variant="danger" isInline isPlain isLiveRegion component="p" title={wrong} />}
    </FormGroup>
  );
}
