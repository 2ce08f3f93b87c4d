import { z } from 'zod';
import { sha256Schema } from '../domain/limits';
import { idSchema } from '../ids';
import { publicKeySchema } from '../protocol/agent-to-master';
import { accessPatternSchema, recordingSchema } from './access-pattern';

/**
 * Protocol between a host's mirror and the master, on the HTTPS port by `Upgrade: paravcl-chunks`. History, newest first:
 *
 * 1  Manifests, chunks, members, patterns, pre-copy, faults of peers and of the master.
 */
export const mirrorProtocolVersion = 1;
export const mirrorPath = '/agent/v1/mirror';
export const mirrorUpgrade = 'paravcl-chunks';

/** What the mirror signs with the slave's key: bound to this connection's nonce. Never valid as an agent's hello. */
export function mirrorHelloSigningInput(nonce: string, slaveId: string): Buffer {
  return Buffer.from(`paravcl-mirror-hello-v1\n${nonce}\n${slaveId}`, 'utf8');
}

const channelSchema = z.int().min(0).max(0xffff);
/** Bytes of a pre-shared key for one mirror to ask another for one image, base64url. */
const pskSchema = z.string().min(22).max(64);

/** `boot-set`: what its pattern names; `all`: every chunk, which makes it a plain local file. */
export const preCopySchema = z.enum(['boot-set', 'all']);
export type PreCopy = z.infer<typeof preCopySchema>;

/** How much of an image a host has. */
export const imageHoldingSchema = z
  .object({
    manifest: sha256Schema,
    /** Chunks that are there, chunks of zeros among them. */
    presentChunks: z.int().nonnegative(),
    totalChunks: z.int().positive(),
    /** Of the pattern's boot phase; both 0 while there is no pattern. */
    presentBootChunks: z.int().nonnegative(),
    totalBootChunks: z.int().nonnegative(),
    /** Every byte is there and was checked since the host was started: new disks use the file itself. */
    complete: z.boolean(),
  })
  .readonly();
export type ImageHolding = z.infer<typeof imageHoldingSchema>;

export const peerFaultSchema = z.enum(['wrong-bytes', 'unreachable', 'silent']);
export type PeerFault = z.infer<typeof peerFaultSchema>;

export const mirrorMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.int().positive(),
    slaveId: idSchema,
    /** Of the enrolled machine: the key alone could have been copied. */
    machineId: z.string().regex(/^[0-9a-f]{32}$/),
    publicKey: publicKeySchema,
    signature: z.string().max(120),
    build: z.string().max(60),
    /** Where other mirrors reach this one; null when it serves nobody. Without an address it is the one it dials from. */
    peer: z.object({ port: z.int().min(1).max(65_535), address: z.string().max(64).nullable() }).nullable(),
  }),
  /** This host uses the image from now on, under this channel. Answered by `members` and `pattern`, then again whenever they change. */
  z.object({
    type: z.literal('open'),
    channel: channelSchema,
    manifest: sha256Schema,
    /** Raw deflate of a bit for each chunk that is there (lowest bit of the first byte first), base64; "all" when complete. */
    have: z.string().max(1_000_000),
  }),
  z.object({ type: z.literal('close'), channel: channelSchema }),
  /** Everything this host has, sent after the welcome and whenever it changed, at most once a second. */
  z.object({ type: z.literal('holdings'), images: z.array(imageHoldingSchema).max(2000), poolFull: z.boolean() }),
  z.object({ type: z.literal('recorded'), manifest: sha256Schema, instanceId: idSchema, recording: recordingSchema }),
  z.object({ type: z.literal('peer-fault'), manifest: sha256Schema, slaveId: idSchema, fault: peerFaultSchema, index: z.int().nonnegative() }),
  /** The master itself sent wrong bytes of this chunk. It hashes its own copy, and gets it back from hosts when it is damaged. */
  z.object({ type: z.literal('master-fault'), manifest: sha256Schema, index: z.int().nonnegative() }),
]);
export type MirrorMessage = Readonly<z.infer<typeof mirrorMessageSchema>>;

/** One mirror that serves the image, as the master tells another. */
export const chunkMemberSchema = z
  .object({
    number: z.int().min(0).max(0xffff),
    slaveId: idSchema,
    address: z.string().max(64),
    port: z.int().min(1).max(65_535),
    /** Its tier in the relay trees; 0: only asked when the master redirects there. */
    weight: z.int().min(0).max(16),
    /** For TLS-PSK to that mirror: `identity` says who asks for which image until when, `key` proves that the master said so. */
    identity: z.string().max(128),
    key: pskSchema,
  })
  .readonly();
export type ChunkMember = z.infer<typeof chunkMemberSchema>;

export const masterToMirrorSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('challenge'), siteId: idSchema, nonce: z.string().min(43).max(64), protocol: z.object({ newest: z.int(), oldest: z.int() }) }),
  /** `peerSecret`: from it this mirror derives the key of whoever asks it (see psk.ts). Changes with each master's start. */
  z.object({ type: z.literal('welcome'), peerSecret: z.string().min(43).max(64), masterTime: z.iso.datetime({ precision: 3 }) }),
  z.object({ type: z.literal('refused'), code: z.enum(['unknown-slave', 'bad-signature', 'not-approved', 'protocol-version', 'newer-session']), sentence: z.string().max(1000) }),
  /** An `open` that is not granted: no such image, or not for this slave. */
  z.object({ type: z.literal('not-opened'), channel: channelSchema, sentence: z.string().max(1000) }),
  /** All members that changed since the last such message of this channel, `self` among them when this host serves. */
  z.object({ type: z.literal('members'), channel: channelSchema, self: z.int().nullable(), set: z.array(chunkMemberSchema).max(256), gone: z.array(z.int()).max(256) }),
  z.object({ type: z.literal('pattern'), channel: channelSchema, pattern: accessPatternSchema }),
  /** Everything that is to be brought here ahead of need. What is not named is no longer wanted ahead; nothing is deleted for it. */
  z.object({ type: z.literal('pre-copy'), images: z.array(z.object({ manifest: sha256Schema, what: preCopySchema })).max(500) }),
  /** These versions were deleted from the site: whatever nothing here uses may go. */
  z.object({ type: z.literal('gone'), manifests: z.array(sha256Schema).max(500) }),
]);
export type MasterToMirror = Readonly<z.infer<typeof masterToMirrorSchema>>;
