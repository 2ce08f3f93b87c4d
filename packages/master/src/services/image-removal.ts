import type { ImageFamilyRecord } from '../repositories/image-family-repository';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';

/**
 * Takes a version out of the books; it and its family are locked by the caller, who has seen that nothing depends on it. An
 * empty family goes with its last version. Answers what its family is without it, to be told behind a sentence.
 */
export async function removeImage({ images, imageFamilies }: Repositories, image: ImageRecord, family: ImageFamilyRecord | null): Promise<string> {
  await images.remove(image.id);
  if (family === null) return '';
  const [other] = await images.versionsOf(family.id, undefined, 1);
  if (other === undefined) {
    await imageFamilies.remove(family.id);
    return ` It was the last of ${family.name}.`;
  }
  if (family.productionImageId !== image.id) return '';
  await imageFamilies.edit(family.id, { productionImageId: null });
  return ` Nothing of ${family.name} is in production any more; the next version that becomes ready will be.`;
}
