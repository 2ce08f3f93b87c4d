import { Alert, Button, Card, CardBody, CardTitle, Form, List, ListItem } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/call';
import type { Answered } from '@paravcl/shared/client/routes';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { ProblemAlert } from '../../states/problem-alert';
import { TextField } from '../../states/text-field';
import { useRuleValue } from './use-rule-value';

type Trial = Answered<'post /policy/trials'>;

/** What lines of YAML would change at the master's next start. They set nothing, so nothing is remembered of them either. */
export function RuleTrial(): ReactNode {
  const { t } = useTranslation('fleet');
  const [rules, setRules] = useState('');
  const trial = useMutation<Trial, ApiProblem, string>({ mutationFn: (lines) => call('post /policy/trials', { body: { rules: lines } }) });
  const change = (next: string): void => {
    setRules(next);
    trial.reset();
  };
  return (
    <Card>
      <CardTitle component="h2">{t('policy.trial.title')}</CardTitle>
      <CardBody className="pv-fleet-stack">
        <Form onSubmit={(event) => { event.preventDefault(); trial.mutate(rules); }}>
          <TextField label={t('policy.trial.label')} value={rules} onChange={change} rows={6} isCode help={t('policy.trial.lead')} />
          <div><Button type="submit" variant="secondary" isLoading={trial.isPending} isDisabled={trial.isPending || rules.trim() === ''}>{t('policy.trial.check')}</Button></div>
        </Form>
        {trial.error !== null && <ProblemAlert problem={trial.error} />}
        {trial.data !== undefined && <TrialOutcome trial={trial.data} />}
      </CardBody>
    </Card>
  );
}

function TrialOutcome({ trial: { faults, changes } }: { readonly trial: Trial }): ReactNode {
  const { t } = useTranslation('fleet');
  const tell = useRuleValue();
  if (faults.length > 0) {
    return (
      <Alert isInline isLiveRegion variant="danger" title={t('policy.trial.wrong', { count: faults.length })}>
        <List>{faults.map((fault) => <ListItem key={fault}>{fault}</ListItem>)}</List>
      </Alert>
    );
  }
  if (changes.length === 0) return <Alert isInline isLiveRegion variant="info" title={t('policy.trial.same')} />;
  const say = (value: Trial['changes'][number]['now']): string => (value === undefined ? t('policy.trial.unset') : tell(value));
  return (
    <>
      <Alert isInline isLiveRegion variant="success" title={t('policy.trial.right')}>{t('policy.trial.how')}</Alert>
      <Table aria-label={t('policy.trial.right')} variant="compact" gridBreakPoint="grid-md">
        <Thead>
          <Tr><Th>{t('policy.option')}</Th><Th>{t('policy.value')}</Th><Th>{t('policy.trial.then')}</Th></Tr>
        </Thead>
        <Tbody>
          {changes.map(({ option, now, then }) => (
            <Tr key={option}>
              <Td dataLabel={t('policy.option')} modifier="breakWord"><code>{option}</code></Td>
              <Td dataLabel={t('policy.value')} modifier="breakWord">{say(now)}</Td>
              <Td dataLabel={t('policy.trial.then')} modifier="breakWord">{say(then)}</Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </>
  );
}
