import type { CreateImageBody, ImageAnswer } from '@paravcl/shared/api/images';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageKind, ImageState } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { friendlyId, newId } from '@paravcl/shared/ids';
import { Qcow2Refused, qcow2HeaderBytes } from '@paravcl/shared/qcow2-header';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-repository';
import type { Repositories } from '../repositories/repositories';
import { checkImage } from '../store/image-check';
import type { ImageStore } from '../store/image-store';

export const imageNouns: Readonly<Record<ImageKind, string>> = { disk: 'image', kernel: 'kernel', ramdisk: 'ramdisk' };

export type NewImage = Pick<CreateImageBody, 'name' | 'description' | 'format' | 'sizeBytes' | 'sha256' | 'ownerGroupId'> &
  Partial<Pick<CreateImageBody, 'defaultKernelId' | 'defaultRamdiskId' | 'defaultVcpus' | 'defaultRamMiB' | 'kernelArguments' | 'platformValue'>>;

/** Where a request's bytes belong: from `offset` on; `partial` when more requests are to follow. */
export interface ContentRange {
  readonly offset: number;
  readonly partial: boolean;
}

const idDigits = [3, 4, 6, 8, 12, 24] as const;

/**
 * Disk images, kernels and ramdisks: announced, uploaded, checked, used, deleted.
 *
 * Invariant: the files of an image are written by one request at a time, from the reading of its state to the
 * end of its check. Who finds an image `checking` while holding it has found a check that a fault cut short.
 */
