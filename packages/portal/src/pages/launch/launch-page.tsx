import { Button, EmptyState, EmptyStateBody, Form, Gallery, PageSection, Title } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router';
import type { Answered } from '@paravcl/shared/client/routes';
import { useDo } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { useSay } from '../../shell/toasts';
import { Field } from '../../states/field';
import { Loading } from '../../states/loading';
import { ProblemAlert } from '../../states/problem-alert';
import { ChoiceCard } from './choice-card';
import { chosenOf } from './choices';
import './launch.css';
import { FurtherFields, SizeFields } from './launch-fields';
import { LaunchOptions } from './launch-options';
import { Launched } from './launched';
import { useChoices } from './use-choices';
import { emptyForm, faultsOf, launchBody } from './wish';

/** Choose what to run, for how long and how large; what the pool answers is there before one launches. */
export function LaunchPage(): ReactNode {
  const { t } = useTranslation('launch');
  const navigate = useNavigate();
  const say = useSay();
  const choices = useChoices();
  const [search, setSearch] = useSearchParams();
  const [form, setForm] = useState(emptyForm);
  const [launched, setLaunched] = useState<Answered<'post /instances'> | null>(null);
  const { mutate, isPending, error } = useDo('post /instances', ['instances', 'operations', 'pool']);
  useTitle(t('title'));
  if (launched !== null) return <PageSection><Launched answer={launched} /></PageSection>;
  const choice = choices === null ? null : chosenOf(search, choices);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (choice === null || faultsOf(form).length > 0) return;
    mutate({ body: launchBody(choice, form) }, {
      onSuccess: (answer) => {
        if (answer.pledge !== null) return setLaunched(answer);
        answer.warnings.forEach((warning) => say(warning, 'warning'));
        void navigate(`/machines/${answer.instance.id}`);
      },
    });
  };
  return (
    <PageSection>
      <Form className="pv-launch" onSubmit={submit}>
        <Title headingLevel="h1">{t('title')}</Title>
        <Title headingLevel="h2">{t('what')}</Title>
        {choices === null && <Loading />}
        {choices?.length === 0 && (
          <EmptyState headingLevel="h3" titleText={t('nothing.title')} variant="sm">
            <EmptyStateBody>{t('nothing.body')}</EmptyStateBody>
          </EmptyState>
        )}
        <Gallery hasGutter minWidths={{ default: 'min(100%, 15rem)' }} role="radiogroup" aria-label={t('what')}>
          {(choices ?? []).map((each) => <ChoiceCard key={each.id} choice={each} group="choice" isChosen={each === choice} onChoose={() => setSearch({ [each.kind]: each.id }, { replace: true })} />)}
        </Gallery>
        {choice !== null && (
          <>
            <Title headingLevel="h2">{t('how')}</Title>
            <SizeFields form={form} onChange={setForm} problem={error} />
            <LaunchOptions choice={choice} form={form} onMinutes={(minutes) => setForm({ ...form, minutes })} fault={error?.faultOf('minutes')} />
            <Field id="name" label={t('name')} hint={t('nameHint')} value={form.name} onChange={(name) => setForm({ ...form, name })} fault={error?.faultOf('name')} />
            <FurtherFields form={form} onChange={setForm} problem={error} />
            <ProblemAlert problem={error} />
            <div>
              <Button type="submit" isLoading={isPending} isDisabled={isPending || faultsOf(form).length > 0}>{t('launch', { name: choice.name })}</Button>
            </div>
          </>
        )}
      </Form>
    </PageSection>
  );
}
