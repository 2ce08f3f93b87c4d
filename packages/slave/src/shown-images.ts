import type { ImageList } from './mirror/control-api';

const MB = 1_000_000;

/** The images of this host for a person, the one used last first: how much of each is here, and for how many instances it is kept. */
export function shownImages({ images }: ImageList): readonly string[] {
  return byLastUse(images).map(({ holding, sizeBytes, storedBytes, usedAt, heldBy }) => {
    const { complete, presentBootChunks, totalBootChunks } = holding;
    const boot = totalBootChunks === 0 ? '' : presentBootChunks === totalBootChunks ? ', all that boots read' : `, ${Math.floor((100 * presentBootChunks) / totalBootChunks)} % of what boots read`;
    const here = complete ? 'whole' : `${Math.ceil(storedBytes / MB)} of ${Math.ceil(sizeBytes / MB)} MB${boot}`;
    const use = heldBy.length === 0 ? `unused since ${minuteOf(usedAt)}` : `${heldBy.length} ${heldBy.length === 1 ? 'instance is' : 'instances are'} made of it`;
    return `${holding.manifest.slice(0, 12)}  ${here}; ${use}`;
  });
}

/** The same with whole ids, when each was hashed last, and the instances by their ids. */
export function listedImages({ images }: ImageList): readonly string[] {
  if (images.length === 0) return ['No images.'];
  return byLastUse(images).map(({ holding, sizeBytes, storedBytes, usedAt, heldBy, isChecked, checkedAt }) => {
    const here = `${Math.ceil(storedBytes / MB)} MB here, ${holding.complete ? 'whole' : `of ${Math.ceil(sizeBytes / MB)}`}`;
    const lastCheck = checkedAt == null ? 'not known when it was hashed last' : `hashed ${minuteOf(checkedAt)}`;
    // A mirror of an earlier release does not tell.
    const check = isChecked === undefined ? '' : isChecked ? `; ${lastCheck}` : '; to be hashed again, in the background';
    return `${holding.manifest}  ${here}${check}; ${heldBy.length === 0 ? `unused since ${minuteOf(usedAt)}` : `instances ${heldBy.join(', ')}`}`;
  });
}

function byLastUse(images: ImageList['images']): ImageList['images'] {
  return [...images].sort((a, b) => (a.usedAt < b.usedAt ? 1 : -1));
}

function minuteOf(time: string): string {
  return `${time.slice(0, 16)}Z`;
}
