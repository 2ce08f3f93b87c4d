import './reserve.css';
import { Button, Card, CardBody, CardTitle, Form, PageSection, Title } from '@patternfly/react-core';
import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import type { Offer } from '@paravcl/shared/domain/decision';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useDo } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { Answer } from './answer';
import { CapacityCard } from './capacity-card';
import { bodyOf, emptyForm, faultsOf, mibOf, type ReservationForm } from './reservation-form';
import { Reserved } from './reserved';
import type { Span } from './span';
import { useCapacity } from './use-capacity';
import { useCheck } from './use-check';
import { defaultSizes, useChoices, type Choices } from './use-choices';
import { WhatInputs } from './what-inputs';
import { addDays, hourMs, momentOf, wallAt } from '../../states/zone-time';

/** Reserving: the pool's free hours, what one wants, and at once what that would come to. */
export function ReservePage(): ReactNode {
  const { t } = useTranslation('reserve');
  useTitle(t('title'));
  const [search] = useSearchParams();
  const choices = useChoices();
  const capacity = useCapacity();
  const { timeZone } = capacity;
  const [form, setForm] = useState<ReservationForm>(() => ({ ...emptyForm, what: whatOf(search), groupId: search.get('group') ?? '' }));
  const [chosen, setChosen] = useState<Span | 'none' | null>(null);
  const [done, setDone] = useState<ReservationAnswer | null>(null);
  const request = useDo('post /reservations', ['reservations', 'pool']);

  const what = form.what === '' ? firstOf(choices) : form.what;
  const shown = { ...form, what };
  const span = chosen === 'none' ? null : (chosen ?? (timeZone === undefined ? null : tomorrow(timeZone)));
  const faults = faultsOf(shown);
  const body = bodyOf(shown, span, choices.templates);
  const check = useCheck(body);
  const sizes = defaultSizes(what, choices);
  const [vcpus, ramMiB] = [form.vcpus === '' ? sizes.vcpus : Number(form.vcpus), form.ramGiB === '' ? sizes.ramMiB : mibOf(form.ramGiB)];
  const need = vcpus === null || ramMiB === null || faults.includes('count') || faults.includes('vcpus') ? null : { vcpus, ramMiB, count: Number(form.count) };
  // What was refused when it was asked for in earnest is shown until something else is asked for.
  const problem = request.error ?? check.error;
  const answer = request.error === null ? check.data : undefined;
  const admitted = problem === null && answer?.admitted === true;

  const change = (by: Partial<ReservationForm>): void => {
    request.reset();
    setForm((now) => ({ ...now, ...by }));
  };
  const pick = (next: Span | null): void => {
    request.reset();
    setChosen(next ?? 'none');
    if (next !== null && timeZone !== undefined) capacity.show(wallAt(next.start, timeZone).date);
  };
  const take = (offer: Offer): void => {
    pick({ start: Date.parse(offer.start), end: Date.parse(offer.end) });
    if (offer.kind === 'size') change({ count: String(offer.count), vcpus: String(offer.vcpusEach) });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (body !== null) request.mutate({ body }, { onSuccess: setDone });
  };

  return (
    <PageSection>
      <Title headingLevel="h1" className="pv-page-title">{t('title')}</Title>
      {done !== null ? <Reserved answer={done} timeZone={timeZone} onMore={() => setDone(null)} /> : (
        <Form onSubmit={submit} className="pv-reserve" noValidate>
          <div className="pv-reserve__asked">
            <Card>
              <CardTitle><Title headingLevel="h2" size="lg">{t('what.title')}</Title></CardTitle>
              <CardBody className="pf-v6-c-form pv-reserve__fields"><WhatInputs form={shown} choices={choices} faults={faults} problem={problem} onChange={change} /></CardBody>
            </Card>
            <CapacityCard capacity={capacity} span={span} need={need} onSpan={pick} />
          </div>
          <Card className="pv-reserve__answer">
            <CardTitle><Title headingLevel="h2" size="lg">{t('answer.title')}</Title></CardTitle>
            <CardBody>
              <Answer answer={answer} problem={problem} isOld={check.isOld && request.error === null} isEmpty={body === null} timeZone={timeZone} onTake={take}>
                <Button type="submit" variant="primary" isLoading={request.isPending} isDisabled={request.isPending || body === null || !admitted}>{t('submit')}</Button>
              </Answer>
            </CardBody>
          </Card>
        </Form>
      )}
    </PageSection>
  );
}

/** What other pages name in the address; empty: the first image there is. */
function whatOf(search: URLSearchParams): string {
  const [template, family] = [search.get('template'), search.get('family')];
  return template !== null ? `template:${template}` : family !== null ? `family:${family}` : '';
}

/** Nothing while it is not known what there is. */
function firstOf({ families: [first], isKnown }: Choices): string {
  return first !== undefined ? `family:${first.id}` : isKnown ? 'none' : '';
}

/** Something to begin with: two hours tomorrow morning. */
function tomorrow(timeZone: string): Span {
  const { date } = wallAt(Date.now(), timeZone);
  const start = momentOf({ date: addDays(date, 1), time: '10:00' }, timeZone) ?? Date.now() + 24 * hourMs;
  return { start, end: start + 2 * hourMs };
}
