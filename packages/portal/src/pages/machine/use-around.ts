import { useMemo } from 'react';
import { useAll } from '../../api/use-all';
import { useGet } from '../../api/use-api';
import type { Around } from './machine-standing';

/** What is under way for machines, and their places in the queue, by the machine's id. */
export function useAround(): (instanceId: string) => Around {
  const operations = useAll('operations', 'get /operations', { query: { state: 'pending' } }).data;
  const queue = useGet('pool', 'get /queue', {}).data?.items;
  return useMemo(() => {
    const said = new Map((operations ?? []).map(({ subject, sentence }) => [subject.id, sentence]));
    const queued = new Map((queue ?? []).map((entry) => [entry.instanceId, entry]));
    return (instanceId) => ({ operation: said.get(instanceId) ?? null, queued: queued.get(instanceId) ?? null });
  }, [operations, queue]);
}
