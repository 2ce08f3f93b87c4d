import type { NbdExport } from './nbd/nbd-export';
import type { StoredImage } from './stored-image';

/** Follows what one connection reads. */
export interface ReadFollower {
  read(firstChunk: number, lastChunk: number): void;
  end(): void;
}

/** An image as one connection reads it; held until the connection ends. */
export function imageExport(image: StoredImage, followers: readonly ReadFollower[]): NbdExport {
  const release = image.hold();
  const { chunkBytes, sizeBytes } = image.manifest;
  const chunkAt = (offset: number): number => Math.floor(offset / chunkBytes);
  return {
    sizeBytes,
    preferredBytes: chunkBytes,
    noteRead: (offset, length) => {
      for (const follower of followers) follower.read(chunkAt(offset), chunkAt(offset + length - 1));
    },
    readHere: (target, at, offset, length) => image.readHere(target, at, offset, length),
    read: (offset, length) => image.read(offset, length),
    *extents(offset, length) {
      for (let at = offset; at < offset + length; ) {
        const isZero = image.isZero(chunkAt(at));
        let end = at;
        do end = (chunkAt(end) + 1) * chunkBytes;
        while (end < offset + length && image.isZero(chunkAt(end)) === isZero);
        end = Math.min(end, sizeBytes);
        yield { length: end - at, isZero };
        at = end;
      }
    },
    release: () => {
      for (const follower of followers) follower.end();
      release();
    },
  };
}

/** An export's name: the manifest's id, and for the recording of what it reads the instance's. Null when it is none. */
export function readExportName(name: string): { readonly manifest: string; readonly instanceId: string | null } | null {
  const match = /^([0-9a-f]{64})(?:\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/.exec(name);
  return match === null ? null : { manifest: match[1] ?? '', instanceId: match[2] ?? null };
}
