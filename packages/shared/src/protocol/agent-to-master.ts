import { z } from 'zod';
import { macSchema } from '../domain/limits';
import { describeSchema, foreignDomainSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { commandResultSchema } from './commands';
import { observedInstanceSchema } from './desired-instance';

/** Ed25519 public key, SPKI DER, base64url. */
export const publicKeySchema = z.string().min(40).max(120);

/** Body of `agentEnrolPath`, sent once with a join token. Answered by `enrolmentAnswerSchema`. */
export const enrolmentRequestSchema = z.object({
  token: z.string().min(20).max(300),
  name: z.string().min(1).max(100),
  publicKey: publicKeySchema,
  machineId: z.string().regex(/^[0-9a-f]{32}$/, '32 hexadecimal digits, as /etc/machine-id'),
  macs: z.array(macSchema).min(1).max(64),
  describe: describeSchema,
});
export type EnrolmentRequest = z.infer<typeof enrolmentRequestSchema>;

export const enrolmentAnswerSchema = z.object({
  slaveId: idSchema,
  siteId: idSchema,
  admission: z.enum(['pending', 'approved']),
});
export type EnrolmentAnswer = z.infer<typeof enrolmentAnswerSchema>;

/** What the agent signs to prove its key: bound to this connection's nonce and to its own id. */
export function helloSigningInput(nonce: string, slaveId: string): Buffer {
  return Buffer.from(`paravcl-hello-v1\n${nonce}\n${slaveId}`, 'utf8');
}

/** As many observations as a hello may carry: with the longest sentences they fit a frame beside the rest. */
export const maxHelloInventory = 100;

export const helloSchema = z.object({
  slaveId: idSchema,
  protocol: z.int().positive(),
  build: z.string().max(60),
  publicKey: publicKeySchema,
  signature: z.string().max(120),
  machineId: z.string().regex(/^[0-9a-f]{32}$/),
  macs: z.array(macSchema).max(64),
  /** Counts starts of this agent; a smaller one than seen before is an old copy of the agent. */
  epoch: z.int().positive(),
  describe: describeSchema,
  /** What bears our mark, whatever its state, and tombstones not yet confirmed. */
  inventory: z.array(observedInstanceSchema).max(maxHelloInventory),
  /**
   * Whether `inventory` is all there is. False when the host could not be looked at whole in time, or
   * when there is more than a hello carries: then nothing follows from what is not named, until an
   * `observed` frame of the same connection says `inventoryComplete`.
   */
  inventoryComplete: z.boolean(),
  foreignDomains: z.array(foreignDomainSchema).max(500),
});
export type Hello = Readonly<z.infer<typeof helloSchema>>;

/** As many guests as a heartbeat may tell of. */
export const maxHeartbeatGuests = 500;

/** What the virtual CPUs of one guest did in a stretch of time that ended a moment ago, all of them together. */
export const guestProcessorSchema = z
  .object({
    instanceId: idSchema,
    vcpus: z.int().positive(),
    /** How long the stretch was. */
    overMs: z.int().positive(),
    ranMs: z.int().nonnegative(),
    /** Wanted to run and did not: libvirt's `vcpu.N.delay`, the kernel's run delay. */
    delayedMs: z.int().nonnegative(),
    /** The same as libvirt's `vcpu.N.wait` has it; 0 where the kernel keeps no such statistics, as most do not. */
    waitedMs: z.int().nonnegative(),
  })
  .readonly();
export type GuestProcessor = z.infer<typeof guestProcessorSchema>;

export const heartbeatSchema = z.object({
  /** The agent's clock when it sent: the master subtracts its own and has the offset, delivery included. */
  agentTime: z.iso.datetime({ precision: 3 }),
  load1: z.number().nonnegative(),
  ramAvailableMiB: z.int().nonnegative(),
  poolAvailableMiB: z.int().nonnegative(),
  /** Of guests that run here, since the heartbeat before; since version 9, and absent when there is nothing to tell. */
  guests: z.array(guestProcessorSchema).max(maxHeartbeatGuests).optional(),
});

export const agentFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), payload: helloSchema }),
  z.object({ type: z.literal('heartbeat'), payload: heartbeatSchema }),
  /** Changed parts of the describe data since hello. */
  z.object({ type: z.literal('describe'), payload: z.object({ changed: describeSchema.unwrap().partial() }) }),
  /** Changed observations, and the rest of an inventory that the hello did not carry whole. */
  z.object({
    type: z.literal('observed'),
    payload: z.object({
      instances: z.array(observedInstanceSchema).max(500),
      /** After a hello with `inventoryComplete` false, once: with this frame everything has been named on this connection. */
      inventoryComplete: z.literal(true).optional(),
    }),
  }),
  z.object({ type: z.literal('foreign'), payload: z.object({ domains: z.array(foreignDomainSchema).max(500) }) }),
  z.object({ type: z.literal('result'), payload: commandResultSchema }),
]);
export type AgentFrame = Readonly<z.infer<typeof agentFrameSchema>>;
