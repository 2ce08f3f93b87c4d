import { EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { tellScore } from '../../states/numbers';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

const everyMs = 30_000;

/** Who waits, in which place, why, and until when at the latest. */
export function QueuePage(): ReactNode {
  const { t } = useTranslation('reserve');
  useTitle(t('queue.title'));
  const times = useTimes(useSiteZone());
  const queue = useGet('pool', 'get /queue', {}, { everyMs });
  return (
    <PageSection>
      <Title headingLevel="h1">{t('queue.title')}</Title>
      <Read of={queue}>
        {({ length, items }) =>
          items.length === 0 ? (
            <EmptyState headingLevel="h2" titleText={t('queue.empty')} icon={CheckCircleIcon}>
              <EmptyStateBody>{t(length === 0 ? 'queue.nobody' : 'queue.others', { count: length })}</EmptyStateBody>
            </EmptyState>
          ) : (
            <>
              <p>{t('queue.length', { count: length })}</p>
              <Table aria-label={t('queue.title')} variant="compact" gridBreakPoint="grid-lg">
                <Thead>
                  <Tr>
                    <Th>{t('queue.place')}</Th>
                    <Th>{t('queue.machine')}</Th>
                    <Th width={40}>{t('queue.reason')}</Th>
                    <Th>{t('queue.earliest')}</Th>
                    <Th>{t('queue.priority')}</Th>
                  </Tr>
                </Thead>
                <Tbody>
                  {items.map(({ instanceId, name, place, reason, waitsFor, earliestStart, priority }) => (
                    <Tr key={instanceId}>
                      <Td dataLabel={t('queue.place')}>{place}</Td>
                      <Td dataLabel={t('queue.machine')}>{name}</Td>
                      <Td dataLabel={t('queue.reason')}>
                        {reason !== null && !waitsFor.startsWith(reason.sentence) && <p>{reason.sentence}</p>}
                        <p>{waitsFor}</p>
                      </Td>
                      <Td dataLabel={t('queue.earliest')}>{earliestStart === null ? t('queue.unknown') : times.moment(earliestStart)}</Td>
                      <Td dataLabel={t('queue.priority')}>{tellScore(priority.pi)}{beside(priority)} <Link to={`/instances/${instanceId}/why`} aria-label={t('queue.whyOf', { name })}>{t('queue.why')}</Link></Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            </>
          )
        }
      </Read>
    </PageSection>
  );
}

/** What orders the queue beside Pi, of which the sentences speak: what waiting added, less past usage. */
function beside({ aging = 0, usage = 0 }: { readonly aging?: number | undefined; readonly usage?: number | undefined }): string {
  const added = aging + usage;
  return Math.abs(added) < 0.005 ? '' : ` ${added > 0 ? '+' : '−'} ${tellScore(Math.abs(added))}`;
}
