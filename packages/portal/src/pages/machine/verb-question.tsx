import { Checkbox, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { Confirm } from '../../states/confirm';
import { Field } from '../../states/field';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import type { Wish } from './use-verb';
import type { Verb } from './verbs';

/** Verbs that ask before they do something: they lose something, or have to be told more. */
const asking: ReadonlySet<Verb> = new Set<Verb>(['stop', 'powerOff', 'reset', 'delete', 'recover', 'moreTime', 'snapshot', 'move']);
const losing: ReadonlySet<Verb> = new Set<Verb>(['powerOff', 'reset', 'delete', 'recover']);
export const asksFirst = (verb: Verb): boolean => asking.has(verb);

const minutesOffered = [60, 120, 240, 480, 720, 1440] as const;

interface VerbQuestionProps {
  readonly verb: Wish['verb'];
  readonly instance: Instance;
  readonly isPending: boolean;
  readonly problem: ApiProblem | null;
  readonly onConfirm: (wish: Wish) => void;
  readonly onClose: () => void;
}

/** The question before a verb, with what it loses and what stays, or with what it has to be told. */
export function VerbQuestion({ verb, instance, isPending, problem, onConfirm, onClose }: VerbQuestionProps): ReactNode {
  const { t } = useTranslation('machine');
  const times = useTimes(useSiteZone());
  const [minutes, setMinutes] = useState<number>(minutesOffered[1]);
  const [name, setName] = useState('');
  const [ram, setRam] = useState(false);
  const [toProduction, setToProduction] = useState(false);
  const told = { moreTime: { minutes }, snapshot: { name, ram }, reset: { toProduction } };
  const confirm = (): void => onConfirm({ verb, ...(verb in told ? told[verb as keyof typeof told] : {}) });
  return (
    <Confirm title={t(`ask.${verb}.title`, { name: instance.name })} verb={t(`verb.${verb}`)} isDanger={losing.has(verb)} isPending={isPending} problem={problem} onConfirm={confirm} onClose={onClose}>
      <p>{t(`ask.${verb}.body`, { name: instance.name, address: instance.address ?? '' })}</p>
      <Form onSubmit={(event) => event.preventDefault()}>
        {verb === 'moreTime' && (
          <FormGroup label={t('ask.moreTime.minutes')} fieldId="more-minutes">
            <FormSelect id="more-minutes" value={minutes} onChange={(_event, value) => setMinutes(Number(value))}>
              {minutesOffered.map((each) => <FormSelectOption key={each} value={each} label={t('ask.moreTime.until', { span: times.span(each * 60_000), at: times.moment(new Date(Date.now() + each * 60_000).toISOString()) })} />)}
            </FormSelect>
          </FormGroup>
        )}
        {verb === 'snapshot' && (
          <>
            <Field id="snapshot-name" label={t('ask.snapshot.name')} hint={t('ask.snapshot.nameHint')} value={name} onChange={setName} fault={problem?.faultOf('name')} />
            {instance.observed === 'running' && <Checkbox id="snapshot-ram" label={t('ask.snapshot.ram')} description={t('ask.snapshot.ramHint')} isChecked={ram} onChange={(_event, checked) => setRam(checked)} />}
          </>
        )}
        {verb === 'reset' && <Checkbox id="reset-production" label={t('ask.reset.toProduction')} isChecked={toProduction} onChange={(_event, checked) => setToProduction(checked)} />}
      </Form>
    </Confirm>
  );
}
