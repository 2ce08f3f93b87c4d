import { EmptyState, EmptyStateBody, PageSection } from '@patternfly/react-core';
import ServerIcon from '@patternfly/react-icons/dist/esm/icons/server-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../../session/session';
import { Read } from '../../../states/read';
import { PageHead } from '../../../shell/page-head';
import { useAll } from '../../../api/use-all';
import { SlaveTable } from '../slave-table';
import { slavesInOrder } from '../standing';
import { JoinCard } from './join-card';
import { JoinTokens } from './join-tokens';
import '../../teach/teach.css';
import '../fleet.css';

/** The machines that a person lends to the pool, and how to lend one more. */
export function MySlavesPage(): ReactNode {
  const { t, i18n } = useTranslation('fleet');
  const { user } = useMe();
  const slaves = useAll('slaves', 'get /slaves', { query: { ownerUserId: user.id } });
  return (
    <>
      <PageHead title={t('mine.title')}>
        <p>{t('mine.lead')}</p>
      </PageHead>
      <PageSection className="pv-fleet-stack">
        <Read of={slaves}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState headingLevel="h2" titleText={t('mine.none')} icon={ServerIcon}>
                <EmptyStateBody>{t('mine.noneBody')}</EmptyStateBody>
              </EmptyState>
            ) : (
              <SlaveTable slaves={slavesInOrder(all, i18n.language)} label={t('mine.title')} mayOperate={false} />
            )
          }
        </Read>
        <JoinCard />
        <JoinTokens />
      </PageSection>
    </>
  );
}
