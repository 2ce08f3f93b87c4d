import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from '@patternfly/react-core';
import UsersIcon from '@patternfly/react-icons/dist/esm/icons/users-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useFeedState } from '../../../feed/live';
import { Read } from '../../../states/read';
import { useSiteZone } from '../../../states/site-zone';
import { useTimes } from '../../../states/use-times';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { useAll } from '../../../api/use-all';
import '../teach.css';

const everyMs = { live: 15_000, lost: 5_000 } as const;

/** Classes that were deployed, the newest first, each with how far it is. */
export function DeploymentsPage(): ReactNode {
  const { t } = useTranslation('teach');
  const times = useTimes(useSiteZone());
  const feed = useFeedState();
  const deployments = useAll('deployments', 'get /deployments', {}, { everyMs: feed === 'live' ? everyMs.live : everyMs.lost });
  const groups = useAll('groups', 'get /groups', {});
  const make = <LinkButton to="/deploy">{t('deployments.new')}</LinkButton>;
  return (
    <>
      <PageHead title={t('deployments.title')} actions={deployments.data?.length === 0 ? undefined : make} />
      <PageSection>
        <Read of={deployments}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState headingLevel="h2" titleText={t('deployments.none')} icon={UsersIcon}>
                <EmptyStateBody>{t('deployments.noneBody')}</EmptyStateBody>
                <EmptyStateFooter>
                  <EmptyStateActions>{make}</EmptyStateActions>
                </EmptyStateFooter>
              </EmptyState>
            ) : (
              <Table aria-label={t('deployments.title')} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr>
                    <Th width={30}>{t('deployments.name')}</Th>
                    <Th width={35}>{t('deployments.state')}</Th>
                    <Th>{t('deployments.group')}</Th>
                    <Th>{t('deployments.made')}</Th>
                  </Tr>
                </Thead>
                <Tbody>
                  {all.map(({ id, name, sentence, groupId, createdAt }) => (
                    <Tr key={id}>
                      <Td dataLabel={t('deployments.name')} modifier="breakWord">
                        <Link to={`/deployments/${id}`}>{name}</Link>
                      </Td>
                      <Td dataLabel={t('deployments.state')} modifier="breakWord">{sentence}</Td>
                      <Td dataLabel={t('deployments.group')} modifier="breakWord">{groups.data?.find((group) => group.id === groupId)?.name ?? t('deployments.noGroup')}</Td>
                      <Td dataLabel={t('deployments.made')}>{times.moment(createdAt)}</Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </PageSection>
    </>
  );
}
