import type { PublicMapping } from '@paravcl/shared/domain/public-mapping';
import { ParavclError } from '@paravcl/shared/errors';
import type { DesiredInstance, HomeSpec, ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { HomeRecord } from '../core/home-record';
import { diskImageOf, type InstanceRecord } from '../core/instance-record';
import { orderWhile, sendingMs, type LiveMigration } from '../core/live-migration';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';

/**
 * Desired states as slaves are told them, for instances that are not to be deleted. One that cannot be
 * told (an image is gone) is left out and its fault handed to `onFault`, so that it does not keep the others back.
 * What goes to another slave while it runs is to be sent, whatever was asked of it meanwhile: that is told to whoever has it afterwards.
 */
export async function desiredStates(
  repositories: Repositories,
  instances: readonly InstanceRecord[],
  guestUser: string,
  onFault: (error: unknown) => void,
): Promise<readonly DesiredInstance[]> {
  const migrations = await repositories.liveMigrations.openOf(instances.map(({ id }) => id));
  const facts = await factsOf(repositories, instances, guestUser);
  return told(instances, onFault, (instance) => {
    const migration = migrations.get(instance.id);
    const isSent = migration !== undefined && instance.slaveId !== null && orderWhile(migration, instance.slaveId) === 'sent';
    return isSent ? sentState(instance, migration, facts) : desiredState(instance, facts);
  });
}

/** What is to be received, by the slave that is to receive it: one slave, or all. What is to be deleted is not. */
export async function receivedStates(repositories: Repositories, slaveId: string | null, guestUser: string, onFault: (error: unknown) => void): Promise<readonly { readonly slaveId: string; readonly desired: DesiredInstance }[]> {
  const migrations = new Map((await repositories.liveMigrations.arriving(slaveId)).map((migration) => [migration.instanceId, migration]));
  if (migrations.size === 0) return [];
  const instances = (await repositories.instances.among([...migrations.keys()])).filter(({ desired, observed }) => desired !== 'deleted' && observed !== 'deleted');
  const facts = await factsOf(repositories, instances, guestUser);
  return told(instances, onFault, (instance) => {
    const migration = migrations.get(instance.id);
    if (migration === undefined) throw new ParavclError('internal', `Nobody asked for instance ${instance.id}.`);
    const { id, arrivalGeneration, toSlaveId } = migration;
    return { slaveId: toSlaveId, desired: { instanceId: instance.id, generation: arrivalGeneration, desired: 'received', migration: { id }, spec: specOf(instance, facts, migratingHome(migration, toSlaveId)) } };
  });
}

/** What a spec is made of, beside its instance. */
interface Facts {
  readonly images: ReadonlyMap<string, ImageRecord>;
  readonly homes: ReadonlyMap<string, HomeRecord>;
  readonly cloudInits: ReadonlyMap<string, string>;
  readonly publicMappings: ReadonlyMap<string, readonly PublicMapping[]>;
  readonly guestUser: string;
}

async function factsOf(repositories: Repositories, instances: readonly InstanceRecord[], guestUser: string): Promise<Facts> {
  const homes = await repositories.homes.of(instances.map(({ id }) => id));
  const imageIds = instances.flatMap((instance) => [homes.get(instance.id)?.imageId ?? null, diskImageOf(instance), instance.ramImageId, instance.kernelId, instance.ramdiskId].filter((id) => id !== null));
  const images = imageIds.length === 0 ? new Map<string, ImageRecord>() : await repositories.images.findAll([...new Set(imageIds)]);
  const cloudInits = instances.length === 0 ? new Map<string, string>() : await repositories.instances.cloudInits(instances.map(({ id }) => id));
  const publicMappings = instances.length === 0 ? new Map<string, readonly PublicMapping[]>() : await repositories.publicMappings.of(instances.map(({ id }) => id));
  return { images, homes, cloudInits, publicMappings, guestUser };
}

function told<T>(instances: readonly InstanceRecord[], onFault: (error: unknown) => void, tell: (instance: InstanceRecord) => T): readonly T[] {
  return instances.flatMap((instance) => {
    try {
      return [tell(instance)];
    } catch (error) {
      onFault(error);
      return [];
    }
  });
}

function desiredState(instance: InstanceRecord, facts: Facts): DesiredInstance {
  const { id, desired, generation } = instance;
  if (desired === 'deleted') return tombstone(id, generation);
  return {
    instanceId: id,
    generation,
    desired,
    ...(desired === 'running' ? { endsAt: instance.endsAt === null ? null : new Date(instance.endsAt).toISOString() } : {}),
    ...(desired === 'stopped' && instance.stopForced ? { forceStop: true } : {}),
    spec: specOf(instance, facts, ownHome(instance)),
  };
}

function sentState(instance: InstanceRecord, migration: LiveMigration, facts: Facts): DesiredInstance {
  const { id, ticket, sentGeneration, fromSlaveId } = migration;
  if (ticket === null || sentGeneration === null) throw new ParavclError('internal', `Migration ${id} of instance ${instance.id} has no order for its source.`);
  return { instanceId: instance.id, generation: sentGeneration, desired: 'sent', migration: { id, ticket, deadlineMs: sendingMs }, spec: specOf(instance, facts, migratingHome(migration, fromSlaveId)) };
}

/** Under which epoch a slave has, or gets, the home volume of an instance's owner; null: it has nothing of it. */
type HomeEpoch = (home: HomeRecord) => number | null;

/** Where it is to be off, what it had goes back. Said under one generation once and the same: it is given and taken with another one. */
const ownHome = ({ desired, slaveId }: InstanceRecord): HomeEpoch => (home) =>
  home.state === 'attached' && home.slaveId === slaveId && (desired === 'running' || desired === 'suspended') ? home.epoch : null;

/** It goes along whatever was asked of its instance meanwhile. */
const migratingHome = ({ homeEpoch, fromSlaveId }: LiveMigration, slaveId: string): HomeEpoch => (home) => (homeEpoch === null ? null : slaveId === fromSlaveId ? home.epoch : homeEpoch);

function specOf(instance: InstanceRecord, { images, homes, cloudInits, publicMappings, guestUser }: Facts, homeEpoch: HomeEpoch): InstanceSpec {
  const { id, mac, address } = instance;
  const cloudInit = cloudInits.get(id);
  const mapped = publicMappings.get(id);
  // Kept by the code that deletes: addresses until `deleted` is confirmed, images while an instance uses them.
  if (mac === null || address === null) throw new ParavclError('internal', `Instance ${id} has no address.`);
  const ref = (imageId: string): ImageRef => {
    const image = images.get(imageId);
    if (image === undefined) throw new ParavclError('internal', `Instance ${id} uses image ${imageId}, which is gone.`);
    return imageRef(image);
  };
  return {
    name: instance.name,
    vcpus: instance.vcpus,
    ramMiB: instance.ramMiB,
    diskMiB: instance.diskMiB,
    disk: ref(diskImageOf(instance)),
    // Left out of what every agent takes the same without it.
    ...(instance.diskEpoch === 1 ? {} : { diskEpoch: instance.diskEpoch }),
    ...(instance.ramImageId === null ? {} : { ram: ref(instance.ramImageId) }),
    ...homeSpec(homes.get(id), homeEpoch, ref),
    kernel: instance.kernelId === null ? null : ref(instance.kernelId),
    ramdisk: instance.ramdiskId === null ? null : ref(instance.ramdiskId),
    kernelArguments: instance.kernelArguments,
    mac,
    address,
    bandwidthMbps: instance.bandwidthMbps,
    ...(mapped === undefined ? {} : { public: [...mapped] }),
    seed: { hostname: instance.name, user: guestUser, sshPublicKeys: [...instance.sshPublicKeys], ...(cloudInit === undefined ? {} : { vendorData: cloudInit }) },
  };
}

function homeSpec(home: HomeRecord | undefined, epochOf: HomeEpoch, ref: (imageId: string) => ImageRef): { readonly home?: HomeSpec } {
  const epoch = home === undefined ? null : epochOf(home);
  if (home === undefined || home.attachedMiB === null || epoch === null) return {};
  return { home: { volumeId: home.id, epoch, sizeMiB: home.attachedMiB, disk: home.imageId === null ? null : ref(home.imageId) } };
}

/** By its chunks, and as one raw file for agents that fetch it whole. An image of an earlier release is its file, until it is in the chunk store. */
function imageRef({ id, name, manifestId, contentSha256, contentBytes, sha256, sizeBytes, format }: ImageRecord): ImageRef {
  // Nobody hashed the whole of a snapshot, which is in the store chunk by chunk: its manifest names it as well.
  if (manifestId !== null && contentBytes !== null) return { imageId: id, sha256: contentSha256 ?? manifestId, sizeBytes: contentBytes, format: 'raw', manifest: manifestId };
  if (sha256 === null) throw new ParavclError('internal', `Image ${name} (${id}) has no content.`);
  return { imageId: id, sha256, sizeBytes, format };
}

/** Nothing of the instance may remain on the slave. */
export function tombstone(instanceId: string, generation: number): DesiredInstance {
  return { instanceId, generation, desired: 'deleted', spec: null };
}
