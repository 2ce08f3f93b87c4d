import { z } from 'zod';
import { idSchema } from '../ids';

/** Opens a stream: 32 random bytes, base64url. It says nothing of whom it belongs to, and is written into no log. */
export const streamTicketSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** The three connections of a live migration: of libvirt, of the guest's RAM, of its disk. */
export const migrationChannelSchema = z.enum(['libvirt', 'ram', 'disk']);
export type MigrationChannel = z.infer<typeof migrationChannelSchema>;

/** What a slave is to join a stream to. */
export const streamEndSchema = z.discriminatedUnion('kind', [z.object({ kind: z.literal('migration'), migrationId: idSchema, channel: migrationChannelSchema })]);
export type StreamEnd = Readonly<z.infer<typeof streamEndSchema>>;

/**
 * First message of whoever dials `agentStreamPath`, as text. `channel` comes with the ticket of a migration, which opens more than one stream.
 * The master answers `streamOpenSchema` as text once the other end is there; from then on both sides send the stream's bytes as binary messages.
 */
export const streamHelloSchema = z.object({ ticket: streamTicketSchema, channel: migrationChannelSchema.optional() });
export type StreamHello = Readonly<z.infer<typeof streamHelloSchema>>;

export const streamOpenSchema = z.object({ open: z.literal(true) });
