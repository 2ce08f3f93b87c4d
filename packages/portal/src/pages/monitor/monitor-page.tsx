import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection, Title } from '@patternfly/react-core';
import ServerIcon from '@patternfly/react-icons/dist/esm/icons/server-icon';
import { useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { LinkButton } from '../../shell/link-button';
import { PageHead } from '../../shell/page-head';
import { ConnectionsNow } from './connections-now';
import { HistorySection } from './history-section';
import { PublicInUse } from './public-in-use';
import { SiteSays } from './site-says';
import { SlaveRows } from './slave-rows';
import '../teach/teach.css';
import '../fleet/fleet.css';
import './monitor.css';

/** What is used now, by whom, and how it was in the last day. */
export function MonitorPage(): ReactNode {
  const { t } = useTranslation('monitor');
  const [slaveId, setSlaveId] = useState<string | null>(null);
  const heading = useRef<HTMLSpanElement>(null);
  const now = useGet('none', 'get /monitoring', {}, { everyMs: 10_000 });
  const showPlots = (id: string): void => {
    setSlaveId(id);
    heading.current?.focus();
  };
  return (
    <>
      <PageHead title={t('title')} />
      <Read of={now}>
        {({ site, slaves }) =>
          slaves.length === 0 ? (
            <PageSection>
              <EmptyState headingLevel="h2" titleText={t('slaves.none')} icon={ServerIcon}>
                <EmptyStateBody>{t('slaves.noneBody')}</EmptyStateBody>
                <EmptyStateFooter><EmptyStateActions><LinkButton to="/slaves/join">{t('slaves.join')}</LinkButton></EmptyStateActions></EmptyStateFooter>
              </EmptyState>
            </PageSection>
          ) : (
            <>
              <PageSection><SiteSays site={site} /></PageSection>
              <PageSection>
                <Title headingLevel="h2" size="lg">{t('slaves.title')}</Title>
                <SlaveRows slaves={slaves} onPlots={showPlots} />
              </PageSection>
              <HistorySection slaves={slaves} slaveId={slaveId} onChoose={setSlaveId} heading={heading} />
            </>
          )
        }
      </Read>
      <PageSection>
        <Title headingLevel="h2" size="lg">{t('connections.title')}</Title>
        <ConnectionsNow />
      </PageSection>
      <PublicInUse />
    </>
  );
}
