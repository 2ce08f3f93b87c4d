import './reserve.css';
import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, ExpandableSection, Flex, FlexItem, PageSection, Stack, StackItem, Title } from '@patternfly/react-core';
import CalendarAltIcon from '@patternfly/react-icons/dist/esm/icons/calendar-alt-icon';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useGet } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { Read } from '../../states/read';
import { MovedReservation } from './moved-reservation';
import { actionsOf, isMovedAnew, mayOperate } from './reservation-actions';
import { ReservationTable } from './reservation-table';
import { inOrder } from './reservations-in-order';
import { useSiteZone } from '../../states/site-zone';
import { useReservationWords } from './use-reservation-words';

const most = 200;

/** Reservations of mine and of my groups: what gave way first, then what comes, what was below it. */
export function ReservationsPage(): ReactNode {
  const { t } = useTranslation('reserve');
  useTitle(t('list.title'));
  const navigate = useNavigate();
  const timeZone = useSiteZone();
  const words = useReservationWords();
  const [opened] = useState(() => new Date().toISOString());
  const [showPast, setShowPast] = useState(false);
  const coming = useGet('reservations', 'get /reservations', { query: { from: opened, limit: most } });
  const past = useGet('reservations', 'get /reservations', { query: { to: opened, limit: most } }, { enabled: showPast });
  const claimable = useGet('reservations', 'get /claimable', {});
  const open = claimable.data?.items ?? [];
  return (
    <PageSection>
      <Stack hasGutter>
        <StackItem>
          <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }}>
            <FlexItem><Title headingLevel="h1" className="pv-page-title">{t('list.title')}</Title></FlexItem>
            <FlexItem><Button variant="primary" onClick={() => void navigate('/reserve')}>{t('list.reserve')}</Button></FlexItem>
          </Flex>
        </StackItem>
        <Read of={coming}>
          {({ items, next }) => {
            const now = Date.now();
            const { ahead, over } = inOrder(items, now);
            const moved = ahead.filter((one) => isMovedAnew(one, now) && mayOperate(one, words.who));
            return (
              <>
                {moved.map((one) => (
                  <StackItem key={one.id}><MovedReservation reservation={one} actions={actionsOf(one, words.who, new Set(), now)} timeZone={timeZone} /></StackItem>
                ))}
                <StackItem>
                  {ahead.length > 0 ? <ReservationTable label={t('list.ahead')} reservations={ahead} claimable={open} words={words} timeZone={timeZone} /> : (
                    <EmptyState headingLevel="h2" titleText={t('list.empty.title')} icon={CalendarAltIcon}>
                      <EmptyStateBody>{t('list.empty.body')}</EmptyStateBody>
                      <EmptyStateFooter><EmptyStateActions><Button variant="secondary" onClick={() => void navigate('/reserve')}>{t('list.empty.first')}</Button></EmptyStateActions></EmptyStateFooter>
                    </EmptyState>
                  )}
                  {next !== null && <p>{t('list.onlySome', { count: most })}</p>}
                </StackItem>
                <StackItem>
                  <ExpandableSection toggleText={t('list.past')} isExpanded={showPast} onToggle={(_event, expanded) => setShowPast(expanded)}>
                    {showPast && (
                      <Read of={past}>
                        {(earlier) => {
                          const all = inOrder([...over, ...earlier.items], now).over;
                          return all.length === 0 ? <p>{t('list.noPast')}</p> : <ReservationTable label={t('list.past')} reservations={all} claimable={[]} words={words} timeZone={timeZone} />;
                        }}
                      </Read>
                    )}
                  </ExpandableSection>
                </StackItem>
              </>
            );
          }}
        </Read>
      </Stack>
    </PageSection>
  );
}
