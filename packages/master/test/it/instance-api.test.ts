import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { createApp } from '../../src/http/app';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { instanceRoutes } from '../../src/http/instance-routes';
import { operationRoutes } from '../../src/http/operation-routes';
import { openImageFiles, type ImageFiles } from './image-rig';
import { openRig, type Rig } from './instance-rig';

type Body = Record<string, unknown>;

/** The routes with their contracts, every answer checked against its schema. */
describe('the API of images, instances and operations', () => {
  let rig: Rig;
  let server: Server;
  let files: ImageFiles;
  let who: Principal;
  let student: Principal;
  let admin: Principal;
  const broken: unknown[] = [];

  beforeAll(async () => {
    rig = await openRig();
    [student, admin] = [await rig.person('student', 'alice'), await rig.person('admin', 'root-admin')];
    who = admin;
    files = await openImageFiles();
    const repository = files.compose(rig.unit, rig.clock);
    const app = createApp({
      authenticate: () => Promise.resolve({ principal: who, by: 'bearer' }),
      idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
      checkAnswers: true,
      routes: [...repository.routes, ...instanceRoutes(rig.instances, rig.consoles, rig.forecast), ...operationRoutes(rig.operations)],
      routers: [],
      log: { error: (fields, message) => broken.push(fields, message) },
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await files.close();
    await rig.close();
    expect([...broken, ...files.faults]).toEqual([]);
  });

  const ask = async (method: string, path: string, body?: Body | Buffer, headers: Record<string, string> = {}): Promise<{ status: number; body: Body; headers: Headers }> => {
    const raw = Buffer.isBuffer(body);
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? (JSON.parse(text) as Body) : { text } };
  };

  it('takes a kernel and a disk in, launches it, follows the operation and deletes it', async () => {
    who = admin;
    const content = randomBytes(5000);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const kernel = await ask('POST', '/kernels', { name: 'Linux', sizeBytes: content.length, sha256 });
    expect([kernel.status, kernel.body['state']]).toEqual([201, 'uploading']);
    expect((await ask('PUT', `/kernels/${String(kernel.body['id'])}/content`, content)).body).toMatchObject({ state: 'ready' });
    const disk = await ask('POST', '/images', { name: 'Ubuntu "24" $(x)', format: 'raw', sizeBytes: content.length, sha256, defaultKernelId: kernel.body['id'] });
    const diskId = String(disk.body['id']);
    expect((await ask('PUT', `/images/${diskId}/content`, content.subarray(0, 2000), { 'Content-Range': 'bytes 0-1999/5000' })).body).toMatchObject({ state: 'uploading', receivedBytes: 2000 });
    expect((await ask('PUT', `/images/${diskId}/content?offset=2000`, content.subarray(2000))).body).toMatchObject({ state: 'ready', virtualSizeMiB: 1 });
    expect((await ask('GET', '/images')).body['items']).toHaveLength(1);

    who = student;
    const lab = await rig.slave('lab-1');
    const made = await ask('POST', '/instances', { imageId: diskId }, { 'Idempotency-Key': 'one' });
    expect(made.status).toBe(202);
    const again = await ask('POST', '/instances', { imageId: diskId }, { 'Idempotency-Key': 'one' });
    expect(again.body).toEqual(made.body);
    await rig.scheduler.idle();
    const instance = made.body['instance'] as Body;
    const id = String(instance['id']);
    const operation = await ask('GET', String(made.headers.get('location')).replace('/api/v1', ''));
    expect(operation.body).toMatchObject({ state: 'pending', sentence: 'preparing on lab-1' });
    await rig.report(id, 'running');
    expect((await ask('GET', `/instances/${id}`)).body).toMatchObject({ observed: 'running', slaveId: lab });
    expect((await ask('GET', `/instances/${id}/history`)).body['items']).toHaveLength(3);
    expect((await ask('POST', `/instances/${id}/resume`)).status).toBe(202);
    expect((await ask('POST', `/instances/${id}/suspend`)).body).toMatchObject({ operation: { state: 'pending', kind: 'instance.suspend' } });
    await rig.report(id, 'suspended');
    expect((await ask('POST', `/instances/${id}/stop`)).status).toBe(202);
    expect((await ask('POST', `/instances/${id}/stop`, { force: true })).status).toBe(202);
    const reset = await ask('POST', `/instances/${id}/reset`, undefined, { 'Idempotency-Key': 'anew' });
    expect(reset).toMatchObject({ status: 202, body: { operation: { state: 'pending', kind: 'instance.reset' }, instance: { desired: 'stopped' } } });
    expect((await ask('POST', `/instances/${id}/reset`, undefined, { 'Idempotency-Key': 'anew' })).body).toEqual(reset.body);
    expect((await ask('POST', `/instances/${id}/reset`, { toProduction: 'yes' })).status).toBe(400);
    expect(rig.agents.last(id).desired.spec).toMatchObject({ diskEpoch: 2 });
    rig.agents.answer = () => ({ commandId: id, outcome: { ok: true, body: 'login: ' } });
    const log = await ask('GET', `/instances/${id}/serial-log`);
    expect([log.body['text'], log.headers.get('content-type')]).toEqual(['login: ', 'text/plain; charset=utf-8']);
    expect((await ask('DELETE', `/instances/${id}`)).status).toBe(202);
    await rig.report(id, 'deleted');
    expect((await ask('GET', '/instances?state=deleted')).body['items']).toHaveLength(1);
    expect((await ask('GET', '/operations?state=done')).body['items']).not.toHaveLength(0);
    who = admin;
    expect((await ask('DELETE', `/images/${diskId}`)).status).toBe(204);
    expect((await ask('DELETE', `/kernels/${String(kernel.body['id'])}`)).status).toBe(204);
  });

  it('answers bad input with field and limit, and makes nothing', async () => {
    who = student;
    const imageId = await rig.image();
    for (const [field, value] of [
      ['vcpus', 0], ['vcpus', -1], ['vcpus', 1e9], ['vcpus', 1.5], ['vcpus', '2'], ['ramMiB', 0], ['ramMiB', -512], ['ramMiB', 1e15], ['diskMiB', 0], ['diskMiB', 1e12],
      ['bandwidthMbps', 0], ['name', 'a"b'], ['name', '$(id)'], ['name', '<name/>'], ['name', '名前'], ['name', 'x'.repeat(10_000)], ['imageId', 'x'], ['kernelId', 'x'], ['familyId', 'x'], ['templateId', 'x'],
    ] as const) {
      const answer = await ask('POST', '/instances', { imageId, [field]: value });
      expect([field, value, answer.status, answer.body['field']]).toEqual([field, value, 400, field]);
      expect(answer.body['code']).toBe('invalid-input');
    }
    for (const [field, body] of [['kernelId', { imageId, kernelId: imageId }], ['imageId', { imageId: newId(0) }], ['familyId', { familyId: newId(0) }], ['templateId', { templateId: newId(0) }]] as const) {
      expect([field, (await ask('POST', '/instances', body)).body]).toEqual([field, expect.objectContaining({ status: 404, code: 'not-found', field })]);
    }
    for (const body of [{}, { imageId, familyId: newId(0) }]) {
      expect((await ask('POST', '/instances', body)).body).toMatchObject({ status: 400, code: 'invalid-input', field: 'imageId', limit: expect.stringContaining('exactly one') as string });
    }
    expect((await ask('GET', '/instances')).body['items']).toEqual([]);
    expect((await ask('GET', '/instances?cursor=nonsense')).status).toBe(400);
    expect((await ask('POST', '/images', { name: 'x' })).status).toBe(403);
    who = admin;
    const wrong = await ask('POST', '/images', { name: 'x', format: 'raw', sizeBytes: 3, sha256: 'f'.repeat(64) });
    const tooMuch = await ask('PUT', `/images/${String(wrong.body['id'])}/content`, randomBytes(100_000));
    expect(tooMuch.body['code']).toBe('content-mismatch');
    expect((await ask('PUT', `/images/${String(wrong.body['id'])}/content`, Buffer.from('abc'), { 'Content-Range': 'items 1' })).body).toMatchObject({ code: 'invalid-input', field: 'Content-Range' });
  });

  it('launches once per Idempotency-Key, also when the answer was lost after the commit', async () => {
    who = student;
    const imageId = await rig.image();
    const send = () => ask('POST', '/instances', { imageId }, { 'Idempotency-Key': 'lost' });
    const made = await send();
    expect(made.status).toBe(202);
    const replayed = await send();
    expect([replayed.body, replayed.headers.get('location')]).toEqual([made.body, made.headers.get('location')]);
    // As a master leaves it that was killed, or lost its database, between the commit and keeping the answer.
    await rig.database.db('idempotency_keys').update({ status: null, response: null });
    const again = await send();
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null]);
    expect((again.body['instance'] as Body)['id']).toBe((made.body['instance'] as Body)['id']);
    expect(again.headers.get('location')).toBe(made.headers.get('location'));
    expect((await ask('GET', '/instances')).body['items']).toHaveLength(1);
  });

  it('gives the content raw or as a qcow2, or a range of it, and says what depends on an image in a refusal', async () => {
    who = admin;
    const content = randomBytes(5120);
    const made = await ask('POST', '/images', { name: 'Debian', format: 'raw', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
    const path = `/images/${String(made.body['id'])}`;
    await ask('PUT', `${path}/content`, content);
    const fetched = async (headers: Record<string, string>, query = ''): Promise<{ response: Response; bytes: Buffer }> => {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1${path}/content${query}`, { headers });
      return { response, bytes: Buffer.from(await response.arrayBuffer()) };
    };
    const all = await fetched({});
    expect([all.response.status, all.response.headers.get('content-type'), all.response.headers.get('etag'), all.bytes.equals(content)]).toEqual([200, 'application/octet-stream', `"${String(made.body['sha256'])}"`, true]);
    const part = await fetched({ range: 'bytes=1000-1999' });
    expect([part.response.status, part.response.headers.get('content-range'), part.bytes.equals(content.subarray(1000, 2000))]).toEqual([206, 'bytes 1000-1999/5120', true]);
    expect((await fetched({ range: 'bytes=5000-' })).bytes.equals(content.subarray(5000))).toBe(true);
    expect((await fetched({ range: 'bytes=5120-' })).response.status).toBe(400);
    const qcow2 = await fetched({}, '?format=qcow2');
    expect([qcow2.response.status, qcow2.bytes.toString('latin1', 0, 4), qcow2.response.headers.get('etag')]).toEqual([200, 'QFI\xfb', `"${String(made.body['sha256'])}.qcow2"`]);
    const rest = await fetched({ range: 'bytes=70000-' }, '?format=qcow2');
    expect([rest.response.status, rest.response.headers.get('content-range'), rest.bytes.equals(qcow2.bytes.subarray(70_000))]).toEqual([206, `bytes 70000-${String(qcow2.bytes.length - 1)}/${String(qcow2.bytes.length)}`, true]);
    expect((await fetched({}, '?format=vmdk')).response.status).toBe(400);
    who = student;
    expect((await fetched({})).response.status).toBe(403);

    const { body } = await ask('POST', '/instances', { familyId: made.body['familyId'] });
    const { id, name } = body['instance'] as Body;
    who = admin;
    expect((await ask('DELETE', path)).body).toMatchObject({ status: 409, code: 'in-use', dependentCount: 1, dependents: [{ type: 'instance', id, name, how: 'runs it' }] });
    await rig.scheduler.idle();
    await ask('DELETE', `/instances/${String(id)}`);
    await rig.report(String(id), 'deleted');
    expect((await ask('PATCH', path, { state: 'deprecated' })).body).toMatchObject({ state: 'deprecated' });
    expect((await ask('DELETE', path)).status).toBe(204);
  });
});
