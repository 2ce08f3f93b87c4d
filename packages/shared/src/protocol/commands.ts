import { z } from 'zod';
import { idSchema } from '../ids';

/** One-shot verbs: they answer something and leave nothing behind. A closed list with typed arguments. */
export const commandSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('serial-log'), instanceId: idSchema, /** Bytes from the end. */ tailBytes: z.int().min(1).max(256 * 1024) }),
  z.object({ kind: z.literal('screenshot'), instanceId: idSchema }),
  z.object({ kind: z.literal('describe') }),
]);
export type Command = Readonly<z.infer<typeof commandSchema>>;

export const commandOrderSchema = z
  .object({
    commandId: idSchema,
    /** Generation of the instance the command is about; null for the host. An older one is refused. */
    generation: z.int().positive().nullable(),
    deadlineMs: z.int().positive().max(600_000),
    command: commandSchema,
  })
  .readonly();
export type CommandOrder = z.infer<typeof commandOrderSchema>;

export const commandResultSchema = z
  .object({
    commandId: idSchema,
    outcome: z.discriminatedUnion('ok', [
      z.object({
        ok: z.literal(true),
        /** Text of a log, or base64 of a PNG, by `kind`; null for describe, which is sent as a report. */
        body: z.string().max(900_000).nullable(),
      }),
      z.object({ ok: z.literal(false), code: z.enum(['stale', 'unknown-instance', 'unsupported', 'failed', 'deadline']), message: z.string().max(1000) }),
    ]),
  })
  .readonly();
export type CommandResult = z.infer<typeof commandResultSchema>;
