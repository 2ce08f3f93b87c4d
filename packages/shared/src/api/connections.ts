import { z } from 'zod';
import { connectionSchema } from '../domain/connection';
import { idSchema } from '../ids';
import { streamTicketSchema } from '../protocol/streams';
import { route } from './route';
import { consolePath } from './sockets';

export const consoleKindSchema = z.enum(['screen', 'serial']);
export type ConsoleKind = z.infer<typeof consoleKindSchema>;

export const openConsole = route({
  method: 'post',
  path: '/instances/:instanceId/console-tickets',
  summary: 'A ticket for the screen or the serial console of a running instance: shown once within 30 s, in the first message to /api/v1/console',
  action: 'instance.console',
  params: z.object({ instanceId: idSchema }),
  body: z.object({ kind: consoleKindSchema.default('screen') }).prefault({}),
  answer: {
    status: 201,
    schema: z.object({
      /** Opens this console of this instance once, for the login that asked for it. */
      ticket: streamTicketSchema,
      path: z.literal(consolePath),
      expiresAt: z.iso.datetime(),
    }),
  },
});

/** First message of the client at `consolePath`, as text. */
export const consoleHelloSchema = z.object({ ticket: streamTicketSchema });

/**
 * The master's answer, as text, once the guest's end is there. From then on both sides send the console's bytes as binary messages: RFB
 * (RFC 6143) of a screen, plain bytes of a serial console.
 */
export const consoleOpenSchema = z.object({ open: z.literal(true), connectionId: idSchema });

export const listConnections = route({
  method: 'get',
  path: '/connections',
  summary: 'Who is connected to which guest now, from where and since when, longest first',
  action: 'connection.list',
  query: z.object({ userId: idSchema.optional(), instanceId: idSchema.optional(), slaveId: idSchema.optional() }),
  answer: { status: 200, schema: z.object({ items: z.array(connectionSchema) }) },
});

export const endConnection = route({
  method: 'delete',
  path: '/connections/:connectionId',
  summary: 'End a connection to a guest; the person may connect again',
  action: 'connection.end',
  params: z.object({ connectionId: idSchema }),
  answer: { status: 204 },
});
