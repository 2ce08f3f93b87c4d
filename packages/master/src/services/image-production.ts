import type { ImageFamilyRecord } from '../repositories/image-family-repository';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import { requireStillSeen, templatesOfFamily } from './template-audience';

/**
 * From now on launches of the family get this version of it, which is ready; both are locked by the caller. False when they did already.
 * Throws `in-use` for one that people of a template would not see.
 */
export async function putIntoProduction(repositories: Repositories, family: ImageFamilyRecord, image: ImageRecord): Promise<boolean> {
  if (family.productionImageId === image.id) return false;
  const until = family.productionImageId === null ? null : await repositories.images.find(family.productionImageId);
  requireStillSeen(await templatesOfFamily(repositories, family.id), until, image, `Version ${image.version} (${image.friendlyId}) cannot go into production`);
  await repositories.imageFamilies.edit(family.id, { productionImageId: image.id });
  return true;
}