export class ImageService {
  /** Who holds an image; marked when the image is deleted meanwhile, and then takes the files away at its end. */
  private readonly held = new Map<string, { deleted: boolean }>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ImageStore,
    private readonly clock: Clock,
    /** Largest upload of this site, bytes. */
    private readonly largestBytes: number,
  ) {}

  /** Throws `invalid-input` for a size over the site's limit, or defaults that are not there. */
  async create(principal: Principal, kind: ImageKind, image: NewImage): Promise<ImageAnswer> {
    if (image.sizeBytes > this.largestBytes) {
      throw new ParavclError('invalid-input', `The file has ${image.sizeBytes} bytes; this site takes at most ${this.largestBytes}. Shrink it, or ask an administrator for a higher limit.`, {
        field: 'sizeBytes',
        limit: `at most ${this.largestBytes} bytes`,
      });
    }
    const now = this.clock.now();
    const id = newId(now);
    const record = await this.unitOfWork.transaction(async (repositories) => {
      await this.requireDefault(repositories, image.defaultKernelId, 'kernel', 'defaultKernelId');
      await this.requireDefault(repositories, image.defaultRamdiskId, 'ramdisk', 'defaultRamdiskId');
      if (image.ownerGroupId !== null && (await repositories.groups.find(image.ownerGroupId)) === null) {
        throw new ParavclError('invalid-input', `There is no group ${image.ownerGroupId}.`, { field: 'ownerGroupId', limit: 'an existing group' });
      }
      const made = await this.insert(repositories, {
        id,
        friendlyId: '',
        kind,
        name: image.name,
        description: image.description,
        format: image.format,
        sizeBytes: image.sizeBytes,
        sha256: image.sha256,
        virtualSizeMiB: null,
        state: 'uploading',
        reason: null,
        defaultKernelId: image.defaultKernelId ?? null,
        defaultRamdiskId: image.defaultRamdiskId ?? null,
        defaultVcpus: image.defaultVcpus ?? null,
        defaultRamMiB: image.defaultRamMiB ?? null,
        kernelArguments: image.kernelArguments ?? '',
        platformValue: image.platformValue ?? 1,
        ownerGroupId: image.ownerGroupId,
        createdByUserId: principal.userId,
        createdAt: now,
      });
      await this.tell(repositories, principal, 'image.created', made, `${principal.userName} announced ${imageNouns[kind]} ${made.name} (${made.friendlyId}).`);
      return made;
    });
    return this.view(record);
  }

  /**
   * Takes content in, checks it when it is complete, and makes the image ready. Throws `conflict` for a
   * wrong offset or a finished image, `content-mismatch`, `invalid-input` (field `content`) for a header
   * that is refused. A refused or mismatched upload leaves no bytes; the image waits for another.
   */
  async receive(principal: Principal, kind: ImageKind, id: string, content: AsyncIterable<Buffer>, range: ContentRange): Promise<ImageAnswer> {
    if (this.held.has(id)) throw new ParavclError('conflict', 'This image is being uploaded by another request. Wait for that one, or end it.');
    const hold = { deleted: false };
    this.held.set(id, hold);
    try {
      const found = await this.find(kind, id);
      if (found.state === 'checking') await this.settle(found);
      const image = await this.find(kind, id);
      if (image.state !== 'uploading') throw new ParavclError('conflict', `${image.name} is ${image.state}; content is taken only once. Announce a new ${imageNouns[kind]} instead.`);
      const complete = await this.store.receive({ ...image, imageId: id }, this.whileThere(image, hold, content), range.offset, range.partial);
      if (complete) await this.finish(image, `user ${principal.userName}`, principal.userId);
      return await this.view(await this.find(kind, id));
    } finally {
      this.held.delete(id);
      if (hold.deleted) await this.store.remove(id);
    }
  }

  async list(kind: ImageKind, query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: ImageState | undefined }): Promise<Page<ImageAnswer>> {
    const { items, next } = await this.unitOfWork.read.images.list(kind, query, query);
    return { items: await Promise.all(items.map((image) => this.view(image))), next };
  }

  async get(kind: ImageKind, id: string): Promise<ImageAnswer> {
    return this.view(await this.find(kind, id));
  }

  /** Throws `in-use`, naming what depends on it. */
  async delete(principal: Principal, kind: ImageKind, id: string): Promise<void> {
    await this.unitOfWork.transaction(async (repositories) => {
      const image = await repositories.images.lock(id);
      if (image?.kind !== kind) throw this.missing(kind, id);
      const instance = await repositories.instances.usingImage(id);
      if (instance !== null) throw new ParavclError('in-use', `${image.name} is used by instance ${instance.name}. Delete that one first.`);
      const dependent = await repositories.images.withDefault(id);
      if (dependent !== null) throw new ParavclError('in-use', `${image.name} is the default ${imageNouns[kind]} of image ${dependent.name} (${dependent.friendlyId}). Delete that one first.`);
      const reservation = await repositories.reservations.usingImage(id);
      if (reservation !== null) throw new ParavclError('in-use', `${image.name} is reserved: ${reservation.sentence} Cancel or release that reservation first, or wait until it is over.`);
      await repositories.images.remove(id);
      await this.tell(repositories, principal, 'image.deleted', image, `${principal.userName} deleted ${imageNouns[kind]} ${image.name} (${image.friendlyId}).`);
    });
    // A crash before this line leaves files that nobody knows; `recover` sweeps them.
    const hold = this.held.get(id);
    if (hold !== undefined) hold.deleted = true;
    await this.store.remove(id);
  }

  /**
   * After a start: a check that was under way is made again, a half upload stays for its continuation,
   * and files of images that are gone are removed. A fault of one image is told and stops nothing else.
   */
  async recover(onFault: (error: unknown) => void): Promise<void> {
    await this.store.open();
    const { images } = this.unitOfWork.read;
    for (const image of await images.inState(['checking'])) await this.settle(image).catch(onFault);
    const known = await images.inState(['uploading', 'checking', 'ready', 'deprecated', 'deleting']);
    await this.store.sweep(new Set(known.map(({ id }) => id))).catch(onFault);
  }

  /** Ends a check that a fault or the end of the master cut short. */
  private settle(image: ImageRecord): Promise<void> {
    return this.orBackToUploading(image, async () => {
      if (await this.store.has({ ...image, imageId: image.id })) {
        // Renamed but not written down: the name vouches for the content.
        const { stream } = await this.store.openRead(image.id, 0);
        await this.makeReady(image, await firstBytes(stream, qcow2HeaderBytes), 'master', null);
      } else {
        await this.backToUploading(image, 'The check was cut short. Send the content once more; what has arrived is kept.');
      }
    });
  }

  private async finish(image: ImageRecord, by: string, userId: string): Promise<void> {
    if (!(await this.unitOfWork.read.images.move(image.id, 'uploading', 'checking', { reason: null }))) throw this.missing(image.kind, image.id);
    await this.orBackToUploading(image, async () => {
      const start = await this.store.head(image.id, qcow2HeaderBytes);
      try {
        checkImage(image, start);
      } catch (error) {
        if (!(error instanceof Qcow2Refused)) throw error;
        await this.store.remove(image.id);
        const sentence = `${image.name} was refused and nothing of it kept. ${error.message}`;
        await this.backToUploading(image, sentence);
        throw new ParavclError('invalid-input', sentence, { field: 'content', limit: 'a self-contained qcow2 of version 2 or 3' });
      }
      await this.store.keep({ ...image, imageId: image.id });
      await this.makeReady(image, start, by, userId);
    });
  }

  /** Runs a part of the check; a fault of disk or database lets the image wait for its content again. */
  private async orBackToUploading(image: ImageRecord, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      // The first fault is the one to tell, also when the database cannot take this down either.
      await this.backToUploading(image, `The master could not check the content (${code ?? name}). Send it once more; receivedBytes says what was kept.`).catch(() => undefined);
      throw error;
    }
  }

  private async backToUploading(image: ImageRecord, reason: string): Promise<void> {
    await this.unitOfWork.read.images.move(image.id, 'checking', 'uploading', { reason });
  }

  private async *whileThere(image: ImageRecord, hold: { readonly deleted: boolean }, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      if (hold.deleted) throw this.missing(image.kind, image.id);
      yield chunk;
    }
  }

  private async makeReady(image: ImageRecord, start: Buffer, by: string, userId: string | null): Promise<void> {
    const { virtualSizeMiB, warning } = checkImage(image, start);
    await this.unitOfWork.transaction(async (repositories) => {
      if (!(await repositories.images.move(image.id, 'checking', 'ready', { reason: warning, virtualSizeMiB }))) return;
      await repositories.events.append(
        { kind: 'image.ready', subjectType: 'image', subjectId: image.id, actor: by, actorUserId: userId, clientAddress: null, sentence: `${image.name} (${image.friendlyId}) is complete and checked.` },
        this.clock.now(),
      );
    });
  }

  private async insert(repositories: Repositories, record: ImageRecord): Promise<ImageRecord> {
    for (const digits of idDigits) {
      const image = { ...record, friendlyId: friendlyId(record.kind, record.name, record.id, digits) };
      if (await repositories.images.friendlyIdTaken(image.friendlyId)) continue;
      try {
        await repositories.images.insert(image);
        return image;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
    throw new Error(`No friendly id is free for image ${record.id}.`);
  }

  private async requireDefault(repositories: Repositories, id: string | null | undefined, kind: 'kernel' | 'ramdisk', field: string): Promise<void> {
    if (id === null || id === undefined) return;
    if ((await repositories.images.lockShared(id))?.kind !== kind) {
      throw new ParavclError('invalid-input', `There is no ${kind} ${id}. Upload it first.`, { field, limit: `an existing ${kind}` });
    }
  }

  private async tell(repositories: Repositories, principal: Principal, kind: string, image: ImageRecord, sentence: string): Promise<void> {
    await repositories.events.append(
      { kind, subjectType: 'image', subjectId: image.id, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress: null, sentence },
      this.clock.now(),
    );
  }

  private async find(kind: ImageKind, id: string): Promise<ImageRecord> {
    const image = await this.unitOfWork.read.images.find(id);
    if (image?.kind !== kind) throw this.missing(kind, id);
    return image;
  }

  private missing(kind: ImageKind, id: string): ParavclError {
    return new ParavclError('not-found', `There is no ${imageNouns[kind]} ${id}.`);
  }

  private async view(image: ImageRecord): Promise<ImageAnswer> {
    const receivedBytes = image.state === 'uploading' ? await this.store.receivedBytes(image.id) : image.sizeBytes;
    return {
      id: image.id,
      friendlyId: image.friendlyId,
      kind: image.kind,
      name: image.name,
      description: image.description,
      format: image.format,
      sizeBytes: image.sizeBytes,
      sha256: image.sha256,
      virtualSizeMiB: image.virtualSizeMiB,
      state: image.state,
      reason: image.reason,
      defaultKernelId: image.defaultKernelId,
      defaultRamdiskId: image.defaultRamdiskId,
      defaultVcpus: image.defaultVcpus,
      defaultRamMiB: image.defaultRamMiB,
      kernelArguments: image.kernelArguments,
      platformValue: image.platformValue,
      ownerGroupId: image.ownerGroupId,
      createdAt: new Date(image.createdAt).toISOString(),
      receivedBytes,
    };
  }
}

async function firstBytes(stream: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    total += chunk.length;
    if (total >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}
