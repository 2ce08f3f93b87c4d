/** A frozen disk on its way: the slave's own uploader, the master's door and its uploads on a real disk, and a link that fails between them. */
import { newId } from '@paravcl/shared/ids';
import { MiB } from '@paravcl/shared/domain/limits';
import { agentDeltaPath } from '@paravcl/shared/protocol/version';
import { systemClock, type Clock } from '@paravcl/shared/clock';
import { DeltaUpload, type UploadLimits } from '@paravcl/slave/link/delta-upload';
import { FaultProxy } from '@paravcl/workbench/faults/fault-proxy';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { ExpectedDelta } from '../../src/services/delta-door';
import { DeltaReception } from '../../src/services/delta-reception';
import { ImageHolds } from '../../src/services/image-holds';
import { ImageStore } from '../../src/store/image-store';
import type { AgentDouble } from './agent-double';
import { eventually } from './eventually';
import { HandClock } from './hand-clock';
import { startLinkServer, type LinkServer } from './link-server';

const bytes = randomBytes(10 * MiB);
const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const diskBytes = 12 * MiB;
/** Slow enough to be met on its way. */
const slowBytesPerSecond = 3 * MiB;

let directory: string;
let server: LinkServer;
let proxy: FaultProxy;
let agent: AgentDouble;
let contentToken: string | null;
let imageId: string;
/** By slave and image. */
let expected: Map<string, ExpectedDelta>;
let received: string[];
/** Image, and why not. */
let refused: (readonly [string, string])[];
let uploads: ImageStore;
let reception: DeltaReception;
/** Offsets at which contents began to come. */
let begun: number[];
let delta: { readonly path: string; readonly sizeBytes: number; readonly sha256: string };

beforeAll(async () => {
  server = await startLinkServer({
    deltas: {
      standing: (...asked) => reception.standing(...asked),
      take: (...brought) => {
        begun.push(brought[4]);
        return reception.take(...brought);
      },
    },
  });
  proxy = new FaultProxy({ listen: { host: '127.0.0.1', port: 0 }, target: { host: '127.0.0.1', port: Number(new URL(server.url).port) } });
  await proxy.start();
});
afterAll(async () => {
  await proxy.stop();
  await server.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'delta-upload-'));
  [expected, received, refused, begun] = [new Map(), [], [], []];
  uploads = new ImageStore(join(directory, 'images'));
  await uploads.open();
  reception = new DeltaReception({
    uploads,
    holds: new ImageHolds(),
    door: {
      expected: (slaveId, id) => Promise.resolve(expected.get(`${slaveId} ${id}`) ?? null),
      received: (id) => {
        received.push(id);
        expected.set(`${agent.slaveId} ${id}`, { diskBytes, isHere: true });
        return Promise.resolve();
      },
      refused: (id, sentence) => {
        refused.push([id, sentence]);
        return Promise.resolve();
      },
    },
  });
  agent = await server.enrolled();
  contentToken = (await agent.connect()).payload.contentToken;
  imageId = newId(Date.now());
  expected.set(`${agent.slaveId} ${imageId}`, { diskBytes, isHere: false });
  delta = { path: join(directory, 'delta'), sizeBytes: bytes.length, sha256: sha256Of(bytes) };
  await writeFile(delta.path, bytes);
});
afterEach(async () => {
  proxy.pass();
  await agent.end();
  await rm(directory, { recursive: true });
});

const limitsOf = (ms: number, signal: AbortSignal = new AbortController().signal): UploadLimits => {
  const atMs = performance.now() + ms;
  return { signal, deadlineMs: () => atMs };
};
/** The slave's uploader, as a process that has just started. */
const uploader = (ca: string = server.ca, clock: Clock = systemClock): DeltaUpload =>
  new DeltaUpload({ clock, log: pino({ level: 'silent' }), random: () => 0.1, masterUrl: `https://127.0.0.1:${proxy.port}`, ca: [ca], contentToken: () => contentToken });
