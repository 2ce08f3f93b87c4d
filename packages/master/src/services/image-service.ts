import type { CreateImageBody, EditImageBody, ImageAnswer, ImportImageBody } from '@paravcl/shared/api/images';
import type { Page } from '@paravcl/shared/api/page';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageKind, ImageState } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageChange, ImageRecord } from '../repositories/image-repository';
import type { Repositories } from '../repositories/repositories';
import type { ImageStore } from '../store/image-store';
import { imagesVisibleTo, maySeeImage, requireOwnerGroup } from './image-access';
import { byMaster, type CheckedFor, type ImageChecking } from './image-checking';
import { requireNoDependents } from './image-dependents';
import type { ImageHold, ImageHolds } from './image-holds';
import type { ImageImport } from './image-import';
import { imageNouns, missingImage } from './image-nouns';
import { insertVersion } from './image-versions';
import { imageView } from './image-view';

export type NewImage = Pick<CreateImageBody, 'name' | 'familyId' | 'description' | 'visibility' | 'format' | 'sizeBytes' | 'ownerGroupId'> & {
  /** Null for a file of the server: nobody knows yet. */
  readonly sha256: string | null;
} & Partial<Pick<CreateImageBody, 'defaultKernelId' | 'defaultRamdiskId' | 'defaultVcpus' | 'defaultRamMiB' | 'kernelArguments' | 'platformValue'>>;

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
}

/** The answer to an upload waits so long for its check; that of a larger one goes on behind it. */
const patienceMs = 10_000;

/** Disk images, kernels and ramdisks: announced, uploaded or read in, checked, used, deleted. */
export class ImageService {
  /** What goes on while nobody waits for it. */
  private readonly background = new Set<Promise<void>>();

  constructor(private readonly deps: ImageServiceDeps) {}

  /** Throws `invalid-input` for a size over the site's limit, and a family, group or default that is not there. */
  async create(principal: Principal, kind: ImageKind, image: NewImage): Promise<ImageAnswer> {
    this.requireSize(image.sizeBytes);
    return this.view(await this.insert(principal, kind, image, null));
  }

  /** A file of the server, by path. Throws as `create`; `conflict` when imports are off; `invalid-input` for a path that is none. */
  async import(principal: Principal, { path, kind, ...about }: ImportImageBody): Promise<ImageAnswer> {
    const { imports, checking } = this.deps;
    const file = await imports.open(path);
    let image: ImageRecord;
    try {
      this.requireSize(file.sizeBytes);
      if (kind !== 'disk' && about.format !== 'raw') throw new ParavclError('invalid-input', `A ${imageNouns[kind]} is a raw file.`, { field: 'format', limit: 'raw' });
      image = await this.insert(principal, kind, { ...about, sizeBytes: file.sizeBytes, sha256: null }, file.path);
    } catch (error) {
      await file.handle.close();
      throw error;
    }
    const work = this.holding(image.id, async (hold) => checking.begin(await imports.readIn(image, hold, file), hold, checkedFor(principal)));
    await this.awhile(work());
    return this.view(await this.find(kind, image.id));
  }

  /**
   * Takes content in; what is complete is checked, and ready after that. Throws `conflict` for a wrong offset or a
   * finished image, `content-mismatch`, `invalid-input` (field `content`) for a header that is refused. A refused or
   * mismatched upload leaves no bytes; the image waits for another.
   */
  async receive(principal: Principal, kind: ImageKind, id: string, content: AsyncIterable<Buffer>, range: ContentRange): Promise<ImageAnswer> {
    const { holds, checking, uploads } = this.deps;
    const hold = holds.take(id);
    if (hold === null) throw new ParavclError('conflict', 'This image is being uploaded by another request, or checked. Wait for that, or end it.');
    let isChecked = false;
    try {
      const found = await this.find(kind, id);
      if (found.state === 'checking') await checking.resume(found, hold, byMaster).catch(unlessGone);
      const image = await this.find(kind, id);
      if (image.state !== 'uploading') throw new ParavclError('conflict', `${image.name} is ${image.state}; content is taken only once. Announce a new ${imageNouns[kind]} instead.`);
      if (image.importPath !== null) throw new ParavclError('conflict', `${image.name} is read in from ${image.importPath} on the master. Announce another ${imageNouns[kind]} to upload one.`);
      const complete = await uploads.receive({ imageId: id, sizeBytes: image.sizeBytes, sha256: image.sha256 }, whileThere(image, hold, content), range.offset, range.partial);
      if (complete) {
        isChecked = true;
        await this.awhile(checking.begin(image, hold, checkedFor(principal)).finally(() => this.letGo(id, hold)));
      }
      return await this.view(await this.find(kind, id));
    } finally {
      if (!isChecked) await this.letGo(id, hold);
    }
  }

