import { Button, Form, FormGroup, TextArea } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useMe } from '../../session/session';
import { ProblemAlert } from '../../states/problem-alert';
import { Part } from './part';
import { tellKey } from './tell-key';

/** Keys that guests are made with, and that the gateway lets in. */
export function Keys(): ReactNode {
  const { t } = useTranslation('account');
  const { user } = useMe();
  const [key, setKey] = useState('');
  const { mutate, isPending, error } = useDo('patch /me', ['none']);
  const keys = user.sshPublicKeys;
  const add = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ body: { sshPublicKeys: [...keys, key.trim()] } }, { onSuccess: () => setKey('') });
  };
  const remove = (gone: string): void => mutate({ body: { sshPublicKeys: keys.filter((other) => other !== gone) } });
  return (
    <Part title={t('keys.title')}>
      <p>{t('keys.lead')}</p>
      {keys.length === 0 && <p className="pv-quiet">{t('keys.none')}</p>}
      <ul className="pv-list">
        {keys.map((each) => (
          <li key={each}>
            <code>{tellKey(each)}</code>{' '}
            <Button variant="link" isInline isDisabled={isPending} aria-label={t('keys.removeOne', { key: tellKey(each) })} onClick={() => remove(each)}>{t('keys.remove')}</Button>
          </li>
        ))}
      </ul>
      <Form onSubmit={add}>
        <FormGroup label={t('keys.new')} fieldId="new-key">
          <TextArea id="new-key" rows={3} resizeOrientation="vertical" placeholder="ssh-ed25519 AAAA…" value={key} onChange={(_event, value) => setKey(value)} />
        </FormGroup>
        <ProblemAlert problem={error} />
        <div><Button type="submit" variant="secondary" isLoading={isPending} isDisabled={isPending || key.trim() === ''}>{t('keys.add')}</Button></div>
      </Form>
    </Part>
  );
}
