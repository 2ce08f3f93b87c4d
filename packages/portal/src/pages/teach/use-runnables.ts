import { useMemo } from 'react';
import { runnables, type Runnables } from './deploy/what-to-run';
import { useAll } from '../../api/use-all';

/** Everything that one may run; null while it is read. */
export function useRunnables(): Runnables | null {
  const templates = useAll('templates', 'get /templates', {});
  const families = useAll('images', 'get /image-families', { query: { kind: 'disk' } });
  const images = useAll('images', 'get /images', {});
  return useMemo(() => (templates.data === undefined || families.data === undefined || images.data === undefined ? null : runnables(templates.data, families.data, images.data)), [templates.data, families.data, images.data]);
}
