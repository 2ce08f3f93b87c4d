import { Button, Form } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useMe } from '../../session/session';
import { useSay } from '../../shell/toasts';
import { Field } from '../../states/field';
import { ProblemAlert } from '../../states/problem-alert';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { Part } from './part';

/** Who one is: what one may change, and what others say. */
export function Person(): ReactNode {
  const { t } = useTranslation('account');
  const { user, groups } = useMe();
  const times = useTimes(useSiteZone());
  const say = useSay();
  const [displayName, setDisplayName] = useState(user.displayName);
  const [mail, setMail] = useState(user.mail ?? '');
  const { mutate, isPending, error } = useDo('patch /me', ['none']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ body: { displayName, mail: mail.trim() === '' ? null : mail.trim() } }, { onSuccess: () => say(t('saved')) });
  };
  return (
    <Part title={t('person.title')}>
      <p>{t('person.who', { name: user.name, role: t(`role.${user.role}`), since: times.moment(user.createdAt) })}</p>
      <p className="pv-quiet">{groups.length === 0 ? t('person.noGroups') : t('person.groups', { groups: groups.map(({ name }) => name).join(', ') })}</p>
      <Form onSubmit={submit}>
        <Field id="displayName" label={t('person.displayName')} autoComplete="name" isRequired value={displayName} onChange={setDisplayName} fault={error?.faultOf('displayName')} />
        <Field id="mail" label={t('person.mail')} type="email" autoComplete="email" hint={t('person.mailHint')} value={mail} onChange={setMail} fault={error?.faultOf('mail')} />
        <ProblemAlert problem={error} />
        <div><Button type="submit" variant="secondary" isLoading={isPending} isDisabled={isPending}>{t('save')}</Button></div>
      </Form>
    </Part>
  );
}
