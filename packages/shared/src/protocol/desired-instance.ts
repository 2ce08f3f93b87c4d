import { z } from 'zod';
import { desiredStateSchema, observedStateSchema } from '../domain/instance-state';
import { imageFormatSchema } from '../domain/image';
import { bandwidthMbpsSchema, diskMiBSchema, homeMiBSchema, hostLabelSchema, ipv4Schema, macSchema, ramMiBSchema, sha256Schema, sshPublicKeySchema, vcpusSchema } from '../domain/limits';
import { reasonSchema } from '../domain/reasons';
import { publicMappingSchema, mostPublicMappings } from '../domain/public-mapping';
import { cloudInitSchema } from '../domain/template';
import { idSchema } from '../ids';
import { streamTicketSchema } from './streams';

/**
 * An image version, named by content. Since version 3 `manifest` names its chunks, which the host's mirror brings as
 * they are read. `sha256`, `sizeBytes` and `format` are of the whole raw content, for agents that fetch it as one file.
 */
export const imageRefSchema = z
  .object({ imageId: idSchema, sha256: sha256Schema, sizeBytes: z.int().positive(), format: imageFormatSchema, manifest: sha256Schema.optional() })
  .readonly();
export type ImageRef = z.infer<typeof imageRefSchema>;

/**
 * The home volume of who an instance belongs to, attached to it as a second disk. On the slave it lies beside the instances, for
 * it outlives this one. `disk`: what it held when it was in the store last; null: nothing yet.
 */
export const homeSpecSchema = z
  .object({
    volumeId: idSchema,
    /** Rises with each attachment: what a slave has of a smaller one is worth nothing any more. */
    epoch: z.int().positive(),
    /** Of the disk that the guest sees; it is larger where its content is. */
    sizeMiB: homeMiBSchema,
    disk: imageRefSchema.nullable(),
  })
  .readonly();
export type HomeSpec = z.infer<typeof homeSpecSchema>;

/** Everything a slave needs to make the instance, and nothing about where it keeps it: no paths, no XML. */
export const instanceSpecSchema = z
  .object({
    name: hostLabelSchema,
    vcpus: vcpusSchema,
    ramMiB: ramMiBSchema,
    /** Size of the guest's disk; the overlay is grown to it when the image is smaller. */
    diskMiB: diskMiBSchema,
    disk: imageRefSchema,
    /**
     * How often its disk began anew from its image, counted from 1; absent: 1. What the slave has of a smaller epoch,
     * disk and saved RAM, is removed and made anew; what it has of this or a greater one is kept. Since version 4.
     */
    diskEpoch: z.int().positive().optional(),
    /**
     * RAM that it was saved with on another slave, or earlier, when its disk was what `disk` is now: its first start of this epoch goes
     * on with it. What ran since is never given it. Absent: it boots. Since version 5.
     */
    ram: imageRefSchema.optional(),
    /** Absent: it has none, or it is to be off, and what it had goes back to the store. Since version 5. */
    home: homeSpecSchema.optional(),
    /** Direct kernel boot when given; else the disk boots by its own loader. */
    kernel: imageRefSchema.nullable(),
    ramdisk: imageRefSchema.nullable(),
    kernelArguments: z.string().max(1000),
    mac: macSchema,
    address: ipv4Schema,
    bandwidthMbps: bandwidthMbpsSchema.nullable(),
    /** What of the network outside leads to it while it runs; absent: nothing. Since version 8. */
    public: z.array(publicMappingSchema).max(mostPublicMappings).optional(),
    /** cloud-init NoCloud seed. `vendorData` is the cloud-config of the template it was launched from; an agent of before version 3 leaves it out. */
    seed: z.object({ hostname: hostLabelSchema, user: z.string().max(32), sshPublicKeys: z.array(sshPublicKeySchema).max(20), vendorData: cloudInitSchema.optional() }),
  })
  .readonly();
export type InstanceSpec = z.infer<typeof instanceSpecSchema>;

