import type { PoolItem } from '@paravcl/shared/api/pool';
import { useTranslation } from 'react-i18next';
import { tellMiB } from '../../../states/sizes';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';

interface ItemWords {
  /** "i-ubuntu-9af of alice: 2 cores, 2 GiB, today 09:00 to today 11:00". */
  readonly all: (item: PoolItem) => string;
  readonly what: (item: PoolItem) => string;
  readonly size: (item: PoolItem) => string;
  readonly when: (item: PoolItem) => string;
}

/** What is said of an item of the calendar. */
export function useItemWords(): ItemWords {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const what = ({ kind, name, userName, machines }: PoolItem): string => t(`pool.item.${kind}`, { name, user: userName, count: machines });
  const size = ({ vcpus, ramMiB }: PoolItem): string => t('instances.sized', { count: vcpus, ram: tellMiB(ramMiB) });
  const when = ({ start, end }: PoolItem): string => (end === null ? t('pool.since', { start: times.moment(start) }) : t('pool.from', { start: times.moment(start), end: times.moment(end) }));
  return { what, size, when, all: (item) => `${what(item)}: ${size(item)}, ${when(item)}` };
}

/** The page of what holds the room. */
export const linkOf = ({ kind, id }: Pick<PoolItem, 'kind' | 'id'>): string => (kind === 'instance' ? `/machines/${id}` : `/reservations/${id}`);
