import { useMemo } from 'react';
import { useAll } from '../../api/use-all';
import { choicesOf, type Choice } from './choices';

/** What I may launch; null until it is known. */
export function useChoices(): readonly Choice[] | null {
  const templates = useAll('templates', 'get /templates', {}).data;
  const families = useAll('images', 'get /image-families', { query: { kind: 'disk' } }).data;
  return useMemo(() => (templates === undefined || families === undefined ? null : choicesOf(templates, families)), [templates, families]);
}
