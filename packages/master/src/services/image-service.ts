import type { EditImageBody, ImageAnswer, ImportImageBody } from '@paravcl/shared/api/images';
import type { Page } from '@paravcl/shared/api/page';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageFormat, ImageKind, ImageState } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import type { ImageStore } from '../store/image-store';
import { imagesVisibleTo, maySeeImage, requireOwnerGroup } from './image-access';
import { announceImage, requireThere, requireUploadSize, type NewImage } from './image-announcement';
import { byMaster, type CheckedFor, type ImageChecking } from './image-checking';
import { requireNoDependents, requireNoSuccessor } from './image-dependents';
import type { ImageHold, ImageHolds } from './image-holds';
import type { ImageImport } from './image-import';
import { imageNouns, missingImage } from './image-nouns';
import { removeImage } from './image-removal';
import { imageView } from './image-view';
import { ImageWork } from './image-work';
import { requireStillSeen, templatesLaunching } from './template-audience';

/** Where a request's bytes belong: from `offset` on; `partial` when more requests are to follow. */
export interface ContentRange {
  readonly offset: number;
  readonly partial: boolean;
}

export interface ImageServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly uploads: Pick<ImageStore, 'open' | 'receive' | 'receivedBytes' | 'remove' | 'sweep'>;
  readonly checking: ImageChecking;
  readonly imports: ImageImport;
  readonly holds: ImageHolds;
  /** Told of contents that no version has any more. */
  readonly mirrors: { gone(manifests: readonly ManifestId[]): void };
  /** Largest upload of this site, bytes. */
  readonly largestBytes: number;
  /** Told of what failed when nobody waited for it any more. */
  readonly onFault: (error: unknown) => void;
  /** Whose files lie among the uploads too: disks that hosts send for snapshots. */
  readonly alsoSent: () => Promise<readonly string[]>;
  /** What the master lacks to take images of this format; null when it lacks nothing. */
  readonly missingFor: (format: ImageFormat) => Promise<ParavclError | null>;
}

/** Disk images, kernels and ramdisks: announced, uploaded or read in, checked, used, deleted. */
export class ImageService {
  private readonly work: ImageWork;

  constructor(private readonly deps: ImageServiceDeps) {
    this.work = new ImageWork(deps);
  }

  /** Throws `invalid-input` for a size over the site's limit, and a family, group or default that is not there; `conflict` for a format that the master lacks a program for. */
  async create(principal: Principal, kind: ImageKind, image: NewImage): Promise<ImageAnswer> {
    await this.requireTaken(image);
    return this.view(principal, await this.insert(principal, kind, image, null));
  }

  /** A file of the server, by path. Throws as `create`; `conflict` when imports are off; `invalid-input` for a path that is none. */
  async import(principal: Principal, { path, kind, ...about }: ImportImageBody): Promise<ImageAnswer> {
    const { imports, checking } = this.deps;
    const file = await imports.open(path);
    let image: ImageRecord;
    try {
      await this.requireTaken({ format: about.format, sizeBytes: file.sizeBytes });
      await checking.requireRoom({ format: about.format, sizeBytes: file.sizeBytes }, file.sizeBytes);
      if (kind !== 'disk' && about.format !== 'raw') throw new ParavclError('invalid-input', `A ${imageNouns[kind]} is a raw file.`, { field: 'format', limit: 'raw' });
      image = await this.insert(principal, kind, { ...about, sizeBytes: file.sizeBytes, sha256: null }, file.path);
    } catch (error) {
      await file.handle.close();
      throw error;
    }
    const work = this.work.holding(image.id, async (hold) => checking.begin(await imports.readIn(image, hold, file), hold, checkedFor(principal)));
    await this.work.awhile(work());
    return this.view(principal, await this.find(kind, image.id));
  }

  /**
   * Takes content in; what is complete is checked, and ready after that. Throws `conflict` for a wrong offset or a
   * finished image, `content-mismatch`, `invalid-input` (field `content`) for a header that is refused,
   * `storage-full` when it, or what its check will write, may not fit. A refused or mismatched upload leaves no bytes, one
   * that only ended early what came; the image waits for another and says why.
   */
  async receive(principal: Principal, kind: ImageKind, id: string, content: AsyncIterable<Buffer>, range: ContentRange): Promise<ImageAnswer> {
    const { holds, checking } = this.deps;
    const hold = holds.take(id);
    if (hold === null) throw new ParavclError('conflict', 'This image is being uploaded by another request, or checked. Wait for that, or end it.');
    let isChecked = false;
    try {
      const found = await this.find(kind, id);
      if (found.state === 'checking') await checking.resume(found, hold, byMaster).catch(unlessGone);
      const image = await this.find(kind, id);
      if (image.state !== 'uploading') throw new ParavclError('conflict', `${image.name} is ${image.state}; content is taken only once. Announce a new ${imageNouns[kind]} instead.`);
      if (image.importPath !== null) throw new ParavclError('conflict', `${image.name} is read in from ${image.importPath} on the master. Announce another ${imageNouns[kind]} to upload one.`);
      if (await this.takeIn(image, hold, content, range)) {
        isChecked = true;
        await this.work.awhile(checking.begin(image, hold, checkedFor(principal)).finally(() => this.work.letGo(id, hold)));
      }
      return await this.view(principal, await this.find(kind, id));
    } finally {
      if (!isChecked) await this.work.letGo(id, hold);
    }
  }

