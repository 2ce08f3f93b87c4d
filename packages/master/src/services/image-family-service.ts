import { mostShownVersions, type ImageFamilyAnswer } from '@paravcl/shared/api/image-families';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageFamily, ImageKind } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageFamilyRecord } from '../repositories/image-family-repository';
import type { ImageRecord } from '../repositories/image-record';
import type { PageRequest } from '../repositories/newest-first';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { imagesVisibleTo, maySeeImage } from './image-access';
import { putIntoProduction } from './image-production';

export interface ImageFamilyServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly images: { views(principal: Principal, images: readonly ImageRecord[]): Promise<ImageAnswer[]> };
}

/** The names people know, and which version launches of each get. */
export class ImageFamilyService {
  constructor(private readonly deps: ImageFamilyServiceDeps) {}

  async list(principal: Principal, query: PageRequest & { readonly kind?: ImageKind | undefined }): Promise<Page<ImageFamily>> {
    const { read } = this.deps.unitOfWork;
    const visibleTo = imagesVisibleTo(principal);
    const { items, next } = await read.imageFamilies.page({ ...query, visibleTo });
    const counts = await read.imageFamilies.versionCounts(items.map(({ id }) => id), visibleTo);
    const shown = await read.images.findAll(items.flatMap(({ productionImageId }) => productionImageId ?? []));
    return { items: items.map((family) => familyView(family, counts.get(family.id) ?? 0, isShown(principal, shown.get(family.productionImageId ?? '')))), next };
  }

  /** Throws `not-found`, also for one of which no version may be seen. */
  async get(principal: Principal, id: string): Promise<ImageFamilyAnswer> {
    const { unitOfWork: { read }, images } = this.deps;
    const family = await read.imageFamilies.find(id);
    const visibleTo = imagesVisibleTo(principal);
    const versions = family === null ? [] : await read.images.versionsOf(id, visibleTo, mostShownVersions);
    if (family === null || (versions.length === 0 && visibleTo !== undefined)) throw missing(id);
    const count = (await read.imageFamilies.versionCounts([id], visibleTo)).get(id) ?? 0;
    const production = await read.images.findAll(family.productionImageId === null ? [] : [family.productionImageId]);
    return { ...familyView(family, count, isShown(principal, production.get(family.productionImageId ?? ''))), versions: await images.views(principal, versions) };
  }

  /** Throws `already-exists` for a name that another family of its kind has. */
  async edit(acting: Acting, id: string, change: { readonly name?: string | undefined; readonly description?: string | undefined }): Promise<ImageFamilyAnswer> {
    const { unitOfWork, clock } = this.deps;
    try {
      await unitOfWork.transaction(async (repositories) => {
        const family = await locked(repositories, id);
        await repositories.imageFamilies.edit(id, change);
        await repositories.events.append(eventBy(acting, { kind: 'image-family.edited', subjectType: 'image-family', subjectId: id, sentence: `The image family ${family.name} was changed.` }), clock.now());
      });
    } catch (error) {
      throw isDuplicateKey(error) ? new ParavclError('already-exists', `There is a family ${change.name ?? ''} of this kind already. Choose another name.`, { field: 'name', limit: 'unique within its kind' }) : error;
    }
    return this.get(acting.principal, id);
  }

  /** What launches of the family get from now on. Throws `invalid-input` for a version of another family, `image-not-ready`, `in-use` for one that people of a template would not see. */
  async setProduction(acting: Acting, id: string, imageId: string): Promise<ImageFamilyAnswer> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      // The image first, as whoever deletes it does.
      const image = await repositories.images.lock(imageId);
      const family = await locked(repositories, id);
      if (image?.familyId !== id) throw new ParavclError('invalid-input', `${family.name} has no version ${imageId}.`, { field: 'imageId', limit: `a version of ${family.name}` });
      if (image.state !== 'ready') throw new ParavclError('image-not-ready', `Version ${image.version} of ${family.name} is ${image.state}. Put a version into production that is ready.`, { field: 'imageId' });
      if (!(await putIntoProduction(repositories, family, image))) return;
      const sentence = `${acting.principal.userName} put version ${image.version} (${image.friendlyId}) of ${family.name} into production.`;
      await repositories.events.append(eventBy(acting, { kind: 'image-family.production', subjectType: 'image-family', subjectId: id, sentence }), clock.now());
    });
    return this.get(acting.principal, id);
  }
}

async function locked({ imageFamilies }: Repositories, id: string): Promise<ImageFamilyRecord> {
  const family = await imageFamilies.lock(id);
  if (family === null) throw missing(id);
  return family;
}

function isShown(principal: Principal, production: ImageRecord | undefined): boolean {
  return production !== undefined && maySeeImage(principal, production);
}

function missing(id: string): ParavclError {
  return new ParavclError('not-found', `There is no image family ${id}, or it is not yours to see.`);
}

function familyView({ id, kind, name, description, productionImageId, createdAt }: ImageFamilyRecord, versionCount: number, showsProduction: boolean): ImageFamily {
  return { id, kind, name, description, productionImageId: showsProduction ? productionImageId : null, versionCount, createdAt: new Date(createdAt).toISOString() };
}