/** The epoch an instance's disk is wanted of. */
export function wantedDiskEpoch({ diskEpoch = 1 }: Pick<InstanceSpec, 'diskEpoch'>): number {
  return diskEpoch;
}

/**
 * What should be, for one instance on one slave. The only authority: the slave compares it with what
 * libvirt has and derives its steps. `spec` is null for a tombstone (`deleted`): nothing must remain.
 */
export const desiredInstanceSchema = z.discriminatedUnion('desired', [
  z.object({
    instanceId: idSchema,
    generation: z.int().positive(),
    desired: desiredStateSchema.exclude(['deleted']),
    /** With `stopped`: take the power away at once instead of asking the guest first. */
    forceStop: z.boolean().optional(),
    /**
     * With `running`: the end of its time (UTC, by the master's clock). From then on the slave treats it as
     * `suspended`, also while the master is away, and says so with the reason TimeEnded. Absent or null: no end.
     */
    endsAt: z.iso.datetime({ precision: 3 }).nullable().optional(),
    spec: instanceSpecSchema,
  }),
  /**
   * Since version 6: it goes to another slave while it runs. The guest is sent there once, by streams that `ticket` opens at
   * `agentStreamPath`; it is kept, running, when that fails. Until the next order nothing else is done with it, started least of all.
   */
  z.object({
    instanceId: idSchema,
    generation: z.int().positive(),
    desired: z.literal('sent'),
    migration: z.object({ id: idSchema, ticket: streamTicketSchema, /** Given up after so long. */ deadlineMs: z.int().positive().max(3_600_000) }).readonly(),
    spec: instanceSpecSchema,
  }),
  /**
   * Since version 6: it comes from another slave while it runs. Files and definition are made; the guest is taken over the streams
   * that name this migration, and stays paused until the next order.
   */
  z.object({
    instanceId: idSchema,
    generation: z.int().positive(),
    desired: z.literal('received'),
    migration: z.object({ id: idSchema }).readonly(),
    spec: instanceSpecSchema,
  }),
  z.object({ instanceId: idSchema, generation: z.int().positive(), desired: z.literal('deleted'), spec: z.null() }),
]);
export type DesiredInstance = Readonly<z.infer<typeof desiredInstanceSchema>>;

/**
 * How a migration stands, as one of its two slaves sees it:
 *
 *   awaiting   everything is made for the guest, and it is not here
 *   arrived    the guest is here whole, and paused
 *   sending    it is on its way, and may still come back
 *   sent       it does not run here any more; the other slave has it, or its disk alone is left
 *   stayed     it was not sent, and is not going to be under this order; the reason says why
 */
export const migrationStandingSchema = z.enum(['awaiting', 'arrived', 'sending', 'sent', 'stayed']);
export type MigrationStanding = z.infer<typeof migrationStandingSchema>;

/** What is, for one instance on one slave; `deleted` confirms that nothing remains. */
export const observedInstanceSchema = z
  .object({
    instanceId: idSchema,
    /** Generation of the desired state this observation answers; the mark's when none is known. */
    generation: z.int().positive(),
    state: observedStateSchema.extract([
      'preparing',
      'booting',
      'running',
      'suspending',
      'suspended',
      'resuming',
      'stopping',
      'stopped',
      'failed',
      'deleted',
    ]),
    reason: reasonSchema.nullable(),
    /** 0–100 while an image is fetched; null otherwise. */
    progressPercent: z.number().min(0).max(100).nullable(),
    /**
     * Of which epoch what the slave has is; the wanted one when it has nothing. Smaller than the wanted one: what
     * is to be removed is still there. Absent: an agent of before version 4, or one that was not told what is wanted.
     */
    diskEpoch: z.int().positive().optional(),
    /** With an order of `sent` or `received`. Since version 6. */
    migration: z.object({ id: idSchema, standing: migrationStandingSchema }).readonly().optional(),
  })
  .readonly();
export type ObservedInstance = z.infer<typeof observedInstanceSchema>;
