import { z } from 'zod';
import { admissionSchema, livenessSchema, slaveKindSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { route } from './route';

/** Who holds room for how long: an instance that has it now, or a reservation's machines on one slave. */
export const poolItemSchema = z
  .object({
    kind: z.enum(['instance', 'reservation']),
    id: idSchema,
    /** Of an instance its name; of a reservation whose it is. */
    name: z.string(),
    userId: idSchema,
    userName: z.string(),
    /** Of a reservation so many that are not running; all of them together need `vcpus` and `ramMiB`. */
    machines: z.int().positive(),
    vcpus: z.int().nonnegative(),
    ramMiB: z.int().nonnegative(),
    start: z.iso.datetime(),
    /** Null: without end. */
    end: z.iso.datetime().nullable(),
  })
  .readonly();
export type PoolItem = z.infer<typeof poolItemSchema>;

export const poolSlaveSchema = z
  .object({
    id: idSchema,
    name: z.string(),
    kind: slaveKindSchema,
    admission: admissionSchema,
    liveness: livenessSchema,
    /** Whether it is given guests now. */
    takesGuests: z.boolean(),
    /** How it stands, or why it is given none. */
    sentence: z.string(),
    /** What may be promised in all. */
    vcpus: z.int().nonnegative(),
    ramMiB: z.int().nonnegative(),
    items: z.array(poolItemSchema),
  })
  .readonly();
export type PoolSlave = z.infer<typeof poolSlaveSchema>;

export const getPool = route({
  method: 'get',
  path: '/pool',
  summary: 'Who holds what of every host, and when: the calendar of the pool',
  action: 'pool.see',
  query: z.object({
    /** Absent: now. What is over is not shown. */
    from: z.iso.datetime({ offset: true }).optional(),
    hours: z.coerce.number().int().min(1).max(14 * 24).default(24),
  }),
  answer: {
    status: 200,
    schema: z.object({
      from: z.iso.datetime(),
      to: z.iso.datetime(),
      /** In the order of their names; retired ones are not there. */
      slaves: z.array(poolSlaveSchema),
      /** Reserved on slaves that are not there any more: they look for others. */
      unplaced: z.array(poolItemSchema),
    }),
  },
});
