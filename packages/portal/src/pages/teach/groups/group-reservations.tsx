import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Read } from '../../../states/read';
import { useSiteZone } from '../../../states/site-zone';
import { useTimes } from '../../../states/use-times';
import { useAll } from '../../../api/use-all';

const holding = new Set(['confirmed', 'active', 'no-show']);
const soonest = 6;

/** What is reserved for a group and not over yet, the next first. */
export function GroupReservations({ group }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation('teach');
  const times = useTimes(useSiteZone());
  // Of when the page was opened: a moment that moved would be another question each time.
  const [from] = useState(() => new Date().toISOString());
  const reservations = useAll('reservations', 'get /reservations', { query: { groupId: group.id, from } });
  return (
    <Card>
      <CardTitle component="h2">{t('reservations.title')}</CardTitle>
      <CardBody>
        <Read of={reservations}>
          {(all) => {
            const coming = all.filter(({ state }) => holding.has(state)).sort((a, b) => a.start.localeCompare(b.start));
            if (coming.length === 0) return <p className="pv-teach-quiet">{t('reservations.none')} <Link to="/reserve">{t('reservations.reserve')}</Link></p>;
            return (
              <ul className="pv-teach-lines">
                {coming.slice(0, soonest).map(({ id, start, end, count, sentence }) => (
                  <li key={id}>
                    <Link to={`/reservations/${id}`}>{t('reservations.when', { start: times.moment(start), end: times.clock(end), count })}</Link>
                    <div>{sentence}</div>
                  </li>
                ))}
                {coming.length > soonest && <li className="pv-teach-quiet">{t('reservations.more', { count: coming.length - soonest })}</li>}
              </ul>
            );
          }}
        </Read>
      </CardBody>
    </Card>
  );
}
