import { getCapacity } from '@paravcl/shared/api/capacity';
import { getPool } from '@paravcl/shared/api/pool';
import type { CapacityService } from '../services/capacity-service';
import type { PoolService } from '../services/pool-service';
import { bind, type BoundRoute } from './binding';

/** `/capacity`, for everybody, and `/pool`, for who runs the site. */
export function capacityRoutes(capacity: CapacityService, pool: PoolService, timeZone: string): readonly BoundRoute[] {
  const moment = (text: string | undefined): Date | null => (text === undefined ? null : new Date(text));
  return [
    bind(getCapacity, async ({ query }) => {
      const { total, hours } = await capacity.capacity(moment(query.from), query.hours);
      return { body: { timeZone, total, hours: hours.map(({ start, ...free }) => ({ start: new Date(start).toISOString(), ...free })) } };
    }),
    bind(getPool, async ({ query }) => ({ body: await pool.pool(moment(query.from), query.hours) })),
  ];
}