const send = (limits: UploadLimits = limitsOf(20_000)): Promise<void> => uploader().send(imageId, delta, limits);
const part = (id = imageId): string => join(directory, 'images', `${id}.part`);
const arrived = (): Promise<number> => stat(part()).then(({ size }) => size, () => 0);
const whole = async (): Promise<boolean> => (await readFile(part())).equals(bytes);

/** A request beside the uploader's, straight to the master. */
function ask(method: string, query: Readonly<Record<string, string | number>>, content: Buffer | null = null, id = imageId, token = contentToken): Promise<{ readonly status: number; readonly offset: string | undefined; readonly body: unknown }> {
  const url = new URL(agentDeltaPath(id), server.url);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { method, ca: server.ca, agent: false, headers: token === null ? {} : { authorization: `Bearer ${token}` } };
    const call = httpsRequest(url, options, (response) => {
      let text = '';
      response.on('data', (piece) => (text += String(piece)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, offset: response.headers['upload-offset'] as string | undefined, body: text === '' ? null : JSON.parse(text) }));
    });
    call.on('error', reject);
    call.end(content ?? undefined);
  });
}

/** A request that has brought so much and then brings no more. */
async function halted(upTo: number): Promise<{ readonly end: () => void; readonly over: Promise<void> }> {
  const url = new URL(agentDeltaPath(imageId), server.url);
  for (const [name, value] of Object.entries({ offset: 0, size: bytes.length, sha256: delta.sha256 })) url.searchParams.set(name, String(value));
  const call = httpsRequest(url, { method: 'PUT', ca: server.ca, agent: false, headers: { authorization: `Bearer ${contentToken ?? ''}`, 'content-length': bytes.length } });
  const over = new Promise<void>((resolve) => call.on('error', () => resolve()).on('close', resolve));
  call.write(bytes.subarray(0, upTo));
  await eventually('what was sent has arrived', async () => (await arrived()) === upTo);
  return { end: () => call.destroy(), over };
}

test('a delta comes whole, and whoever waits for it is told', async () => {
  await send();
  expect(received).toEqual([imageId]);
  expect(await whole()).toBe(true);
  expect(begun).toEqual([0]);
});

test('a connection that is cut again and again costs what was on the wire, and no more', async () => {
  proxy.throttle(slowBytesPerSecond);
  const done = send();
  for (const nth of [1, 2]) {
    await eventually(`a MiB of try ${nth}`, async () => begun.length === nth && (await arrived()) >= (begun.at(-1) ?? 0) + MiB);
    proxy.reset();
  }
  proxy.pass();
  await done;
  expect(begun).toHaveLength(3);
  expect(begun[1]).toBeGreaterThanOrEqual(MiB);
  expect(begun[2]).toBeGreaterThanOrEqual((begun[1] ?? 0) + MiB);
  expect(await whole()).toBe(true);
  expect(received).toEqual([imageId]);
});

test('an uploader that was killed is followed by one that goes on where it ended', async () => {
  proxy.throttle(slowBytesPerSecond);
  const killed = new AbortController();
  const done = send(limitsOf(20_000, killed.signal));
  await eventually('2 MiB', async () => (await arrived()) >= 2 * MiB);
  killed.abort(new Error('kill -9'));
  await expect(done).rejects.toThrow('kill -9');
  proxy.pass();
  await send();
  expect(begun.at(-1)).toBeGreaterThanOrEqual(2 * MiB);
  expect(await whole()).toBe(true);
});

test('a link on which nothing moves for 20 s, and as long as a slow disk takes to read what has arrived, is given up and dialled anew', async () => {
  const clock = new HandClock();
  proxy.throttle(slowBytesPerSecond);
  const done = uploader(server.ca, clock).send(imageId, delta, { signal: new AbortController().signal, deadlineMs: () => Infinity });
  await eventually('a MiB', async () => (await arrived()) >= MiB);
  proxy.stall();
  const { connections } = proxy.counters;
  await eventually('another connection', () => {
    // What its kernel still takes is progress too.
    clock.advance(20_000 + bytes.length / ((50 * MiB) / 1000));
    return proxy.counters.connections > connections;
  });
  proxy.pass();
  let over = false;
  void done.then(() => (over = true));
  await eventually('the rest', () => {
    // It waits a while before each try.
    clock.advance(10);
    return over;
  });
  expect(begun.at(-1)).toBeGreaterThanOrEqual(MiB);
  expect(await whole()).toBe(true);
});

