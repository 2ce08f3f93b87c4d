import { z } from 'zod';
import { idSchema } from '../ids';
import { bandwidthMbpsSchema, displayNameSchema, ipv4Schema, macSchema, speedSchema } from './limits';

/** Whether the lab's people let the slave take part. */
export const admissionSchema = z.enum(['pending', 'approved', 'draining', 'quarantined', 'retired']);
export type Admission = z.infer<typeof admissionSchema>;

export const admissionMeanings: Readonly<Record<Admission, string>> = {
  pending: 'waiting for approval',
  approved: 'takes instances',
  draining: 'keeps what it has, takes nothing new',
  quarantined: 'came back with another identity; an operator must look at it',
  retired: 'left the pool; its key is refused',
};

export const admissionMoves: Readonly<Record<Admission, readonly Admission[]>> = {
  pending: ['approved', 'quarantined', 'retired'],
  approved: ['draining', 'quarantined', 'retired'],
  draining: ['approved', 'quarantined', 'retired'],
  quarantined: ['approved', 'retired'],
  retired: [],
};

/** Whether the slave is heard of: suspect after 15 s of silence, lost after 60 s (configurable). */
export const livenessSchema = z.enum(['online', 'suspect', 'lost']);
export type Liveness = z.infer<typeof livenessSchema>;

export const slaveKindSchema = z.enum(['dedicated', 'volunteer']);
export type SlaveKind = z.infer<typeof slaveKindSchema>;

/**
 * What another address than the enrolled one means: `strict` quarantines, `warn` appends an event,
 * `off` says nothing. Lab PCs use DHCP, hence `warn` by default.
 */
export const addressCheckSchema = z.enum(['strict', 'warn', 'off']);
export type AddressCheck = z.infer<typeof addressCheckSchema>;

export const hypervisorKindSchema = z.enum(['kvm', 'qemu', 'simulated']);
/** `kvm` where the processor runs guests, `qemu` for TCG emulation, `simulated` for tests of scale. */
export type HypervisorKind = z.infer<typeof hypervisorKindSchema>;

export const networkInterfaceSchema = z
  .object({
    name: z.string().max(64),
    mac: macSchema,
    /** True for hardware; bridges, taps and veths are not part of a slave's identity. */
    physical: z.boolean(),
    addresses: z.array(z.string().max(64)).max(64),
    /** Megabits per second; null when the driver does not tell. */
    linkSpeedMbps: z.number().int().nonnegative().nullable(),
  })
  .readonly();
export type NetworkInterface = z.infer<typeof networkInterfaceSchema>;

/**
 * What keeps a slave from doing its work and heals by itself once the cause is gone. Its guests go on; it takes
 * nothing new meanwhile, unless `takesNew` names it.
 *   state-full          the agent's own directory has no room: no order can be kept
 *   pool-full           less room in the pool than its reserve: guests that grow are paused until there is
 *   hypervisor-silent   the hypervisor does not answer
 *   mirror-silent       the mirror does not answer: no image comes, and guests that read from it wait
 *   public-mapping      something of the network outside does not lead to its guest; since version 8
 */
export const troubleSchema = z
  .object({
    code: z.enum(['state-full', 'pool-full', 'hypervisor-silent', 'mirror-silent', 'public-mapping']),
    /** What, since when, and the way out. */
    sentence: z.string().max(500),
  })
  .readonly();
export type Trouble = z.infer<typeof troubleSchema>;

/** Troubles that are no reason to place nothing new on a slave: one person's mapping must not keep it from everybody else. */
export const takesNew: Readonly<Partial<Record<Trouble['code'], true>>> = { 'public-mapping': true };

/** More than this between the clocks of slave and master, and no end of an instance's time can be kept there. */
export const maxClockOffsetMs = 5000;

