import { z } from 'zod';
import { idSchema } from '../ids';

/** Opens a stream: 32 random bytes, base64url. It says nothing of whom it belongs to, and is written into no log. */
export const streamTicketSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** The three connections of a live migration: of libvirt, of the guest's RAM, of its disk. */
export const migrationChannelSchema = z.enum(['libvirt', 'ram', 'disk']);
export type MigrationChannel = z.infer<typeof migrationChannelSchema>;

/**
 * What a slave is to join a stream to. Those of a guest (since version 7) name the instance, which must run there:
 *
 *   screen  its screen, keyboard and mouse: the RFB protocol (RFC 6143) from its first byte
 *   serial  its serial console: first the end of what it printed, then what it prints; what is written is typed. More than one may be there at once
 *   port    a TCP port of the guest, at the address it was given
 */
export const streamEndSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('migration'), migrationId: idSchema, channel: migrationChannelSchema }),
  z.object({ kind: z.literal('screen'), instanceId: idSchema }),
  z.object({ kind: z.literal('serial'), instanceId: idSchema }),
  z.object({ kind: z.literal('port'), instanceId: idSchema, port: z.int().min(1).max(65_535) }),
]);
export type StreamEnd = Readonly<z.infer<typeof streamEndSchema>>;
export type MigrationEnd = Extract<StreamEnd, { kind: 'migration' }>;
export type GuestEnd = Exclude<StreamEnd, MigrationEnd>;

/**
 * First message of whoever dials `agentStreamPath`, as text. `channel` comes with the ticket of a migration, which opens more than one stream.
 * The master answers `streamOpenSchema` as text once the other end is there; from then on both sides send the stream's bytes as binary messages.
 */
export const streamHelloSchema = z.object({ ticket: streamTicketSchema, channel: migrationChannelSchema.optional() });
export type StreamHello = Readonly<z.infer<typeof streamHelloSchema>>;

export const streamOpenSchema = z.object({ open: z.literal(true) });