test('a master that is away for a while is met again', async () => {
  proxy.refuse();
  const done = send();
  await eventually('some tries', () => proxy.counters.refused >= 3);
  proxy.pass();
  await done;
  expect(received).toEqual([imageId]);
});

test('a slave that says hello anew goes on with its new token; without a session nothing is asked', async () => {
  const before = contentToken;
  const again = agent.copy();
  const { contentToken: next } = (await again.connect()).payload;
  await agent.expect('refused');
  const done = send();
  await eventually('the refusal of the old token', async () => (await ask('GET', {}, null, imageId, before)).status === 401);
  contentToken = next;
  await done;
  contentToken = null;
  await expect(send(limitsOf(50))).rejects.toThrow(/could not be sent to the master in time: this host is not connected/);
  await again.end();
});

test('what no snapshot waits for is refused, and so is another slave’s disk, of which nothing is touched', async () => {
  (await halted(MiB)).end();
  const stranger = await server.enrolled('approved', 'pc-2');
  const own = contentToken;
  contentToken = (await stranger.connect()).payload.contentToken;
  await expect(send()).rejects.toThrow('No snapshot waits for this disk of yours: it was given up, or it is over.');
  expect(await ask('PUT', { offset: MiB, size: bytes.length, sha256: delta.sha256 }, bytes.subarray(MiB))).toMatchObject({ status: 404, body: { code: 'not-found' } });
  await stranger.end();
  contentToken = own;
  expect(await arrived()).toBe(MiB);
  expect(await ask('GET', {}, null, newId(Date.now()))).toMatchObject({ status: 404 });
  expect(await ask('GET', {}, null, 'etc%2Fpasswd')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  await send();
  expect(await whole()).toBe(true);
});

test('who has no session, or is not approved, gets nothing', async () => {
  expect(await ask('GET', {}, null, imageId, null)).toMatchObject({ status: 401 });
  expect(await ask('PUT', { offset: 0, size: 1, sha256: delta.sha256 }, Buffer.alloc(1), imageId, 'A'.repeat(43))).toMatchObject({ status: 401 });
  const waiting = await server.enrolled('pending', 'pc-3');
  const token = (await waiting.connect()).payload.contentToken;
  expect(await ask('GET', {}, null, imageId, token)).toMatchObject({ status: 403, body: { detail: 'A host that is pending takes part in no snapshot. An operator has to approve it.' } });
  await waiting.end();
});

test('one that is larger than its disk can differ is refused with the limit, and whoever waits for it is told', async () => {
  expected.set(`${agent.slaveId} ${imageId}`, { diskBytes: 4 * MiB, isHere: false });
  await expect(send()).rejects.toThrow(`What differs in a disk of ${4 * MiB} bytes takes at most ${4.5 * MiB + 4096} bytes, and ${10 * MiB} were announced.`);
  expect(await ask('PUT', { offset: 0, size: bytes.length, sha256: delta.sha256 }, bytes)).toMatchObject({ status: 413, body: { code: 'body-too-large', field: 'size' } });
  expect(refused).toEqual([[imageId, expect.stringContaining('were announced.')], [imageId, expect.stringContaining('were announced.')]]);
  expect(await arrived()).toBe(0);
});

test('a master without room says so, and the sentence is passed on to its host and to whoever waits for it', async () => {
  uploads.checkRoom = () => new ImageStore(join(directory, 'images'), 2 ** 60).checkRoom(0);
  await expect(send()).rejects.toThrow(/There is no room in .*images on the master.*An administrator must free some space there/);
  expect(begun).toEqual([]);
  // Its room went between the two.
  uploads.receive = (...brought) => new ImageStore(join(directory, 'images'), 2 ** 60).receive(...brought);
  await expect(ask('PUT', { offset: 0, size: bytes.length, sha256: delta.sha256 }, bytes)).resolves.toMatchObject({ status: 507 });
  expect(refused).toEqual([[imageId, expect.stringContaining('There is no room in')], [imageId, expect.stringContaining('There is no room in')]]);
  // What a full disk refuses stands in the log.
  expect(server.faults.splice(0)).toMatchObject([{ method: 'GET' }, { method: 'PUT' }]);
});

test('bytes that are not what was announced are thrown away and sent again; a file that is not what it was is no delta any more', async () => {
  await writeFile(part(), Buffer.alloc(MiB));
  await send();
  expect(begun).toEqual([MiB, 0]);
  expect(await whole()).toBe(true);
  const other = newId(Date.now());
  expected.set(`${agent.slaveId} ${other}`, { diskBytes, isHere: false });
  await expect(uploader().send(other, { ...delta, sha256: 'a'.repeat(64) }, limitsOf(20_000))).rejects.toThrow(/is not what it was when it was made: The content is not what was announced/);
  await expect(stat(part(other))).rejects.toThrow('ENOENT');
  await expect(uploader().send(other, { ...delta, path: join(directory, 'gone') }, limitsOf(20_000))).rejects.toThrow(/cannot be read: ENOENT/);
  expect(received).toEqual([imageId]);
});

test('more than was announced is not taken, and what of something else came is written over', async () => {
  expect(await ask('PUT', { offset: 0, size: 1000, sha256: delta.sha256 }, bytes.subarray(0, 2000))).toMatchObject({ status: 422 });
  await writeFile(part(), Buffer.alloc(11 * MiB));
  await send();
  expect(begun.slice(1)).toEqual([0]);
  expect(await whole()).toBe(true);
});

test('all of it here, and the answer lost: nothing is sent again', async () => {
  await writeFile(part(), bytes);
  await send();
  expect(begun).toEqual([bytes.length]);
  expect(received).toEqual([imageId]);
  await send();
  expect(begun).toHaveLength(1);
  expect(await ask('GET', { size: bytes.length })).toEqual({ status: 204, offset: undefined, body: null });
  expect(await ask('PUT', { offset: 0, size: bytes.length, sha256: delta.sha256 }, bytes)).toMatchObject({ status: 204 });
  expect(received).toEqual([imageId]);
});

test('of one disk one request writes; one that fell silent is cut off after 20 s, and keeps nobody out any more', async () => {
  const silent = await halted(MiB);
  expect(await ask('HEAD', { size: bytes.length })).toEqual({ status: 200, offset: String(MiB), body: null });
  expect(await ask('PUT', { offset: MiB, size: bytes.length, sha256: delta.sha256 }, bytes.subarray(MiB))).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const done = send();
  await eventually('a refused try', () => begun.length >= 2);
  server.clock.advance(20_000);
  await silent.over;
  await done;
  expect(begun.at(-1)).toBe(MiB);
  expect(await whole()).toBe(true);
});

test('another offset than what has arrived is refused', async () => {
  expect(await ask('PUT', { offset: 5, size: bytes.length, sha256: delta.sha256 }, bytes.subarray(5))).toMatchObject({ status: 409, body: { code: 'conflict', field: 'offset', limit: '0' } });
  expect(await ask('PUT', { offset: -1, size: 0, sha256: 'x' })).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
});

test('what is given up while it comes leaves no file', async () => {
  const halfway = await halted(MiB);
  expected.clear();
  halfway.end();
  await eventually('its file to go', async () => (await arrived()) === 0);
  expect(received).toEqual([]);
});

test('a master with another certificate is sent nothing', async () => {
  const other = await startLinkServer();
  await expect(uploader(other.ca).send(imageId, delta, limitsOf(50))).rejects.toThrow(/in time: the connection to the master failed \(.*certificate/);
  expect(begun).toEqual([]);
  await other.close();
});
