import { useGet } from '../../api/use-api';

/** Names of the slaves that one may see. */
export function useSlaveNames(): ReadonlyMap<string, string> {
  const slaves = useGet('slaves', 'get /slaves', { query: { limit: 200 } });
  return new Map(slaves.data?.items.map(({ id, name }) => [id, name]));
}
