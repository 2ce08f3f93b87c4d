import { Card, CardBody, CardTitle, PageSection } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { useMe } from '../../session/session';
import { PageHead } from '../../shell/page-head';
import { RuleTrial } from './rule-trial';
import { useRuleValue } from './use-rule-value';
import '../teach/teach.css';
import './fleet.css';

/** The rules and limits in force, each with the option of the master's configuration that sets it. */
export function PolicyPage(): ReactNode {
  const { t } = useTranslation('fleet');
  const policy = useGet('none', 'get /policy', {});
  const tell = useRuleValue();
  const { role } = useMe().user;
  return (
    <>
      <PageHead title={t('policy.title')}>
        <p>{t('policy.lead', { preset: policy.data?.preset ?? '…' })}</p>
      </PageHead>
      <PageSection className="pv-fleet-stack">
        {role === 'admin' && <RuleTrial />}
        <Read of={policy}>
          {({ sections }) =>
            sections.map(({ name, sentence, values }) => (
              <Card key={name}>
                <CardTitle component="h2">{name}</CardTitle>
                <CardBody>
                  <p>{sentence}</p>
                  <Table aria-label={name} variant="compact" gridBreakPoint="grid-md">
                    <Thead>
                      <Tr><Th width={50}>{t('policy.option')}</Th><Th>{t('policy.value')}</Th></Tr>
                    </Thead>
                    <Tbody>
                      {values.map(({ option, value }) => (
                        <Tr key={option}>
                          <Td dataLabel={t('policy.option')} modifier="breakWord"><code>{option}</code></Td>
                          <Td dataLabel={t('policy.value')} modifier="breakWord">{tell(value)}</Td>
                        </Tr>
                      ))}
                    </Tbody>
                  </Table>
                </CardBody>
              </Card>
            ))
          }
        </Read>
      </PageSection>
    </>
  );
}
