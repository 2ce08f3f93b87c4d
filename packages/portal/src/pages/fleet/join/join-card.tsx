import { ActionGroup, Button, Card, CardBody, CardTitle, Checkbox, ClipboardCopy, ExpandableSection, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Answered } from '@paravcl/shared/client/routes';
import { useDo } from '../../../api/use-api';
import { Field } from '../../../states/field';
import { OnceSecret } from '../../../states/once-secret';
import { ProblemAlert } from '../../../states/problem-alert';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';

const lifetimes = { hour: 60, day: 24 * 60, week: 7 * 24 * 60 } as const;
type Lifetime = keyof typeof lifetimes;

/** Makes a join token and shows once the command to paste on the new machine. */
export function JoinCard({ mayChoose = false }: { /** Whether one chooses what kind it is, and lets it in unseen. */ readonly mayChoose?: boolean }): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const [kind, setKind] = useState<SlaveKind>('dedicated');
  const [preapproved, setPreapproved] = useState(false);
  const [note, setNote] = useState('');
  const [lifetime, setLifetime] = useState<Lifetime>('hour');
  const make = useDo('post /join-tokens', ['none']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    make.mutate({ body: { note, lifetimeMinutes: lifetimes[lifetime], ...(mayChoose ? { kind, preapproved } : {}) } });
  };
  const made = make.data;
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
          <FormGroup label={t('join.lifetime')} fieldId="join-lifetime">
            <FormSelect id="join-lifetime" value={lifetime} onChange={(_event, next) => setLifetime(next as Lifetime)}>
              {(Object.keys(lifetimes) as readonly Lifetime[]).map((each) => <FormSelectOption key={each} value={each} label={t(`join.lifetimes.${each}`)} />)}
            </FormSelect>
          </FormGroup>
          <Field id="join-note" label={t('join.note')} value={note} onChange={setNote} hint={t('join.noteHint')} fault={make.error?.faultOf('note')} />
          {mayChoose && <Checkbox id="join-preapproved" label={t('join.preapproved')} description={t('join.preapprovedHelp')} isChecked={preapproved} onChange={(_event, isOn) => setPreapproved(isOn)} />}
          {make.error?.faultOf('note') == null && <ProblemAlert problem={make.error} />}
          <ActionGroup>
            <Button type="submit" variant={made === undefined ? 'primary' : 'secondary'} isLoading={make.isPending} isDisabled={make.isPending}>{t(made === undefined ? 'join.make' : 'join.another')}</Button>
          </ActionGroup>
        </Form>
        {made !== undefined && (
          <MadeToken made={made} until={times.moment(made.joinToken.expiresAt)} />
        )}
      </CardBody>
    </Card>
  );
}

/** The one line for a bare machine first; where the agent is there already, its own command. */
function MadeToken({ made, until }: { readonly made: Answered<'post /join-tokens'>; readonly until: string }): ReactNode {
  const { t } = useTranslation('fleet');
  const installed = (
    <div className="pv-fleet-stack">
      <OnceSecret title={t('join.command')} secret={made.command}>
        <p>{t('join.paste', { at: until })}</p>
      </OnceSecret>
      <div>
        <p>{t('join.orAsk')}</p>
        <ClipboardCopy isReadOnly hoverTip={t('shell:copy')} clickTip={t('shell:copied')} textAriaLabel={t('join.commandThatAsks')}>{made.commandThatAsks}</ClipboardCopy>
      </div>
    </div>
  );
  if (made.oneLine === null) return installed;
  return (
    <div className="pv-fleet-stack">
      <div>
        <p>{t('join.pasteLine')}</p>
        <ClipboardCopy isReadOnly hoverTip={t('shell:copy')} clickTip={t('shell:copied')} textAriaLabel={t('join.oneLine')}>{made.oneLine}</ClipboardCopy>
        <p className="pv-quiet">{t('join.whatItDoes')}</p>
      </div>
      <OnceSecret title={t('join.token')} secret={made.token}>
        <p>{t('join.whenAsked', { at: until })}</p>
      </OnceSecret>
      <ExpandableSection toggleText={t('join.alreadyInstalled')}>{installed}</ExpandableSection>
    </div>
  );
}
