import { useMemo } from 'react';
import { useAll } from '../../api/use-all';

/** Names of the slaves that one may see; undefined until they are known. */
export function useSlaveNames(): ReadonlyMap<string, string> | undefined {
  const { data, error } = useAll('slaves', 'get /slaves', {});
  return useMemo(() => (data === undefined && error === null ? undefined : new Map(data?.map(({ id, name }) => [id, name]))), [data, error]);
}
