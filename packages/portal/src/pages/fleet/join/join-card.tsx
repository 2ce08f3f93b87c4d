import { ActionGroup, Button, Card, CardBody, CardTitle, Checkbox, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { Field } from '../../../states/field';
import { ProblemAlert } from '../../../states/problem-alert';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';
import { OwnerField } from '../owner-field';
import { JoinWayShown } from './join-way-shown';

const lifetimes = { hour: 60, day: 24 * 60, week: 7 * 24 * 60 } as const;
type Lifetime = keyof typeof lifetimes;

/** Makes a join token and shows once the command to paste on the new machine. */
export function JoinCard({ mayChoose = false }: { /** Whether one chooses what kind it is, and lets it in unseen. */ readonly mayChoose?: boolean }): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const [kind, setKind] = useState<SlaveKind>('dedicated');
  const [owner, setOwner] = useState('');
  const [preapproved, setPreapproved] = useState(false);
  const [note, setNote] = useState('');
  const [lifetime, setLifetime] = useState<Lifetime>('hour');
  const make = useDo('post /join-tokens', ['none']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    make.mutate({ body: { note, lifetimeMinutes: lifetimes[lifetime], ...(mayChoose ? { kind, preapproved, ...(kind === 'volunteer' && owner !== '' ? { ownerUserId: owner } : {}) } : {}) } });
  };
  const made = make.data;
  const ownerFault = mayChoose && kind === 'volunteer' ? make.error?.faultOf('ownerUserId') : null;
  return (
    <Card>
      <CardTitle component="h2">{t('join.new')}</CardTitle>
      <CardBody className="pv-fleet-stack">
        <Form onSubmit={submit} className="pv-teach-form">
          {mayChoose && (
            <FormGroup label={t('form.kind')} fieldId="join-kind">
              <FormSelect id="join-kind" value={kind} onChange={(_event, next) => setKind(next as SlaveKind)}>
                <FormSelectOption value="dedicated" label={t('form.dedicated')} />
                <FormSelectOption value="volunteer" label={t('form.volunteer')} />
              </FormSelect>
            </FormGroup>
          )}
          {mayChoose && kind === 'volunteer' && <OwnerField id="join-owner" value={owner} onChange={setOwner} fault={ownerFault} />}
          <FormGroup label={t('join.lifetime')} fieldId="join-lifetime">
            <FormSelect id="join-lifetime" value={lifetime} onChange={(_event, next) => setLifetime(next as Lifetime)}>
              {(Object.keys(lifetimes) as readonly Lifetime[]).map((each) => <FormSelectOption key={each} value={each} label={t(`join.lifetimes.${each}`)} />)}
            </FormSelect>
          </FormGroup>
          <Field id="join-note" label={t('join.note')} value={note} onChange={setNote} hint={t('join.noteHint')} fault={make.error?.faultOf('note')} />
          {mayChoose && <Checkbox id="join-preapproved" label={t('join.preapproved')} description={t('join.preapprovedHelp')} isChecked={preapproved} onChange={(_event, isOn) => setPreapproved(isOn)} />}
          {make.error?.faultOf('note') == null && ownerFault == null && <ProblemAlert problem={make.error} />}
          <ActionGroup>
            <Button type="submit" variant={made === undefined ? 'primary' : 'secondary'} isLoading={make.isPending} isDisabled={make.isPending}>{t(made === undefined ? 'join.make' : 'join.another')}</Button>
          </ActionGroup>
        </Form>
        {made !== undefined && (
          <JoinWayShown way={made} until={times.moment(made.joinToken.expiresAt)} />
        )}
      </CardBody>
    </Card>
  );
}
