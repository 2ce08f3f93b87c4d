import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problemSchema } from '@paravcl/shared/api/problem';
import type { Principal } from '@paravcl/shared/domain/people';
import { createApp } from '../../src/http/app';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { reservationRoutes } from '../../src/http/reservation-routes';
import { openReservationRig, type ReservationRig } from './reservation-rig';

type Body = Record<string, unknown>;

/** The routes with their contracts, every answer checked against its schema. */
describe('the API of reservations', () => {
  let rig: ReservationRig;
  let server: Server;
  let who: Principal;
  const broken: unknown[] = [];

  beforeEach(async () => {
    rig = await openReservationRig();
    await rig.slave('lab-1', { cores: 4 });
    who = await rig.person('student', 'alice');
    const app = createApp({
      authenticate: () => Promise.resolve({ principal: who, by: 'bearer' }),
      idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
      checkAnswers: true,
      routes: reservationRoutes(rig.reservations, rig.changes, rig.claims),
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

  const ask = async (method: string, path: string, body?: Body, headers: Record<string, string> = {}): Promise<{ status: number; body: Body; headers: Headers }> => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) as Body };
  };
  const wish = { start: '2026-03-02T10:00', minutes: 60, vcpus: 2, ramMiB: 512, diskMiB: 1024 };

  it('reserves once per key, claims, extends, releases', async () => {
    const made = await ask('POST', '/reservations', { ...wish, count: 2 }, { 'Idempotency-Key': 'one' });
    expect(made.status).toBe(201);
    expect((await ask('POST', '/reservations', { ...wish, count: 2 }, { 'Idempotency-Key': 'one' })).body).toEqual(made.body);
    const reservation = made.body['reservation'] as Body;
    const path = `/reservations/${String(reservation['id'])}`;
    expect((await ask('GET', path)).body).toEqual(reservation);
    expect((await ask('GET', '/reservations?state=confirmed')).body['items']).toEqual([reservation]);
    expect((await ask('GET', '/claimable')).body).toEqual({ items: [] });

    await rig.until('2026-03-02T09:00:00Z');
    expect((await ask('GET', '/claimable')).body).toMatchObject({ items: [{ free: 2 }] });
    const unnamed = await ask('POST', `${path}/claim`);
    expect([unnamed.status, unnamed.body['field']]).toEqual([400, 'imageId']);
    const claimed = await ask('POST', `${path}/claim`, { imageId: await rig.image() });
    expect(claimed.status).toBe(202);
    expect(claimed.body).toMatchObject({ instance: { type: 'AR', reservationId: reservation['id'] } });
    expect(claimed.headers.get('location')).toBe(`/api/v1/operations/${String((claimed.body['operation'] as Body)['id'])}`);
    expect((await ask('POST', `${path}/extend`, { end: '2026-03-02T12:00' })).body).toMatchObject({ admitted: true, reservation: { end: '2026-03-02T11:00:00.000Z', used: { count: 1, vcpus: 2 } } });
    expect((await ask('POST', `${path}/cancel`, {})).status).toBe(409);
    expect((await ask('POST', `${path}/release`)).body).toMatchObject({ state: 'released' });
  });

  it('answers a refusal with offers and the decision, and a check with the same', async () => {
    const refused = await ask('POST', '/reservations', { ...wish, count: 9 }, { 'Idempotency-Key': 'two' });
    expect(refused.status).toBe(409);
    const problem = problemSchema.parse(refused.body);
    expect(problem).toMatchObject({ code: 'reservation-refused', offers: expect.arrayContaining([expect.objectContaining({ kind: 'size', count: 2 })]) as unknown, decisionId: expect.any(String) as string });
    const checked = await ask('POST', '/reservations/check', { ...wish, count: 9 });
    expect([checked.status, checked.body['admitted'], checked.body['sentence'], checked.body['offers']]).toEqual([200, false, problem.detail, problem.offers]);
    // Refused, it made nothing: the same key may ask for less.
    expect((await ask('POST', '/reservations', { ...wish, count: 2 }, { 'Idempotency-Key': 'two' })).status).toBe(201);
  });

  it('moves to another time, is told that a move is fine, and is cancelled', async () => {
    const weak = (await ask('POST', '/reservations', { ...wish, minutes: 120, count: 2 })).body['reservation'] as Body;
    const path = `/reservations/${String(weak['id'])}`;
    const alice = who;
    who = await rig.person('student', 'bob');
    expect((await ask('POST', '/reservations', { ...wish, count: 2 })).body).toMatchObject({ moves: [{ reservationId: weak['id'] }] });
    who = alice;
    expect((await ask('POST', `${path}/accept`)).body).toMatchObject({ moved: { accepted: true } });
    expect((await ask('POST', `${path}/reschedule`, { start: '2026-03-02T15:00:00+01:00' })).body).toMatchObject({ reservation: { start: '2026-03-02T14:00:00.000Z', end: '2026-03-02T16:00:00.000Z' } });
    expect((await ask('POST', `${path}/cancel`)).body).toMatchObject({ state: 'cancelled' });
  });

  it.each([
    ['no cores', { vcpus: 0 }, 'vcpus', 'at least 1'],
    ['a thousand million cores', { vcpus: 1_000_000_000 }, 'vcpus', 'at most 64'],
    ['no machines', { count: 0 }, 'count', 'at least 1'],
    ['a thousand million machines', { count: 1_000_000_000 }, 'count', 'at most 10000'],
    ['negative RAM', { ramMiB: -1 }, 'ramMiB', 'at least 32'],
    ['half a machine', { count: 0.5 }, 'count', 'must be a whole number'],
    ['no date', { start: 'tomorrow' }, 'start', 'must be a time such as 2026-12-07T10:00, or with its offset 2026-12-07T10:00+01:00'],
    ['a day that does not exist', { start: '2026-02-30T10:00' }, 'start', 'must be a time such as 2026-12-07T10:00, or with its offset 2026-12-07T10:00+01:00'],
    ['a field nobody knows', { cores: 4 }, 'cores', 'is not a field of this body'],
  ])('refuses %s with the field and its limit', async (_what, facts, field, limit) => {
    const before = await rig.rows();
    const refused = await ask('POST', '/reservations', { ...wish, ...facts });
    expect(refused.status).toBe(400);
    expect(problemSchema.parse(refused.body)).toMatchObject({ code: 'invalid-input', field, limit });
    expect(await rig.rows()).toEqual(before);
  });
});
