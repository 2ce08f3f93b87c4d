import { useMemo } from 'react';
import { useAll } from '../../api/use-all';

/** What an image is called, by its id; null for one that is gone or not mine to see, undefined until that is known. */
export function useImageNames(): (imageId: string) => string | null | undefined {
  const images = useAll('images', 'get /images', {}).data;
  return useMemo(() => {
    const names = images === undefined ? undefined : new Map(images.map(({ id, familyName }) => [id, familyName]));
    return (imageId) => (names === undefined ? undefined : (names.get(imageId) ?? null));
  }, [images]);
}
