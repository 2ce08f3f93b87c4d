import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Principal } from '@paravcl/shared/domain/people';
import { createApp } from '../../src/http/app';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { operationRoutes } from '../../src/http/operation-routes';
import { deploymentsOf, ObedientAgents } from './deployment-rig';
import { openRig, type Rig } from './instance-rig';

type Body = Record<string, unknown>;
interface Accepted {
  readonly deployment: { readonly id: string; readonly sentence: string; readonly state: string };
  readonly operation: { readonly id: string; readonly state: string; readonly sentence: string };
  readonly refused: readonly unknown[];
}

/** The routes with their contracts, every answer checked against its schema. */
describe('the API of deployments', () => {
  let rig: Rig;
  let on: ReturnType<typeof deploymentsOf>;
  let server: Server;
  let who: Principal;
  let admin: Principal;
  let student: Principal;
  let imageId: string;
  const broken: unknown[] = [];

  beforeAll(async () => {
    rig = await openRig();
    on = deploymentsOf(rig);
    [student, admin] = [await rig.person('student', 'alice'), await rig.person('admin', 'root-admin')];
    who = admin;
    imageId = await rig.image();
    await rig.slave('lab-1', { cores: 16 });
    const app = createApp({
      authenticate: () => Promise.resolve({ principal: who, by: 'bearer' }),
      idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
      checkAnswers: true,
      routes: [...on.routes, ...operationRoutes(rig.operations)],
      routers: [],
      log: { error: (fields, message) => broken.push(fields, message) },
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await on.job.idle();
    await rig.close();
    expect([...broken, ...rig.faults]).toEqual([]);
  });

  const ask = async <T = Body>(method: string, path: string, body?: Body, headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly body: T; readonly headers: Headers }> => {
    const response = await fetch(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as T };
  };

  it('takes a deployment from its making to its end, each step answered at once with an operation to follow', async () => {
    const agents = new ObedientAgents(rig);
    const settle = async (): Promise<void> => {
      await on.job.run();
      await agents.settle();
      await on.job.run();
    };
    const made = await ask<Accepted>('POST', '/deployments', { name: 'Class A', imageId, count: 3, vcpus: 1, ramMiB: 256 }, { 'idempotency-key': 'once' });
    expect([made.status, made.headers.get('location')]).toEqual([202, `/api/v1/operations/${made.body.operation.id}`]);
    const again = await ask<Accepted>('POST', '/deployments', { name: 'Class A', imageId, count: 3, vcpus: 1, ramMiB: 256 }, { 'idempotency-key': 'once' });
    expect(again.body.deployment.id).toBe(made.body.deployment.id);
    const { id } = made.body.deployment;
    await settle();
    expect((await ask('GET', `/operations/${made.body.operation.id}`)).body).toMatchObject({ kind: 'deployment.create', subject: { type: 'deployment', id }, state: 'done', sentence: 'All 3 run.' });

    const whole = await ask<{ readonly deployment: Body; readonly members: readonly Body[] }>('GET', `/deployments/${id}`);
    expect(whole.body.deployment).toMatchObject({ name: 'Class A', counts: { members: 3, instances: { running: 3 } } });
    expect(whole.body.members.map(({ slot, observed }) => [slot, observed])).toEqual([[1, 'running'], [2, 'running'], [3, 'running']]);
    expect((await ask<{ readonly items: readonly Body[] }>('GET', '/deployments')).body.items).toHaveLength(1);
    expect((await ask('PATCH', `/deployments/${id}`, { name: 'Class B', description: 'Monday', perHostLimit: 2 })).body).toMatchObject({ name: 'Class B', description: 'Monday', perHostLimit: 2 });

    for (const [path, body, sentence] of [
      ['/members', { count: 1 }, '1 of 1 running.'],
      ['/suspend', undefined, 'All 4 are saved.'],
      ['/resume', undefined, 'All 4 run.'],
      ['/stop', { force: true }, 'All 4 are off.'],
      ['/start', undefined, 'All 4 run.'],
      ['/reset', undefined, 'All 4 began anew.'],
      ['/reset', { toProduction: true }, 'All 4 began anew.'],
    ] as const) {
      const asked = await ask<Accepted>('POST', `/deployments/${id}${path}`, body);
      expect([path, asked.status, asked.body.operation.state]).toEqual([path, 202, 'pending']);
      await settle();
      const told = await ask('GET', `/operations/${asked.body.operation.id}`);
      expect([path, told.body['state'], told.body['sentence']]).toEqual([path, 'done', sentence]);
    }
    expect((await ask('POST', `/deployments/${id}/cancel`)).status).toBe(409);
    const end = await ask<Accepted>('DELETE', `/deployments/${id}`);
    expect([end.status, end.body.deployment.state]).toEqual([202, 'deleting']);
    await settle();
    expect((await ask('GET', `/operations/${end.body.operation.id}`)).body).toMatchObject({ state: 'done', sentence: 'All 4 are gone.' });
    expect((await ask('GET', `/deployments/${id}`)).status).toBe(404);
  });

  it('names the field and the limit of what it cannot take, and makes nothing', async () => {
    for (const [body, field] of [
      [{ name: 'A', imageId }, 'count'],
      [{ name: 'A', imageId, count: 2, users: ['alice'] }, 'count'],
      [{ name: 'A', count: 2 }, 'imageId'],
      [{ name: 'A', imageId, count: 501 }, 'count'],
      [{ name: 'A', imageId, count: 1, slaveIds: [] }, 'slaveIds'],
      [{ name: '', imageId, count: 1 }, 'name'],
      [{ name: 'A', imageId, count: 1, perHostLimit: 0 }, 'perHostLimit'],
    ] as const) {
      const refused = await ask('POST', '/deployments', body);
      expect([refused.status, refused.body['field'], body]).toEqual([400, field, body]);
    }
    expect((await ask<{ readonly items: readonly Body[] }>('GET', '/deployments')).body.items).toEqual([]);
  });

  it('lets a student deploy for themselves, and see nothing of others', async () => {
    const theirs = await ask<Accepted>('POST', '/deployments', { name: 'Of the site', imageId, users: ['alice'] });
    expect(theirs.status).toBe(202);
    who = student;
    try {
      const mine = await ask<Accepted>('POST', '/deployments', { name: 'Mine', imageId, count: 1, ramMiB: 128 });
      expect(mine.status).toBe(202);
      expect((await ask<{ readonly items: readonly Body[] }>('GET', '/deployments')).body.items.map(({ name }) => name)).toEqual(['Mine']);
      for (const [method, path] of [['GET', ''], ['PATCH', ''], ['DELETE', ''], ['POST', '/stop'], ['POST', '/reset'], ['POST', '/cancel'], ['POST', '/members']] as const) {
        const got = await ask(method, `/deployments/${theirs.body.deployment.id}${path}`, path === '/members' ? { count: 1 } : method === 'PATCH' ? {} : undefined);
        expect([method, path, got.status]).toEqual([method, path, 404]);
      }
      expect((await ask('POST', '/deployments', { name: 'Theirs', imageId, users: ['root-admin'] })).body).toMatchObject({ code: 'not-found', field: 'users' });
    } finally {
      who = admin;
    }
  });
});
