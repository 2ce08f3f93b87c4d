import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../api/use-api';
import { tellMiB } from '../../states/sizes';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

const weekMs = 7 * 24 * 60 * 60_000;
const mostShown = 5;
const coming: ReadonlySet<string> = new Set(['confirmed', 'active', 'no-show']);

/** At the side: my reservations of the next week, and what happened last. */
export function Coming(): ReactNode {
  const { t } = useTranslation('home');
  const times = useTimes(useSiteZone());
  const [from] = useState(() => new Date().toISOString());
  const to = new Date(Date.parse(from) + weekMs).toISOString();
  const reservations = useGet('reservations', 'get /reservations', { query: { from, to, limit: 100 } }).data?.items;
  const notices = useGet('notices', 'get /notices', { query: { limit: mostShown } }).data?.items;
  const next = (reservations ?? []).filter(({ state }) => coming.has(state)).sort((a, b) => a.start.localeCompare(b.start) || a.id.localeCompare(b.id)).slice(0, mostShown);
  return (
    <>
      <Card isCompact component="section">
        <CardTitle component="h2">{t('coming')}</CardTitle>
        <CardBody>
          {reservations !== undefined && next.length === 0 && <p className="pv-quiet">{t('nothingComing')}</p>}
          <ul className="pv-list">
            {next.map(({ id, start, end, count, vcpus, ramMiB }) => (
              <li key={id}>
                <Link to={`/reservations/${id}`}>{`${times.moment(start)} – ${times.moment(end)}`}</Link>
                <div className="pv-quiet">{t('reserved', { count, cores: t('cores', { count: vcpus }), ram: tellMiB(ramMiB) })}</div>
              </li>
            ))}
          </ul>
          <Link to="/reserve">{t('reserve')}</Link>
        </CardBody>
      </Card>
      <Card isCompact component="section">
        <CardTitle component="h2">{t('happened')}</CardTitle>
        <CardBody>
          {notices?.length === 0 && <p className="pv-quiet">{t('nothingHappened')}</p>}
          <ul className="pv-list">
            {(notices ?? []).map(({ id, sentence, at }) => (
              <li key={id}>
                {sentence}
                <div className="pv-quiet">{times.moment(at)}</div>
              </li>
            ))}
          </ul>
          {notices !== undefined && notices.length > 0 && <Link to="/notices">{t('allNotices')}</Link>}
        </CardBody>
      </Card>
    </>
  );
}
