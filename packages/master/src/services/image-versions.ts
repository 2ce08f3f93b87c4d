import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageKind } from '@paravcl/shared/domain/image';
import { ParavclError } from '@paravcl/shared/errors';
import { friendlyId, newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../db/connection';
import type { ImageFamilyRecord } from '../repositories/image-family-repository';
import type { ImageRecord, NewImageRecord } from '../repositories/image-record';
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

/** What a version that does not say it takes over from the newest of its family. */
type Inherited = Pick<NewImageRecord, 'visibility' | 'ownerGroupId' | 'defaultKernelId' | 'defaultRamdiskId' | 'defaultVcpus' | 'defaultRamMiB' | 'minSpeed' | 'kernelArguments' | 'platformValue'>;

const first: Inherited = {
  visibility: 'public', ownerGroupId: null, defaultKernelId: null, defaultRamdiskId: null, defaultVcpus: null, defaultRamMiB: null, minSpeed: null, kernelArguments: '', platformValue: 1,
};

/** A version before it has its place in a family. */
export type UnplacedVersion = Omit<NewImageRecord, 'kind' | 'name' | 'familyId' | 'version' | 'friendlyId' | keyof Inherited> & { readonly [K in keyof Inherited]?: Inherited[K] | undefined };

/**
 * Inserts the next version of a family: of the one that is named, else of the one of this name, which is made when the
 * kind has none. Who sees it and how it boots, when that is not said, are as its newest version has them: what was kept to some must not
 * come out with an update, and a class must not boot without its kernel. Throws `invalid-input` for a family that is not there or of another kind, when neither is given, and
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
  const taken = takenOver(image, newest);
  requireOwnerGroup(taken);
  const record = { ...image, ...taken, kind: family.kind, name: named.name ?? family.name, familyId: family.id, version };
  for (const digits of idDigits) {
    const wanted = { ...record, friendlyId: friendlyId(record.kind, record.name, record.id, digits) };
    if (await repositories.images.friendlyIdTaken(wanted.friendlyId)) continue;
    try {
      await repositories.images.insert(wanted);
      return { ...wanted, familyName: family.name, production: false, ofInstanceId: null };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
  throw new Error(`No friendly id is free for image ${record.id}.`);
}

function takenOver(image: UnplacedVersion, newest: Inherited | undefined): Inherited {
  const before = newest ?? first;
  const said = <K extends keyof Inherited>(key: K): Inherited[K] => (image[key] === undefined ? before[key] : (image[key] as Inherited[K]));
  return {
    visibility: said('visibility'),
    ownerGroupId: said('ownerGroupId'),
    defaultKernelId: said('defaultKernelId'),
    defaultRamdiskId: said('defaultRamdiskId'),
    defaultVcpus: said('defaultVcpus'),
    defaultRamMiB: said('defaultRamMiB'),
    minSpeed: said('minSpeed') ?? null,
    kernelArguments: said('kernelArguments'),
    platformValue: said('platformValue'),
  };
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
