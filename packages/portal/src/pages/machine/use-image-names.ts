import { useMemo } from 'react';
import { useGet } from '../../api/use-api';

/** What an image is called, by its id; null for one that is gone or not mine to see. */
export function useImageNames(): (imageId: string) => string | null {
  const images = useGet('images', 'get /images', { query: { limit: 200 } }).data?.items;
  return useMemo(() => {
    const names = new Map((images ?? []).map(({ id, familyName }) => [id, familyName]));
    return (imageId) => names.get(imageId) ?? null;
  }, [images]);
}
