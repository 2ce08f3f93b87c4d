import type { ImageList } from './mirror/control-api';

const MB = 1_000_000;

/** The images of this host for a person, the one used last first: how much of each is here, and for how many instances it is kept. */
export function shownImages({ images }: ImageList): readonly string[] {
  return [...images]
    .sort((a, b) => (a.usedAt < b.usedAt ? 1 : -1))
    .map(({ holding, sizeBytes, storedBytes, usedAt, heldBy }) => {
      const { complete, presentBootChunks, totalBootChunks } = holding;
      const boot = totalBootChunks === 0 ? '' : presentBootChunks === totalBootChunks ? ', all that boots read' : `, ${Math.floor((100 * presentBootChunks) / totalBootChunks)} % of what boots read`;
      const here = complete ? 'whole' : `${Math.ceil(storedBytes / MB)} of ${Math.ceil(sizeBytes / MB)} MB${boot}`;
      const use = heldBy.length === 0 ? `unused since ${usedAt.slice(0, 16)}Z` : `${heldBy.length} ${heldBy.length === 1 ? 'instance is' : 'instances are'} made of it`;
      return `${holding.manifest.slice(0, 12)}  ${here}; ${use}`;
    });
}