  async list(
    principal: Principal,
    kind: ImageKind,
    query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: ImageState | undefined; readonly familyId?: string | undefined },
  ): Promise<Page<ImageAnswer>> {
    const { items, next } = await this.deps.unitOfWork.read.images.list(kind, { ...query, visibleTo: imagesVisibleTo(principal) }, query);
    return { items: await this.views(principal, items), next };
  }

  /** Throws `not-found`, also for what is not to be seen. */
  async get(principal: Principal, kind: ImageKind, id: string): Promise<ImageAnswer> {
    const image = await this.find(kind, id);
    if (!maySeeImage(principal, image)) throw missingImage(kind, id);
    return this.view(principal, image);
  }

  /**
   * What is said of it, who sees it, and whether it is offered. Its content never changes.
   * Throws `invalid-input` for a group or default that is not there, `conflict` for a state while it is not complete,
   * `in-use` for hiding it from people for whom a template launches it.
   */
  async edit(principal: Principal, kind: ImageKind, id: string, change: EditImageBody): Promise<ImageAnswer> {
    await this.deps.unitOfWork.transaction(async (repositories) => {
      const image = await repositories.images.lock(id);
      if (image?.kind !== kind || image.ofInstanceId !== null) throw missingImage(kind, id);
      await requireThere(repositories, change);
      const seenBy = { visibility: change.visibility ?? image.visibility, ownerGroupId: change.ownerGroupId === undefined ? image.ownerGroupId : change.ownerGroupId };
      requireOwnerGroup(seenBy);
      requireStillSeen(await templatesLaunching(repositories, image), image, seenBy, `${image.name} (${image.friendlyId}) cannot be hidden`);
      if (change.state !== undefined && image.state !== 'ready' && image.state !== 'deprecated') {
        throw new ParavclError('conflict', `${image.name} is ${image.state}: only what is ready can be deprecated, and be ready again.`);
      }
      await repositories.images.edit(id, change);
      const what = change.state !== undefined && change.state !== image.state ? (change.state === 'ready' ? 'offers again' : 'deprecated') : 'changed';
      await this.tell(repositories, principal, 'image.edited', image, `${principal.userName} ${what} ${imageNouns[kind]} ${image.name} (${image.friendlyId}).`);
    });
    return this.view(principal, await this.find(kind, id));
  }

  /** Throws `in-use`, naming what depends on it, and for what is in production while another version could be. An empty family goes with its last version. */
  async delete(principal: Principal, kind: ImageKind, id: string): Promise<void> {
    const { unitOfWork, holds, uploads, mirrors } = this.deps;
    const gone = await unitOfWork.transaction(async (repositories) => {
      const image = await repositories.images.lock(id);
      if (image?.kind !== kind || image.ofInstanceId !== null) throw missingImage(kind, id);
      const family = await repositories.imageFamilies.lock(image.familyId);
      await requireNoDependents(repositories, image, family);
      if (family !== null) await requireNoSuccessor(repositories, image, family);
      const left = await removeImage(repositories, image, family);
      await this.tell(repositories, principal, 'image.deleted', image, `${principal.userName} deleted ${imageNouns[kind]} ${image.name} (${image.friendlyId}).${left}`);
      return image.manifestId === null || (await repositories.imageContents.withManifest(image.manifestId)) !== null ? [] : [image.manifestId];
    });
    // A crash before this line leaves files that nobody knows; `recover` sweeps them, and the chunk store what no version names.
    holds.markDeleted(id);
    await uploads.remove(id);
    if (gone.length > 0) mirrors.gone(gone);
  }

  /**
   * After a start: files that no image waits for are removed; then, behind the start, checks and imports that were under
   * way are made again, and images of earlier releases are taken into the chunk store, one after the other. A half upload
   * stays for its continuation. A fault of one image is told and stops nothing else.
   */
  async recover(): Promise<void> {
    const { unitOfWork, uploads, checking, imports, onFault, missingFor, alsoSent } = this.deps;
    await uploads.open();
    const { images, imageContents } = unitOfWork.read;
    const checked = await images.inState(['checking']);
    const uploading = await images.inState(['uploading']);
    const earlier = await imageContents.withoutManifest();
    await uploads.sweep(new Set([...[...checked, ...uploading, ...earlier].map(({ id }) => id), ...(await alsoSent())])).catch(onFault);
    // Told now, and not with the first qcow2 image somebody brings.
    const missing = await missingFor('qcow2');
    if (missing !== null) onFault(missing);
    // Held from now on, in whatever order they come: nobody else writes into them.
    this.work.oneByOne([
      ...checked.map((image) => this.work.holding(image.id, (hold) => checking.resume(image, hold, byMaster))),
      ...uploading
        .filter(({ importPath }) => importPath !== null)
        .map((image) => this.work.holding(image.id, async (hold) => checking.begin(await imports.readIn(image, hold), hold, byMaster))),
      ...earlier.map((image) => this.work.holding(image.id, (hold) => checking.takeEarlier(image, hold))),
    ]);
  }

  /** Resolves when nothing goes on that nobody waits for. */
  idle(): Promise<void> {
    return this.work.idle();
  }

  /** Throws `invalid-input` for a size over the site's limit, `conflict` for a format that the master lacks a program for. */
  private async requireTaken({ format, sizeBytes }: Pick<NewImage, 'format' | 'sizeBytes'>): Promise<void> {
    requireUploadSize(sizeBytes, this.deps.largestBytes);
    const missing = await this.deps.missingFor(format);
    if (missing !== null) throw missing;
  }

  /** Takes bytes in; true when they are all there. What they were refused for stands on the image until others come. */
  private async takeIn(image: ImageRecord, hold: ImageHold, content: AsyncIterable<Buffer>, range: ContentRange): Promise<boolean> {
    const { uploads, checking, unitOfWork } = this.deps;
    const { id, sizeBytes, sha256 } = image;
    let said = image.reason;
    const because = async (reason: string | null): Promise<void> => {
      if (reason === said) return;
      await unitOfWork.read.images.move(id, 'uploading', 'uploading', { reason });
      said = reason;
    };
    try {
      const toComeBytes = sizeBytes - (await uploads.receivedBytes(id));
      // Where nothing is to come any more the check may just as well try.
      if (toComeBytes > 0) await checking.requireRoom(image, toComeBytes);
      const complete = await uploads.receive({ imageId: id, sizeBytes, sha256 }, whileThere(image, hold, content, () => because(null)), range.offset, range.partial);
      if (!complete) await because(null);
      return complete;
    } catch (error) {
      // The refusal is what to tell, also when the database cannot take it down.
      if (error instanceof ParavclError && (error.code === 'content-mismatch' || error.code === 'storage-full')) await because(error.message).catch(() => undefined);
      throw error;
    }
  }

  private insert(principal: Principal, kind: ImageKind, image: NewImage, importPath: string | null): Promise<ImageRecord> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    return unitOfWork.transaction(async (repositories) => {
      const made = await announceImage(repositories, image, { principal, kind, importPath, now });
      const what = `${imageNouns[kind]} ${made.name} (${made.friendlyId}), version ${made.version} of ${made.familyName}`;
      await this.tell(repositories, principal, 'image.created', made, importPath === null ? `${principal.userName} announced ${what}.` : `${principal.userName} reads in ${importPath} as ${what}.`);
      return made;
    });
  }

  private async tell(repositories: Repositories, principal: Principal, kind: string, image: ImageRecord, sentence: string): Promise<void> {
    await repositories.events.append(
      { kind, subjectType: 'image', subjectId: image.id, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress: null, sentence },
      this.deps.clock.now(),
    );
  }

  private async find(kind: ImageKind, id: string): Promise<ImageRecord> {
    const image = await this.deps.unitOfWork.read.images.find(id);
    if (image?.kind !== kind || image.ofInstanceId !== null) throw missingImage(kind, id);
    return image;
  }

  private async view(principal: Principal, image: ImageRecord): Promise<ImageAnswer> {
    const [view] = await this.views(principal, [image]);
    if (view === undefined) throw new Error(`Image ${image.id} has no view.`);
    return view;
  }

  /** As this person sees them. */
  async views(principal: Principal, images: readonly ImageRecord[]): Promise<ImageAnswer[]> {
    const { unitOfWork, uploads } = this.deps;
    const boots = await unitOfWork.read.imageContents.bootReads(images.map(({ id }) => id));
    return Promise.all(images.map(async (image) => imageView(principal, image, image.state === 'uploading' ? await uploads.receivedBytes(image.id) : image.sizeBytes, boots.get(image.id))));
  }
}

/** What had arrived is gone: then it begins anew. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ParavclError && error.code === 'not-found')) throw error;
}

function checkedFor({ userName, userId }: Principal): CheckedFor {
  return { by: `user ${userName}`, userId };
}

async function* whileThere(image: ImageRecord, hold: ImageHold, content: AsyncIterable<Buffer>, onFirst: () => Promise<void>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of content) {
    if (hold.deleted) throw missingImage(image.kind, image.id);
    if (isFirst) await onFirst();
    isFirst = false;
    yield chunk;
  }
}
