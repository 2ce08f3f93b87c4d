import { type ErrorCode, ParavclError } from '@paravcl/shared/errors';
import type { ImageStore } from '../store/image-store';
import type { DeltaDoor, ExpectedDelta } from './delta-door';
import type { ImageHolds } from './image-holds';

export interface AnnouncedDelta {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** How much of a delta has arrived; `isHere`: there is nothing more to do. */
export type DeltaStanding = { readonly isHere: true } | { readonly isHere: false; readonly receivedBytes: number };

export interface DeltaReceptionDeps {
  readonly door: DeltaDoor;
  readonly uploads: Pick<ImageStore, 'receivedBytes' | 'receive' | 'checkRoom' | 'remove'>;
  readonly holds: ImageHolds;
}

/**
 * Takes in what hosts send of frozen disks, each into the upload of the image it is to become, from where an earlier try
 * ended. Of one image one request writes at a time.
 */
export class DeltaReception {
  constructor(private readonly deps: DeltaReceptionDeps) {}

  /**
   * `sizeBytes`: of the whole delta, where the host says. Throws `not-found` when nobody waits for it from this slave,
   * `body-too-large`, `storage-full`.
   */
  async standing(slaveId: string, imageId: string, sizeBytes: number | null): Promise<DeltaStanding> {
    const { uploads } = this.deps;
    const expected = await this.expected(slaveId, imageId);
    if (expected.isHere) return { isHere: true };
    const receivedBytes = await uploads.receivedBytes(imageId);
    if (sizeBytes !== null) {
      await this.orRefuse(imageId, () => {
        requireSize(expected, sizeBytes);
        return uploads.checkRoom(Math.max(0, sizeBytes - receivedBytes));
      });
    }
    return { isHere: false, receivedBytes };
  }

  /**
   * Appends `content` at `offset`; resolves when all of it is here and whoever waits knows. What came before a fault is
   * kept. Throws as `standing`, `conflict` for another offset than what has arrived and while another request brings the
   * same, and `content-mismatch` for what ends early, is too much, or has another SHA-256.
   */
  async take(slaveId: string, imageId: string, { sizeBytes, sha256 }: AnnouncedDelta, content: AsyncIterable<Buffer>, offset: number): Promise<void> {
    const { door, uploads, holds } = this.deps;
    await this.expected(slaveId, imageId);
    const hold = holds.take(imageId);
    if (hold === null) throw new ParavclError('conflict', 'Another request brings this disk. Wait until that has ended, and ask how much has arrived.');
    try {
      // Asked again: the one before may just have brought the last of it, and its bytes are being read now.
      const expected = await this.expected(slaveId, imageId);
      if (expected.isHere) return;
      await this.orRefuse(imageId, () => requireSize(expected, sizeBytes));
      try {
        await this.orRefuse(imageId, () => uploads.receive({ imageId, sizeBytes, sha256 }, content, offset, false));
        await door.received(imageId);
      } finally {
        // Given up meanwhile: who took its file away may have done so before the last bytes came.
        if ((await door.expected(slaveId, imageId).catch(() => expected)) === null) await uploads.remove(imageId);
      }
    } finally {
      holds.letGo(imageId);
    }
  }

  /** A host that was answered so would only try again until the snapshot's time is over, and nobody would know why. */
  private async orRefuse(imageId: string, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ParavclError && tellsWhoWaits.has(error.code)) await this.deps.door.refused(imageId, error.message);
      throw error;
    }
  }

  private async expected(slaveId: string, imageId: string): Promise<ExpectedDelta> {
    const expected = await this.deps.door.expected(slaveId, imageId);
    if (expected === null) throw new ParavclError('not-found', 'No snapshot waits for this disk of yours: it was given up, or it is over.');
    return expected;
  }
}

/** What keeps a disk out for longer than the next try of its host. */
const tellsWhoWaits: ReadonlySet<ErrorCode> = new Set(['storage-full', 'body-too-large']);

/** What masks and indexes add to a disk that differs in every block is far below this; a whole small disk has a head too. */
function largestDelta(diskBytes: number): number {
  return diskBytes + Math.ceil(diskBytes / 8) + 4096;
}

function requireSize({ diskBytes }: ExpectedDelta, sizeBytes: number): void {
  const most = largestDelta(diskBytes);
  if (sizeBytes <= most) return;
  throw new ParavclError('body-too-large', `What differs in a disk of ${diskBytes} bytes takes at most ${most} bytes, and ${sizeBytes} were announced.`, { field: 'size', limit: `${most} bytes` });
}
