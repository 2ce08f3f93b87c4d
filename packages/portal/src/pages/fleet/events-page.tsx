import { Button, EmptyState, EmptyStateBody, PageSection } from '@patternfly/react-core';
import HistoryIcon from '@patternfly/react-icons/dist/esm/icons/history-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { PageHead } from '../../shell/page-head';
import { EventFilter } from './event-filter';
import { subjectLink } from './subject-link';
import '../teach/teach.css';
import './fleet.css';

const perPage = 50;

/** Who did what to what, newest first. What is looked for stands in the address, so that it can be handed on. */
export function EventsPage(): ReactNode {
  const { t } = useTranslation('fleet');
  const timeZone = useSiteZone();
  const times = useTimes(timeZone);
  const [params, setParams] = useSearchParams();
  // The cursors of the pages that one came through: the way back to newer ones.
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const said = (name: string): string | undefined => params.get(name) ?? undefined;
  const [kind, subjectId, actorUserId, cursor] = [said('kind'), said('subjectId'), said('actorUserId'), cursors.at(-1)];
  const query = { limit: perPage, kind, subjectId, actorUserId, since: said('since'), until: said('until'), cursor };
  const events = useGet('none', 'get /events', { query }, cursor === undefined ? { everyMs: 10_000 } : {});
  const filter = (next: Readonly<Record<string, string>>): void => {
    setCursors([]);
    setParams(Object.entries(next).filter(([, value]) => value !== ''), { replace: true });
  };
  return (
    <>
      <PageHead title={t('events.title')} />
      <PageSection className="pv-fleet-stack">
        {timeZone !== undefined && <EventFilter key={params.toString()} params={params} timeZone={timeZone} onFilter={filter} />}
        <Read of={events}>
          {({ items, next }) => (
            <>
              {items.length === 0 ? (
                <EmptyState headingLevel="h2" titleText={t('events.none')} icon={HistoryIcon}>
                  <EmptyStateBody>{t('events.noneBody')}</EmptyStateBody>
                </EmptyState>
              ) : (
                <Table aria-label={t('events.title')} variant="compact" gridBreakPoint="grid-lg">
                  <Thead>
                    <Tr><Th>{t('events.at')}</Th><Th width={45}>{t('events.what')}</Th><Th>{t('events.kind')}</Th><Th>{t('events.who')}</Th><Th screenReaderText={t('actions')} /></Tr>
                  </Thead>
                  <Tbody>
                    {items.map(({ id, at, sentence, kind: each, subject, actor, clientAddress }) => {
                      const to = subjectLink(subject);
                      return (
                        <Tr key={id}>
                          <Td dataLabel={t('events.at')} modifier="nowrap">{times.moment(at)}</Td>
                          <Td dataLabel={t('events.what')} modifier="breakWord">{sentence}</Td>
                          <Td dataLabel={t('events.kind')} modifier="breakWord"><span className="pv-code">{each}</span></Td>
                          <Td dataLabel={t('events.who')} modifier="breakWord">{actor}{clientAddress !== null && <div className="pv-quiet">{clientAddress}</div>}</Td>
                          <Td modifier="fitContent">{to !== null && <Link to={to} aria-label={t('events.goTo', { sentence })}>{t('events.go')}</Link>}</Td>
                        </Tr>
                      );
                    })}
                  </Tbody>
                </Table>
              )}
              <nav aria-label={t('events.pages')}>
                <Button variant="secondary" isDisabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>{t('events.newer')}</Button>{' '}
                <Button variant="secondary" isDisabled={next === null} onClick={() => next !== null && setCursors([...cursors, next])}>{t('events.older')}</Button>
              </nav>
            </>
          )}
        </Read>
      </PageSection>
    </>
  );
}
