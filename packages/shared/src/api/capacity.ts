import { z } from 'zod';
import { route } from './route';

const cores = z.int().nonnegative();

export const getCapacity = route({
  method: 'get',
  path: '/capacity',
  summary: 'How much of the pool is free in each hour: what hosts lend now, less what reservations hold and what runs until its end',
  action: 'capacity.see',
  query: z.object({
    /** Begins with the hour of the site's clock that this lies in; absent: now. */
    from: z.iso.datetime({ offset: true }).optional(),
    hours: z.coerce.number().int().min(1).max(14 * 24).default(7 * 24),
  }),
  answer: {
    status: 200,
    schema: z.object({
      timeZone: z.string(),
      /** Of all slaves that take guests now. */
      total: z.object({ vcpus: cores, ramMiB: z.int().nonnegative() }),
      hours: z.array(
        z.object({
          start: z.iso.datetime(),
          /** Least that is free in this hour over all slaves together, and the most that one slave alone has: a machine must fit on one. */
          freeVcpus: cores,
          freeRamMiB: z.int().nonnegative(),
          largestVcpus: cores,
          /** Of the free cores: those that best-effort machines use now, which give way to a reservation. */
          lentVcpus: cores,
        }),
      ),
    }),
  },
});