  async list(
    principal: Principal,
    kind: ImageKind,
    query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: ImageState | undefined; readonly familyId?: string | undefined },
  ): Promise<Page<ImageAnswer>> {
    const { items, next } = await this.deps.unitOfWork.read.images.list(kind, { ...query, visibleTo: imagesVisibleTo(principal) }, query);
    return { items: await this.views(items), next };
  }

  /** Throws `not-found`, also for what is not to be seen. */
  async get(principal: Principal, kind: ImageKind, id: string): Promise<ImageAnswer> {
    const image = await this.find(kind, id);
    if (!maySeeImage(principal, image)) throw missingImage(kind, id);
    return this.view(image);
  }

  /**
   * What is said of it, who sees it, and whether it is offered. Its content never changes.
   * Throws `invalid-input` for a group or default that is not there, `conflict` for a state while it is not complete.
   */
  async edit(principal: Principal, kind: ImageKind, id: string, change: EditImageBody): Promise<ImageAnswer> {
    await this.deps.unitOfWork.transaction(async (repositories) => {
      const image = await repositories.images.lock(id);
      if (image?.kind !== kind) throw missingImage(kind, id);
      await requireThere(repositories, change);
      requireOwnerGroup({ visibility: change.visibility ?? image.visibility, ownerGroupId: change.ownerGroupId === undefined ? image.ownerGroupId : change.ownerGroupId });
      if (change.state !== undefined && image.state !== 'ready' && image.state !== 'deprecated') {
        throw new ParavclError('conflict', `${image.name} is ${image.state}: only what is ready can be deprecated, and be ready again.`);
      }
      await repositories.images.edit(id, change);
      const what = change.state !== undefined && change.state !== image.state ? (change.state === 'ready' ? 'offers again' : 'deprecated') : 'changed';
      await this.tell(repositories, principal, 'image.edited', image, `${principal.userName} ${what} ${imageNouns[kind]} ${image.name} (${image.friendlyId}).`);
    });
    return this.view(await this.find(kind, id));
  }

  /** Throws `in-use`, naming what depends on it. An empty family goes with its last version. */
  async delete(principal: Principal, kind: ImageKind, id: string): Promise<void> {
    const { unitOfWork, holds, uploads, mirrors } = this.deps;
    const gone = await unitOfWork.transaction(async (repositories) => {
      const image = await repositories.images.lock(id);
      if (image?.kind !== kind) throw missingImage(kind, id);
      const family = await repositories.imageFamilies.lock(image.familyId);
      await requireNoDependents(repositories, image, family);
      await repositories.images.remove(id);
      if (family !== null) {
        const [other] = await repositories.images.versionsOf(family.id, undefined, 1);
        if (other === undefined) await repositories.imageFamilies.remove(family.id);
        else if (family.productionImageId === id) await repositories.imageFamilies.edit(family.id, { productionImageId: null });
      }
      await this.tell(repositories, principal, 'image.deleted', image, `${principal.userName} deleted ${imageNouns[kind]} ${image.name} (${image.friendlyId}).`);
      return image.manifestId === null || (await repositories.images.withManifest(image.manifestId)) !== null ? [] : [image.manifestId];
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
    const { unitOfWork, uploads, checking, imports, onFault } = this.deps;
    await uploads.open();
    const { images } = unitOfWork.read;
    const checked = await images.inState(['checking']);
    const uploading = await images.inState(['uploading']);
    const earlier = await images.withoutManifest();
    await uploads.sweep(new Set([...checked, ...uploading, ...earlier].map(({ id }) => id))).catch(onFault);
    // Held from now on, in whatever order they come: nobody else writes into them.
    const work = [
      ...checked.map((image) => this.holding(image.id, (hold) => checking.resume(image, hold, byMaster))),
      ...uploading
        .filter(({ importPath }) => importPath !== null)
        .map((image) => this.holding(image.id, async (hold) => checking.begin(await imports.readIn(image, hold), hold, byMaster))),
      ...earlier.map((image) => this.holding(image.id, (hold) => checking.takeEarlier(image, hold))),
    ];
    this.behind(
      (async () => {
        for (const one of work) await one().catch(this.tellFault);
      })(),
    );
  }

  /** Resolves when nothing goes on that nobody waits for. */
  async idle(): Promise<void> {
    while (this.background.size > 0) await Promise.allSettled(this.background);
  }

  /** Holds an image from now on; what is answered does the work and lets it go. */
  private holding(id: string, work: (hold: ImageHold) => Promise<void>): () => Promise<void> {
    const hold = this.deps.holds.take(id);
    if (hold === null) throw new Error(`Image ${id} is held by somebody else.`);
    return async () => {
      try {
        await work(hold);
      } finally {
        await this.letGo(id, hold);
      }
    };
  }

  private async letGo(id: string, hold: ImageHold): Promise<void> {
    const { holds, uploads } = this.deps;
    holds.letGo(id);
    if (hold.deleted) await uploads.remove(id);
  }

  /** Waits for it as long as whoever asked is kept waiting; from then on it goes on behind the answer. */
  private async awhile(work: Promise<void>): Promise<void> {
    const inTime = await new Promise<boolean>((resolve, reject) => {
      const cancel = this.deps.clock.after(patienceMs, () => resolve(false));
      void work.then(
        () => resolve(true),
        (error: unknown) => reject(error as Error),
      ).finally(cancel);
    });
    if (!inTime) this.behind(work.catch(this.tellFault));
  }

  private behind(work: Promise<void>): void {
    const tracked = work.finally(() => this.background.delete(tracked));
    this.background.add(tracked);
  }

  /** What was refused says so on the image. */
  private readonly tellFault = (error: unknown): void => {
    if (error instanceof ParavclError && (error.code === 'invalid-input' || error.code === 'not-found')) return;
    this.deps.onFault(error);
  };

  private insert(principal: Principal, kind: ImageKind, image: NewImage, importPath: string | null): Promise<ImageRecord> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    const { name, familyId, ...about } = image;
    return unitOfWork.transaction(async (repositories) => {
      await requireThere(repositories, image);
      requireOwnerGroup(image);
      const made = await insertVersion(
        repositories,
        { kind, name, familyId },
        {
          ...about,
          id: newId(now),
          importPath,
          virtualSizeMiB: null,
          state: 'uploading',
          reason: null,
          manifestId: null,
          contentSha256: null,
          contentBytes: null,
          checkPercent: null,
          defaultKernelId: about.defaultKernelId ?? null,
          defaultRamdiskId: about.defaultRamdiskId ?? null,
          defaultVcpus: about.defaultVcpus ?? null,
          defaultRamMiB: about.defaultRamMiB ?? null,
          kernelArguments: about.kernelArguments ?? '',
          platformValue: about.platformValue ?? 1,
          createdByUserId: principal.userId,
          createdAt: now,
        },
      );
      const what = `${imageNouns[kind]} ${made.name} (${made.friendlyId}), version ${made.version} of ${made.familyName}`;
      await this.tell(repositories, principal, 'image.created', made, importPath === null ? `${principal.userName} announced ${what}.` : `${principal.userName} reads in ${importPath} as ${what}.`);
      return made;
    });
  }

  private requireSize(sizeBytes: number): void {
    const { largestBytes } = this.deps;
    if (sizeBytes <= largestBytes) return;
    throw new ParavclError('invalid-input', `The file has ${sizeBytes} bytes; this site takes at most ${largestBytes}. Shrink it, or ask an administrator for a higher limit.`, {
      field: 'sizeBytes',
      limit: `at most ${largestBytes} bytes`,
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
    if (image?.kind !== kind) throw missingImage(kind, id);
    return image;
  }

  private async view(image: ImageRecord): Promise<ImageAnswer> {
    const [view] = await this.views([image]);
    if (view === undefined) throw new Error(`Image ${image.id} has no view.`);
    return view;
  }

  /** As people see them. */
  async views(images: readonly ImageRecord[]): Promise<ImageAnswer[]> {
    const { unitOfWork, uploads } = this.deps;
    const boots = await unitOfWork.read.images.bootReads(images.map(({ id }) => id));
    return Promise.all(images.map(async (image) => imageView(image, image.state === 'uploading' ? await uploads.receivedBytes(image.id) : image.sizeBytes, boots.get(image.id))));
  }
}

/** What had arrived is gone: then it begins anew. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ParavclError && error.code === 'not-found')) throw error;
}

function checkedFor({ userName, userId }: Principal): CheckedFor {
  return { by: `user ${userName}`, userId };
}

async function* whileThere(image: ImageRecord, hold: ImageHold, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    if (hold.deleted) throw missingImage(image.kind, image.id);
    yield chunk;
  }
}

/** Throws `invalid-input` for a default or a group that is not there. */
async function requireThere(repositories: Repositories, { defaultKernelId, defaultRamdiskId, ownerGroupId }: ImageChange): Promise<void> {
  await requireDefault(repositories, defaultKernelId, 'kernel', 'defaultKernelId');
  await requireDefault(repositories, defaultRamdiskId, 'ramdisk', 'defaultRamdiskId');
  if (ownerGroupId != null && (await repositories.groups.find(ownerGroupId)) === null) {
    throw new ParavclError('invalid-input', `There is no group ${ownerGroupId}.`, { field: 'ownerGroupId', limit: 'an existing group' });
  }
}

async function requireDefault(repositories: Repositories, id: string | null | undefined, kind: 'kernel' | 'ramdisk', field: string): Promise<void> {
  if (id == null) return;
  if ((await repositories.images.lockShared(id))?.kind !== kind) {
    throw new ParavclError('invalid-input', `There is no ${kind} ${id}. Upload it first.`, { field, limit: `an existing ${kind}` });
  }
}
