import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import type { MonitoredSite, MonitoredSlave, History } from '@paravcl/shared/api/monitoring';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { Registry } from 'prom-client';
import { createApp } from '../../src/http/app';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { monitoringRoutes } from '../../src/http/monitoring-routes';
import { MonitoringService } from '../../src/services/monitoring-service';
import { SlaService } from '../../src/services/sla-service';
import { registerSiteMetrics } from '../../src/services/site-metrics';
import { openReservationRig, type ReservationRig } from './reservation-rig';

interface Monitoring {
  readonly at: string;
  readonly site: MonitoredSite;
  readonly slaves: readonly MonitoredSlave[];
}

/** The hand clock begins on Mon 2 Mar 2026, 09:00 in Berlin. */
describe('what is used of the pool', () => {
  let rig: ReservationRig;
  let server: Server;
  let who: Principal;
  let monitoring: MonitoringService;
  let slaveId: string;
  const everyone: { kind: 'screen'; userId: string; slaveId: string }[] = [];
  const broken: unknown[] = [];

  beforeEach(async () => {
    rig = await openReservationRig();
    rig.scheduler.start();
    slaveId = await rig.slave('lab-1', { cores: 4 });
    everyone.length = 0;
    monitoring = new MonitoringService({ world: rig.world, unitOfWork: rig.unit, clock: rig.clock, connections: { everyone }, connectionsPerSlave: 50 });
    const app = createApp({
      authenticate: () => Promise.resolve({ principal: who, by: 'bearer' }),
      idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
      checkAnswers: true,
      routes: monitoringRoutes(monitoring, new SlaService({ unitOfWork: rig.unit, clock: rig.clock, rules: null })),
      routers: [],
      log: { error: (fields, message) => broken.push(fields, message) },
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    who = await rig.person('operator', 'olga');
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

  it('is told by slave and of the site: what is there, what runs, who is connected, what is promised', async () => {
    const { bob } = await launched();
    everyone.push({ kind: 'screen', userId: bob.userId, slaveId }, { kind: 'screen', userId: bob.userId, slaveId });
    const { status, body } = await get<Monitoring>('/monitoring');
    expect(status).toBe(200);
    expect(body.slaves).toMatchObject([
      { name: 'lab-1', takesGuests: true, troubled: false, deployed: 1, running: 1, usersConnected: 1, connectionsUsed: 2, connectionsMost: 50, vcpus: { lent: 4, promised: 1 }, violations: { atRisk: 0, late: 0, lost: 0, short: 0 }, applications: [{ deployed: 1, running: 1 }] },
    ]);
    expect(body.site).toMatchObject({ slaves: 1, slavesTakingGuests: 1, deployed: 1, usersConnected: 1, connectionsUsed: 2, connectionsMost: 50, vcpus: { lent: 4, promised: 1 } });
  });

  it('tells how many connections a slave of its own limit takes', async () => {
    await rig.slave('lab-2', { cores: 4 });
    await rig.database.db('slaves').where({ id: slaveId }).update({ max_connections: 7 });
    const { body } = await get<Monitoring>('/monitoring');
    expect(body.slaves).toMatchObject([{ name: 'lab-1', connectionsMost: 7 }, { name: 'lab-2', connectionsMost: 50 }]);
    expect(body.site).toMatchObject({ connectionsMost: 57 });
  });

  it('tells what was promised and is not kept: reservations at risk, claims that wait, machines that were lost', async () => {
    const { id } = await launched();
    const bob = await rig.person('student', 'rita');
    const { reservation } = await rig.request(bob, { start: '2026-03-02T10:00', minutes: 120, vcpus: 1, count: 2 });
    // Nobody places what is made to wait below.
    await rig.scheduler.stop();
    const { db } = rig.database;
    await db('reservations').where({ id: reservation?.id }).update({ at_risk: 1 });
    await rig.unit.read.transitions.append({ instanceId: id, at: rig.clock.now(), generation: 1, desired: 'running', from: 'running', to: 'lost', slaveId, reason: null, by: 'test' });
    expect((await get<Monitoring>('/monitoring')).body.site.violations).toEqual({ atRisk: 1, late: 0, lost: 1, short: 0 });
    await db('reservations').where({ id: reservation?.id }).update({ state: 'active', at_risk: 0, starts_at: new Date(rig.clock.now()) });
    expect(await db('bookings').where({ reservation_id: reservation?.id }).limit(1).update({ instance_id: id })).toBe(1);
    await db('instances').where({ id }).update({ observed: 'queued' });
    rig.clock.advance(25 * 3_600_000);
    const { body } = await get<Monitoring>('/monitoring');
    expect([body.site.violations, body.slaves[0]?.violations]).toEqual([{ atRisk: 0, late: 1, lost: 0, short: 0 }, { atRisk: 0, late: 1, lost: 0, short: 0 }]);
  });

  it('has a history with a point a minute, and says why there is less than was asked for', async () => {
    expect((await get<{ sentence: string }>(`/monitoring/history?slaveId=${slaveId}`)).body.sentence).toBe('Nothing is kept of lab-1 yet: a point is taken each minute.');
    await monitoring.run();
    rig.clock.advance(60_000);
    await launched();
    await monitoring.run();
    const { body } = await get<{ sentence: string; history: History }>(`/monitoring/history?slaveId=${slaveId}&hours=1`);
    expect(body.sentence).toBe('The master was started since then, and keeps these figures in its memory.');
    expect(body.history).toMatchObject({ at: [1772438400, 1772438460], vcpusPromised: [0, 1], running: [0, 1] });
    expect((await get<{ history: History }>('/monitoring/history')).body.history.vcpusPromised).toEqual([0, 1]);
    expect((await get(`/monitoring/history?slaveId=${newId(0)}`)).status).toBe(404);
    expect((await get('/monitoring/history?hours=25')).status).toBe(400);
  });

  it('is what Prometheus reads, of the same books', async () => {
    await launched();
    const registry = new Registry();
    registerSiteMetrics(registry, {
      clock: rig.clock, monitoring, books: rig.unit.read.monitoring, connections: { everyone }, feedListeners: () => 0, isReady: () => Promise.resolve(true), storeDirectory: tmpdir(), certificateUntil: () => 0, onFault: (error) => broken.push(error),
    });
    const lines = (await registry.metrics()).split('\n');
    for (const line of ['paravcl_instances{state="running"} 1', 'paravcl_queue_length 0', 'paravcl_queue_oldest_wait_seconds 0', 'paravcl_reservations{state="confirmed"} 0', 'paravcl_pool_vcpus{what="free"} 3', 'paravcl_slave_takes_guests{slave="lab-1"} 1']) expect(lines).toContain(line);
    const bob = await rig.person('student', 'quentin');
    await rig.scheduler.stop();
    await rig.instances.create(bob, { imageId: await rig.image() });
    rig.clock.advance(90_000);
    const later = (await registry.metrics()).split('\n');
    expect(later).toContain('paravcl_queue_length 1');
    expect(later).toContain('paravcl_queue_oldest_wait_seconds 90');
  });

  it('is for who runs the site', async () => {
    who = await rig.person('teacher', 'tess');
    expect([(await get('/monitoring')).status, (await get('/monitoring/history')).status]).toEqual([403, 403]);
  });

  /** A machine of one core that runs on lab-1. */
  async function launched(): Promise<{ readonly id: string; readonly bob: Principal }> {
    const bob = await rig.person('student', 'bob');
    const { instance } = await rig.instances.create(bob, { imageId: await rig.image() });
    await rig.scheduler.idle();
    for (const state of ['booting', 'running'] as const) await rig.report(instance.id, state);
    return { id: instance.id, bob };
  }
});
