import { Alert, EmptyState, EmptyStateBody, FormSelect, FormSelectOption, PageSection, ToggleGroup, ToggleGroupItem, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import ServerIcon from '@patternfly/react-icons/dist/esm/icons/server-icon';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../../api/use-api';
import { Read } from '../../../states/read';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { PoolCalendar } from './pool-calendar';
import { PoolList } from './pool-list';
import '../../teach/teach.css';
import '../fleet.css';

const spans = [6, 24, 72, 168] as const;

/** Who holds what of every slave, and when: as a calendar, or as a plain list. */
export function PoolPage(): ReactNode {
  const { t } = useTranslation('fleet');
  const [hours, setHours] = useState<number>(24);
  const [isList, setIsList] = useState(() => window.innerWidth < 768);
  const pool = useGet('pool', 'get /pool', { query: { hours } }, { everyMs: 60_000 });
  return (
    <>
      <PageHead title={t('pool.title')} actions={<LinkButton to="/queue" variant="secondary">{t('pool.queue')}</LinkButton>}>
        <p>{t('pool.lead')}</p>
      </PageHead>
      <PageSection>
        <Toolbar inset={{ default: 'insetNone' }}>
          <ToolbarContent>
            <ToolbarItem>
              <FormSelect aria-label={t('pool.span')} value={hours} onChange={(_event, next) => setHours(Number(next))}>
                {spans.map((each) => <FormSelectOption key={each} value={each} label={t(each < 72 ? 'pool.hours' : 'pool.days', { count: each < 72 ? each : each / 24 })} />)}
              </FormSelect>
            </ToolbarItem>
            <ToolbarItem>
              <ToggleGroup aria-label={t('pool.as')}>
                <ToggleGroupItem text={t('pool.calendar')} buttonId="pool-calendar" isSelected={!isList} onChange={() => setIsList(false)} />
                <ToggleGroupItem text={t('pool.list')} buttonId="pool-list" isSelected={isList} onChange={() => setIsList(true)} />
              </ToggleGroup>
            </ToolbarItem>
          </ToolbarContent>
        </Toolbar>
        <Read of={pool}>
          {(found) =>
            found.slaves.length === 0 ? (
              <EmptyState headingLevel="h2" titleText={t('slaves.none')} icon={ServerIcon}>
                <EmptyStateBody>{t('slaves.noneBody')}</EmptyStateBody>
              </EmptyState>
            ) : (
              <div className="pv-fleet-stack">
                {found.unplaced.length > 0 && <Alert variant="warning" isInline title={t('pool.unplaced', { count: found.unplaced.length })} component="p">{t('pool.unplacedWho', { who: found.unplaced.map(({ name }) => name).join(', ') })}</Alert>}
                {isList ? <PoolList slaves={found.slaves} unplaced={found.unplaced} /> : <PoolCalendar from={found.from} to={found.to} slaves={found.slaves} />}
              </div>
            )
          }
        </Read>
      </PageSection>
    </>
  );
}
