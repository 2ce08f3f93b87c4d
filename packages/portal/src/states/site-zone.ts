import { useGet } from '../api/use-api';

/** The zone in which the site tells times; undefined until it is known. */
export function useSiteZone(): string | undefined {
  return useGet('none', 'get /site/details', {}).data?.timeZone;
}
