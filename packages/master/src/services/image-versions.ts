import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageKind, ImageVisibility } from '@paravcl/shared/domain/image';
import { ParavclError } from '@paravcl/shared/errors';
import { friendlyId, newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../db/connection';
import type { ImageFamilyRecord } from '../repositories/image-family-repository';
import type { ImageRecord, NewImageRecord } from '../repositories/image-repository';
import type { Repositories } from '../repositories/repositories';
import { requireOwnerGroup } from './image-access';
import { imageNouns } from './image-nouns';

/** Of which family a new image becomes a version. */
export interface NamedFamily {
  readonly kind: ImageKind;
  readonly familyId?: string | undefined;
  readonly name?: string | undefined;
}

/** Digits of the id at the end of a friendly id: more when a shorter one is taken. */
const idDigits = [3, 4, 6, 8, 12, 24] as const;

/** A version before it has its place in a family. Who sees it may be left unsaid. */
export type UnplacedVersion = Omit<NewImageRecord, 'kind' | 'name' | 'familyId' | 'version' | 'friendlyId' | 'visibility' | 'ownerGroupId'> & {
  readonly visibility?: ImageVisibility | undefined;
  readonly ownerGroupId?: string | null | undefined;
};

/**
 * Inserts the next version of a family: of the one that is named, else of the one of this name, which is made when the
 * kind has none. Who sees it, when that is not said, is as its newest version has it: what was kept to some must not come
 * out with an update. Throws `invalid-input` for a family that is not there or of another kind, when neither is given, and
 * for a version of a group that no group owns.
 */
export async function insertVersion(
  repositories: Repositories,
  named: NamedFamily,
  image: UnplacedVersion,
): Promise<ImageRecord> {
  const family = await lockFamily(repositories, named, image.createdByUserId, image.createdAt);
  const version = family.versionsMade + 1;
  await repositories.imageFamilies.edit(family.id, { versionsMade: version });
  const [newest] = await repositories.images.versionsOf(family.id, undefined, 1);
  const seenBy = {
    visibility: image.visibility ?? newest?.visibility ?? 'public',
    ownerGroupId: image.ownerGroupId === undefined ? (newest?.ownerGroupId ?? null) : image.ownerGroupId,
  };
  requireOwnerGroup(seenBy);
  const record = { ...image, ...seenBy, kind: family.kind, name: named.name ?? family.name, familyId: family.id, version };
  for (const digits of idDigits) {
    const wanted = { ...record, friendlyId: friendlyId(record.kind, record.name, record.id, digits) };
    if (await repositories.images.friendlyIdTaken(wanted.friendlyId)) continue;
    try {
      await repositories.images.insert(wanted);
      return { ...wanted, familyName: family.name, production: false };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
  throw new Error(`No friendly id is free for image ${record.id}.`);
}

/** Until the transaction ends, nobody else makes or takes away a version of it. */
async function lockFamily(repositories: Repositories, { kind, familyId, name }: NamedFamily, userId: string, now: EpochMs): Promise<ImageFamilyRecord> {
  const { imageFamilies } = repositories;
  if (familyId !== undefined) {
    const family = await imageFamilies.lock(familyId);
    if (family?.kind === kind) return family;
    throw new ParavclError('invalid-input', `There is no family of ${imageNouns[kind]}s ${familyId}. List the families to see which there are, or give a name to begin one.`, { field: 'familyId', limit: `an existing family of ${imageNouns[kind]}s` });
  }
  if (name === undefined) {
    throw new ParavclError('invalid-input', `Name the ${imageNouns[kind]}, or the family it is a new version of.`, { field: 'name', limit: 'needed without familyId' });
  }
  for (;;) {
    const found = await imageFamilies.named(kind, name);
    if (found !== null) {
      const family = await imageFamilies.lock(found.id);
      if (family !== null) return family;
      // Its last version was deleted meanwhile, and it with that.
      continue;
    }
    const family: ImageFamilyRecord = { id: newId(now), kind, name, description: '', versionsMade: 0, productionImageId: null, createdByUserId: userId, createdAt: now };
    try {
      await imageFamilies.insert(family);
      return family;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
}
