import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { Qcow2Refused } from '@paravcl/shared/qcow2-header';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageContentFacts, ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import type { ImageIntake, TakenImage } from '../store/image-intake';
import type { ImageHold } from './image-holds';
import { imageNouns, missingImage } from './image-nouns';
import { many } from './say-count';

export interface ImageCheckingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly intake: Pick<ImageIntake, 'take' | 'requireRoom'>;
  /** Where uploads lie. */
  readonly uploads: { remove(imageId: string): Promise<void> };
}

/** Who sent what is checked; the user is null when the master goes on by itself. */
export interface CheckedFor {
  readonly by: string;
  readonly userId: string | null;
}

export const byMaster: CheckedFor = { by: 'master', userId: null };

/** How often the books are told how far a check is. */
const percentEveryMs = 1000;

/**
 * From a complete upload to a version that can be launched: its header is checked and its content taken into the chunk
 * store, then the books name the manifest, and only then the upload goes. Whatever is cut short in between is begun again.
 * The image is held by the caller (see ImageHolds); one that is deleted meanwhile is given up with `not-found`.
 */
export class ImageChecking {
  constructor(private readonly deps: ImageCheckingDeps) {}

  /** Before more of it is sent: throws `storage-full` when that, and what its check will write, may not fit. */
  requireRoom(image: Pick<ImageRecord, 'format' | 'sizeBytes'>, toComeBytes: number): Promise<void> {
    return this.deps.intake.requireRoom(image, toComeBytes);
  }

  /** Of an upload that has just become complete. Throws `not-found` when the image is gone, and as `resume`. */
  async begin(image: ImageRecord, hold: ImageHold, checkedFor: CheckedFor): Promise<void> {
    if (!(await this.deps.unitOfWork.read.images.move(image.id, 'uploading', 'checking', { reason: null }))) throw missingImage(image.kind, image.id);
    await this.resume(image, hold, checkedFor);
  }

  /**
   * Of an image that is `checking`. Throws `invalid-input` (field `content`) for content that is refused, of which nothing
   * is kept; after any other fault the image waits for its content again, of which what has arrived is kept.
   */
  async resume(image: ImageRecord, hold: ImageHold, checkedFor: CheckedFor): Promise<void> {
    try {
      const taken = await this.take(image, hold, this.percentTold(image.id));
      try {
        await this.makeReady(image, taken, checkedFor);
      } finally {
        taken.release();
      }
    } catch (error) {
      throw await this.backToUploading(image, error);
    }
    await this.deps.uploads.remove(image.id);
  }

  /** Content of an image of an earlier release, which is ready and goes on being launched meanwhile. */
  async takeEarlier(image: ImageRecord, hold: ImageHold): Promise<void> {
    const { unitOfWork, uploads } = this.deps;
    const taken = await this.take(image, hold, () => undefined);
    try {
      await unitOfWork.read.imageContents.setContent(image.id, contentOf(taken));
    } finally {
      taken.release();
    }
    await uploads.remove(image.id);
  }

  private take({ id, kind, format, sizeBytes }: ImageRecord, hold: ImageHold, tell: (percent: number) => void): Promise<TakenImage> {
    return this.deps.intake.take({ imageId: id, kind, format, sizeBytes }, (percent) => {
      if (hold.deleted) throw missingImage(kind, id);
      tell(percent);
    });
  }

  private async makeReady(image: ImageRecord, taken: TakenImage, { by, userId }: CheckedFor): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      if (!(await repositories.images.move(image.id, 'checking', 'ready', { reason: taken.warning, ...contentOf(taken) }))) return;
      const inProduction = await beFirstInProduction(repositories, image);
      const sentence = `${image.name} (${image.friendlyId}) is complete and checked.${inProduction ? ` It is what launches of ${image.familyName} get.` : ''}`;
      const told = { subjectId: image.id, subjectType: 'image', actor: by, actorUserId: userId, clientAddress: null } as const;
      await repositories.events.append({ ...told, kind: 'image.ready', sentence }, clock.now());
      if (taken.mendedChunks > 0) await repositories.events.append({ ...told, subjectType: 'site', subjectId: null, kind: 'store.damaged', sentence: sayMended(image, taken.mendedChunks) }, clock.now());
    });
  }

  /** What to tell of a check that failed. The first fault is the one to tell, also when the database cannot take this down either. */
  private async backToUploading(image: ImageRecord, error: unknown): Promise<unknown> {
    const { unitOfWork, uploads } = this.deps;
    const back = (reason: string): Promise<unknown> => unitOfWork.read.images.move(image.id, 'checking', 'uploading', { reason }).catch(() => false);
    if (error instanceof Qcow2Refused) {
      await uploads.remove(image.id);
      const sentence = `${image.name} was refused and nothing of it kept. ${error.message} A mended file has another SHA-256: delete this ${imageNouns[image.kind]} and announce the mended one.`;
      await back(sentence);
      return new ParavclError('invalid-input', sentence, { field: 'content', limit: 'a self-contained qcow2 of version 2 or 3' });
    }
    if (error instanceof ParavclError && error.code === 'not-found') {
      await back('The check was cut short and its content is gone. Send it once more.');
      return error;
    }
    const isKept = `All ${image.sizeBytes} bytes of it are kept; send none of them again. Have it checked again by an empty PUT to /api/v1/${imageNouns[image.kind]}s/${image.id}/content?offset=${image.sizeBytes}.`;
    if (error instanceof ParavclError) {
      const sentence = `${error.message} ${isKept}`;
      await back(sentence);
      return new ParavclError(error.code, sentence, error.detail, { cause: error });
    }
    const { code, name } = error as NodeJS.ErrnoException;
    await back(`The master could not check the content (${code ?? name}); its log says more. ${isKept}`);
    return error;
  }

  /** Tells the books at most once a second, and never twice at a time. */
  private percentTold(imageId: string): (percent: number) => void {
    const { unitOfWork, clock } = this.deps;
    let toldAtMs = clock.monotonicMs();
    let telling = false;
    return (percent) => {
      const now = clock.monotonicMs();
      if (telling || now - toldAtMs < percentEveryMs) return;
      toldAtMs = now;
      telling = true;
      // Only shown: the check itself meets a database that is away, and says so.
      const done = (): void => void (telling = false);
      unitOfWork.read.imageContents.setCheckPercent(imageId, Math.floor(percent)).then(done, done);
    };
  }
}

function contentOf({ manifestId, contentSha256, contentBytes, virtualSizeMiB }: TakenImage): ImageContentFacts {
  return { manifestId, contentSha256, contentBytes, virtualSizeMiB };
}

function sayMended({ name, friendlyId }: ImageRecord, chunks: number): string {
  return `Damaged in the master’s store: ${many(chunks, 'chunk')} that the upload of ${name} (${friendlyId}) has too. ${chunks === 1 ? 'It is as it was' : 'They are as they were'} again. Verify the whole store with repair. The master’s disk or memory may be failing: test both.`;
}

/** The first version of a family that is ready is launched under its name, until another is chosen. */
async function beFirstInProduction({ imageFamilies }: Repositories, { id, familyId }: ImageRecord): Promise<boolean> {
  const family = await imageFamilies.lock(familyId);
  if (family?.productionImageId !== null) return false;
  await imageFamilies.edit(familyId, { productionImageId: id });
  return true;
}