/** What a slave tells of itself (`/describe` of the 2014 report, widened). */
export const describeSchema = z
  .object({
    hostname: z.string().max(255),
    cores: z.int().min(1).max(4096),
    threads: z.int().min(1).max(8192),
    /** Speed of one core relative to the project's reference machine, which is 1. */
    relativeSpeed: z.number().positive(),
    cpuModel: z.string().max(200),
    cpuFlags: z.array(z.string().max(40)).max(400),
    ramTotalMiB: z.int().nonnegative(),
    ramAvailableMiB: z.int().nonnegative(),
    /** The pool is the directory that holds images and overlays. */
    poolTotalMiB: z.int().nonnegative(),
    poolAvailableMiB: z.int().nonnegative(),
    hypervisor: z.object({
      kind: hypervisorKindSchema,
      /** Why this kind: "KVM ran a guest", "/dev/kvm is there but a guest did not run: …", … */
      why: z.string().max(1000),
      usable: z.boolean(),
      libvirt: z.string().max(40).nullable(),
      qemu: z.string().max(40).nullable(),
      /** Machine type and CPU model this slave pins its guests to. */
      machine: z.string().max(60).nullable(),
      cpu: z.string().max(60).nullable(),
    }),
    interfaces: z.array(networkInterfaceSchema).max(256),
    /** One-minute load average. */
    load1: z.number().nonnegative(),
    /** Slave clock minus master clock, measured at the last exchange; null before the first. */
    clockOffsetMs: z.number().nullable(),
    /** Empty when all is well; absent from an agent of protocol 1, and then nothing is known of troubles. */
    troubles: z.array(troubleSchema).max(10).optional(),
  })
  .readonly();
export type Describe = z.infer<typeof describeSchema>;

/** A domain of the host that does not bear our mark. Shown, never touched. */
export const foreignDomainSchema = z
  .object({ name: z.string().max(255), uuid: z.string().max(36), state: z.string().max(40) })
  .readonly();
export type ForeignDomain = z.infer<typeof foreignDomainSchema>;

/** Screens, serial consoles and ports of its guests that are open at a time; 0 lets nobody in. */
export const slaveConnectionsSchema = z.int().min(0).max(10_000);

export const slaveSchema = z
  .object({
    id: idSchema,
    name: displayNameSchema,
    kind: slaveKindSchema,
    ownerUserId: idSchema.nullable(),
    /** Set for this slave; null: what the site's configuration says of every slave. */
    maxConnections: slaveConnectionsSchema.nullable(),
    /** Speed of one core as somebody set it; absent: as its agent measured (`describe.relativeSpeed`). */
    speed: speedSchema.optional(),
    admission: admissionSchema,
    /** Why it is quarantined, in a sentence. */
    admissionReason: z.string().nullable(),
    liveness: livenessSchema,
    /** The address its connection came from last. */
    address: z.string().nullable(),
    macs: z.array(macSchema),
    describe: describeSchema,
    /** What it lends to guests: its cores and RAM by the site's overcommit, less what the host keeps for itself. */
    lent: z.object({ vcpus: z.int().nonnegative(), ramMiB: z.int().nonnegative() }),
    /** What running instances hold of it. */
    used: z.object({ vcpus: z.int(), ramMiB: z.int(), diskMiB: z.int(), instances: z.int() }),
    /** What an operator should mend there, with the way out: a clock that is wrong, troubles. Empty when all is well. */
    warnings: z.array(z.string()),
    foreignDomains: z.array(foreignDomainSchema),
    /** While it is being emptied: how many of how many have left, and what is being done; else null. */
    evacuation: z.object({ left: z.int(), of: z.int(), sentence: z.string() }).nullable(),
    agentBuild: z.string().nullable(),
    lastSeenAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type Slave = z.infer<typeof slaveSchema>;

/** The site's private guest network, the same on every slave (bridge, gateway), so that a moved instance keeps its address. */
export const siteNetworkSchema = z
  .object({
    /** libvirt network name. */
    name: z.string().regex(/^[a-z][a-z0-9-]{0,14}$/),
    bridge: z.string().regex(/^[a-z][a-z0-9-]{0,13}$/),
    gateway: ipv4Schema,
    prefix: z.int().min(8).max(29),
  })
  .readonly();
export type SiteNetwork = z.infer<typeof siteNetworkSchema>;

export const slaveLimitsSchema = z.object({ bandwidthMbps: bandwidthMbpsSchema.nullable() }).readonly();
