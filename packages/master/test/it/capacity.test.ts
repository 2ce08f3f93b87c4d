import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PoolItem, PoolSlave } from '@paravcl/shared/api/pool';
import type { Principal } from '@paravcl/shared/domain/people';
import { createApp } from '../../src/http/app';
import { capacityRoutes } from '../../src/http/capacity-routes';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { CapacityService } from '../../src/services/capacity-service';
import { PoolService } from '../../src/services/pool-service';
import { openReservationRig, type ReservationRig } from './reservation-rig';

interface Capacity {
  readonly timeZone: string;
  readonly total: { readonly vcpus: number };
  readonly hours: readonly { readonly start: string; readonly freeVcpus: number; readonly largestVcpus: number; readonly lentVcpus: number }[];
}

/** The hand clock begins on Mon 2 Mar 2026, 09:00 in Berlin. */
describe('free room and the calendar of the pool', () => {
  let rig: ReservationRig;
  let server: Server;
  let who: Principal;
  const broken: unknown[] = [];

  beforeEach(async () => {
    rig = await openReservationRig();
    await rig.slave('lab-1', { cores: 4 });
    const deps = { world: rig.world, scheduling: rig.scheduling, unitOfWork: rig.unit, clock: rig.clock };
    const app = createApp({
      authenticate: () => Promise.resolve({ principal: who, by: 'bearer' }),
      idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
      checkAnswers: true,
      routes: capacityRoutes(new CapacityService(deps), new PoolService(deps), 'Europe/Berlin'),
      routers: [],
      log: { error: (fields, message) => broken.push(fields, message) },
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rig.close();
    expect([...broken, ...rig.faults]).toEqual([]);
  });

  const get = async <T>(path: string): Promise<{ readonly status: number; readonly body: T }> => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1${path}`);
    return { status: response.status, body: (await response.json()) as T };
  };

  it('shows everybody what reservations leave of each hour, as an admission would find it', async () => {
    who = await rig.person('student', 'alice');
    const bob = await rig.person('student', 'bob');
    await rig.request(bob, { start: '2026-03-02T10:00', minutes: 120, vcpus: 3 });
    const { status, body } = await get<Capacity>('/capacity?hours=4');
    expect(status).toBe(200);
    expect(body).toMatchObject({ timeZone: 'Europe/Berlin', total: { vcpus: 4 } });
    expect(body.hours.map(({ start, freeVcpus }) => [start, freeVcpus])).toEqual([
      ['2026-03-02T08:00:00.000Z', 4], ['2026-03-02T09:00:00.000Z', 1], ['2026-03-02T10:00:00.000Z', 1], ['2026-03-02T11:00:00.000Z', 4],
    ]);
    // What is over is left out.
    expect((await get<Capacity>('/capacity?from=2026-03-01T10:30:00Z&hours=1')).body.hours[0]?.start).toBe('2026-03-02T08:00:00.000Z');
    expect((await get<Capacity>('/capacity?from=2026-03-02T10:30:00Z&hours=1')).body.hours).toMatchObject([{ start: '2026-03-02T10:00:00.000Z', largestVcpus: 1 }]);
    expect((await get('/capacity?hours=337')).status).toBe(400);
  });

  it('shows who runs the site who holds what, once, and nobody else', async () => {
    const bob = await rig.person('student', 'bob');
    const { reservation } = await rig.request(bob, { start: '2026-03-02T10:00', minutes: 120, vcpus: 1, count: 2 });
    who = await rig.person('operator', 'olga');
    const { body } = await get<{ from: string; to: string; slaves: PoolSlave[]; unplaced: PoolItem[] }>('/pool');
    expect(body).toMatchObject({ from: '2026-03-02T08:00:00.000Z', to: '2026-03-03T08:00:00.000Z', unplaced: [] });
    expect(body.slaves).toMatchObject([{ name: 'lab-1', takesGuests: true, sentence: 'lab-1 is well: 0 of 4 cores promised.', vcpus: 4 }]);
    expect(body.slaves[0]?.items).toEqual([
      { kind: 'reservation', id: reservation?.id, name: 'bob', userId: bob.userId, userName: 'bob', machines: 2, vcpus: 2, ramMiB: 1024, start: '2026-03-02T09:00:00.000Z', end: '2026-03-02T11:00:00.000Z' },
    ]);
    expect((await get<{ slaves: PoolSlave[] }>('/pool?from=2026-03-02T11:00:00Z&hours=5')).body.slaves[0]?.items).toEqual([]);
    who = await rig.person('teacher', 'tess');
    expect((await get('/pool')).status).toBe(403);
  });
});
