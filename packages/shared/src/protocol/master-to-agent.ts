import { z } from 'zod';
import { admissionSchema, siteNetworkSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { commandOrderSchema } from './commands';
import { desiredInstanceSchema } from './desired-instance';

/** First frame of a connection: prove that you hold your key. */
export const challengeSchema = z.object({
  siteId: idSchema,
  /** 32 random bytes, base64url. The agent signs `helloSigningInput(nonce, slaveId)`. */
  nonce: z.string().min(43).max(64),
  protocol: z.object({ newest: z.int(), oldest: z.int() }),
});

/** Accepted. A pending slave is welcomed too: it stays connected, reports, and gets no work. */
export const welcomeSchema = z.object({
  /** Frames of an older session of the same slave are dropped. */
  sessionId: idSchema,
  admission: admissionSchema,
  heartbeatMs: z.int().positive(),
  masterTime: z.iso.datetime({ precision: 3 }),
  network: siteNetworkSchema,
  /** Bearer for `agentImagePath`, valid as long as the session. */
  contentToken: z.string().min(32).max(128),
});

/** Not accepted; the connection closes. The agent shows the sentence, waits and tries again. */
export const refusedSchema = z.object({
  code: z.enum(['unknown-slave', 'bad-signature', 'quarantined', 'retired', 'protocol-version', 'newer-session']),
  sentence: z.string().max(1000),
});

export const masterFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('challenge'), payload: challengeSchema }),
  z.object({ type: z.literal('welcome'), payload: welcomeSchema }),
  z.object({ type: z.literal('refused'), payload: refusedSchema }),
  /** Approval, draining, quarantine while connected. */
  z.object({ type: z.literal('admission'), payload: z.object({ admission: admissionSchema, sentence: z.string().max(1000).nullable() }) }),
  /** Changed desired states. What is not named keeps its last one: absence never deletes. */
  z.object({ type: z.literal('desired'), payload: z.object({ instances: z.array(desiredInstanceSchema).max(500) }) }),
  z.object({ type: z.literal('command'), payload: commandOrderSchema }),
  /** The result is stored; the agent may forget it. */
  z.object({ type: z.literal('result-stored'), payload: z.object({ commandId: idSchema }) }),
  /** `deleted` was recorded for these generations; the agent may forget the tombstones. */
  z.object({
    type: z.literal('forget'),
    payload: z.object({ instances: z.array(z.object({ instanceId: idSchema, generation: z.int().positive() })).max(500) }),
  }),
  z.object({ type: z.literal('heartbeat'), payload: z.object({ masterTime: z.iso.datetime({ precision: 3 }) }) }),
]);
export type MasterFrame = Readonly<z.infer<typeof masterFrameSchema>>;
export type Challenge = Readonly<z.infer<typeof challengeSchema>>;
export type Welcome = Readonly<z.infer<typeof welcomeSchema>>;
export type Refused = Readonly<z.infer<typeof refusedSchema>>;
