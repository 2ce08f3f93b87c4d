import { Button, FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useAll } from '../../api/use-all';
import { useMe } from '../../session/session';
import { Field } from '../../states/field';

interface OwnerFieldProps {
  readonly id: string;
  /** A person's id; empty: who chooses. */
  readonly value: string;
  readonly onChange: (ownerUserId: string) => void;
  readonly fault: string | null | undefined;
}

/** Whose machine a volunteer is. Only admins are shown who people are; an operator writes down the id of the account. */
export function OwnerField({ id, value, onChange, fault }: OwnerFieldProps): ReactNode {
  const { t, i18n } = useTranslation('fleet');
  const { user } = useMe();
  const isAdmin = user.role === 'admin';
  const people = useAll('none', 'get /users', {}, { enabled: isAdmin });
  if (!isAdmin) return <Field id={id} label={t('form.owner')} value={value} onChange={(text) => onChange(text.trim())} autoComplete="off" hint={t('form.ownerHint')} fault={fault} />;
  // What was read before is good enough; nothing at all would look as if there were nobody.
  const unread = people.data === undefined ? people.error : null;
  const said = fault ?? (unread === null ? null : t('form.peopleUnread', { why: unread.message }));
  const others = (people.data ?? []).filter((person) => person.id !== user.id && (!person.disabled || person.id === value)).sort((a, b) => a.displayName.localeCompare(b.displayName, i18n.language));
  return (
    <FormGroup label={t('form.owner')} fieldId={id}>
      <FormSelect id={id} value={value} validated={fault == null ? 'default' : 'error'} aria-describedby={said === null ? undefined : `${id}-said`} onChange={(_event, next) => onChange(next)}>
        <FormSelectOption value="" label={t('form.mine')} />
        {others.map((person) => <FormSelectOption key={person.id} value={person.id} label={`${person.displayName} (${person.name})`} />)}
        {value !== '' && !others.some((person) => person.id === value) && <FormSelectOption value={value} label={value} />}
      </FormSelect>
      {said !== null && (
        <FormHelperText>
          <HelperText id={`${id}-said`} isLiveRegion>
            <HelperTextItem variant="error">
              {said} {unread !== null && <Button variant="link" isInline isLoading={people.isFetching} onClick={() => void people.refetch()}>{t('shell:tryAgain')}</Button>}
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
