import { useMemo } from 'react';
import { useGet } from '../../api/use-api';
import { choicesOf, type Choice } from './choices';

/** What I may launch; null until it is known. */
export function useChoices(): readonly Choice[] | null {
  const templates = useGet('templates', 'get /templates', { query: { limit: 200 } }).data?.items;
  const families = useGet('images', 'get /image-families', { query: { limit: 200, kind: 'disk' } }).data?.items;
  return useMemo(() => (templates === undefined || families === undefined ? null : choicesOf(templates, families)), [templates, families]);
}
