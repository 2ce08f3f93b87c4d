import type { PoolSlave } from '@paravcl/shared/api/pool';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { tellMiB } from '../../../states/sizes';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';
import { lanesOf, ticksOf } from './lanes';
import { linkOf, useItemWords } from './use-item-words';

const ticks = 4;

interface PoolCalendarProps {
  readonly from: string;
  readonly to: string;
  readonly slaves: readonly PoolSlave[];
}

/** Slaves by their names against time; every bar is a link that says itself in full. */
export function PoolCalendar({ from, to, slaves }: PoolCalendarProps): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const words = useItemWords();
  const axis = ticksOf(from, to, ticks);
  const isWithinADay = Date.parse(to) - Date.parse(from) <= 24 * 3_600_000;
  return (
    <div>
      <p className="pv-quiet">{t('pool.legend')}</p>
      <Table aria-label={t('pool.title')} variant="compact" gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th width={25}>{t('pool.slave')}</Th>
            <Th aria-label={t('pool.from', { start: times.moment(from), end: times.moment(to) })}>
              <span className="pv-fleet-axis">{axis.map((each, at) => <span key={each}>{isWithinADay && at > 0 && at < axis.length - 1 ? times.clock(each) : times.moment(each)}</span>)}</span>
            </Th>
          </Tr>
        </Thead>
        <Tbody>
          {slaves.map(({ id, name, takesGuests, sentence, vcpus, ramMiB, items }) => {
            const lanes = lanesOf(items, from, to);
            return (
              <Tr key={id}>
                <Td dataLabel={t('pool.slave')} modifier="breakWord">
                  <Link to={`/slaves/${id}`}>{name}</Link> <span className="pv-quiet">{t('instances.sized', { count: vcpus, ram: tellMiB(ramMiB) })}</span>
                  <div className={takesGuests ? 'pv-quiet' : undefined}>{sentence}</div>
                </Td>
                <Td dataLabel={t('pool.holds')}>
                  {lanes.length === 0 ? (
                    <span className="pv-quiet">{t('pool.free')}</span>
                  ) : (
                    <ul className="pv-fleet-tracks" role="list">
                      {lanes.map((lane) => (
                        <li key={lane[0]?.item.id}>
                          <span className="pv-fleet-track">
                            {lane.map(({ item, start, width }) => (
                              <Link key={`${item.kind} ${item.id}`} to={linkOf(item)} className={item.kind === 'reservation' ? 'pv-fleet-item pv-fleet-reserved' : 'pv-fleet-item'} style={{ insetInlineStart: `${start}%`, inlineSize: `${width}%` }} title={words.all(item)} aria-label={words.all(item)}>
                                {item.name}
                              </Link>
                            ))}
                          </span>
                        </li>
                      ))}
                    </ul>
                  )}
                </Td>
              </Tr>
            );
          })}
        </Tbody>
      </Table>
    </div>
  );
}
