import { once } from 'node:events';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import { MirrorOfPool } from '../../test/fixtures/mirror-of-pool';
import { HonestSource, imageOf, testContent } from '../../test/fixtures/test-image';
import { until } from '../../test/fixtures/until';
import { controlErrorSchema, imageListSchema, imageStandingSchema, mirrorStatusSchema } from './control-api';
import type { MirrorLibrary } from './image-library';

const image = imageOf(testContent(20 * 65_536, 1));
const instanceId = '0191a6e0-0000-7000-8000-000000000001';

let pool: string;
let source: HonestSource;
let mirror: MirrorOfPool;
/** What is on this host. */
const held = (): MirrorLibrary => {
  const { images: library } = mirror;
  return library;
};

beforeEach(async () => {
  pool = await mkdtemp(join(tmpdir(), 'control-'));
  source = new HonestSource(image);
  mirror = await MirrorOfPool.start(pool, source);
});

afterEach(async () => {
  await mirror.stop();
  await rm(pool, { recursive: true });
});

const socketPath = (): string => join(pool, 'mirror', 'control.sock');

async function ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const call = request({ socketPath: socketPath(), method, path, agent: false });
  call.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return { status: response.statusCode ?? 0, body: parseJson(Buffer.concat(pieces).toString('utf8')) };
}

async function refusal(method: string, path: string, body?: unknown): Promise<string> {
  const answer = await ask(method, path, body);
  return `${answer.status} ${controlErrorSchema.parse(answer.body).code}`;
}

test('an image that is to be served is served as soon as its manifest is here', async () => {
  const { status, body } = await ask('PUT', `/images/${image.id}`, { want: 'serve' });
  expect([status, imageStandingSchema.parse(body)]).toEqual([
    200,
    {
      manifest: image.id,
      sizeBytes: image.content.length,
      done: true,
      complete: false,
      presentChunks: 4,
      totalChunks: 20,
      chunkBytes: 64 * 1024,
      path: join(pool, 'mirror', 'images', image.id, 'data'),
      socket: join(pool, 'mirror', 'nbd.sock'),
      exportName: image.id,
    },
  ]);
  expect(source.asked).toEqual([]);
});

test('an image that is wanted whole comes in the background; asking again tells how far it is', async () => {
  let release: () => void = () => undefined;
  await ask('PUT', `/images/${image.id}`, { want: 'serve' });
  const gate = new Promise<void>((resolve) => (release = resolve));
  source.gate = () => gate;
  const wish = async (): Promise<ReturnType<typeof imageStandingSchema.parse>> => imageStandingSchema.parse((await ask('PUT', `/images/${image.id}`, { want: 'whole' })).body);
  expect(await wish()).toMatchObject({ done: false, complete: false, presentChunks: 4 });
  await until('sixteen on their way', () => source.asked.length === 16);
  expect(await wish()).toMatchObject({ done: false });
  release();
  await until('the whole image', async () => (await wish()).done);
  expect(await wish()).toMatchObject({ done: true, complete: true, presentChunks: 20 });
  expect(source.asked).toHaveLength(16);
});

test('a whole image waits for its source and for nobody else', async () => {
  await ask('PUT', `/images/${image.id}`, { want: 'serve' });
  source.isAway = true;
  await ask('PUT', `/images/${image.id}`, { want: 'whole' });
  await until('the first refusals', () => source.asked.length >= 16);
  source.isAway = false;
  await until('the whole image', () => held().find(image.id)?.isComplete === true);
}, 20_000);

test('in a full pool an image that is only to be hashed again becomes whole; one that lacks chunks is refused', async () => {
  await ask('PUT', `/images/${image.id}`, { want: 'whole' });
  await until('the whole image', () => held().find(image.id)?.isComplete === true);
  await held().find(image.id)?.flush();
  await mirror.stop({ crash: true });
  const other = imageOf(testContent(20 * 65_536, 2));
  source = new HonestSource(image, other);
  mirror = await MirrorOfPool.start(pool, source, { bootId: 'boot-2', reserveMiB: 1024 ** 3 });
  await (await held().open(other.id)).obtain(0, false);
  await until('a full pool', () => held().poolFull);
  expect(held().find(image.id)?.isComplete).toBe(false);
  expect((await ask('PUT', `/images/${image.id}`, { want: 'whole' })).status).toBe(200);
  await until('the whole image', () => held().find(image.id)?.isComplete === true);
  expect(await refusal('PUT', `/images/${other.id}`, { want: 'whole' })).toBe('507 no-room');
});

test('an image that is to be checked is hashed again, and what was damaged is brought into its place', async () => {
  await ask('PUT', `/images/${image.id}`, { want: 'whole' });
  await until('the whole image', () => held().find(image.id)?.isComplete === true);
  const data = await open(join(pool, 'mirror', 'images', image.id, 'data'), 'r+');
  await data.write(Buffer.from('rot'), 0, 3, 7 * 65_536);
  const check = async (): Promise<ReturnType<typeof imageStandingSchema.parse>> => imageStandingSchema.parse((await ask('PUT', `/images/${image.id}`, { want: 'check' })).body);
  await until('the check', async () => (await check()).done);
  expect(await check()).toMatchObject({ done: true, complete: true, check: { checkedChunks: 20, damagedChunks: 1, missingChunks: 0, fault: null } });
  const { buffer } = await data.read(Buffer.alloc(image.content.length), 0, image.content.length, 0);
  await data.close();
  expect(buffer.equals(image.content)).toBe(true);
  expect(await refusal('PUT', `/images/${'f'.repeat(64)}`, { want: 'check' })).toBe('404 missing');
});

test('lists images with who holds them, and says how the mirror is', async () => {
  await ask('PUT', `/images/${image.id}`, { want: 'serve' });
  const { body } = await ask('GET', '/images');
  expect(imageListSchema.parse(body)).toMatchObject({ images: [{ holding: { manifest: image.id, presentChunks: 4 }, sizeBytes: image.content.length, storedBytes: 0, heldBy: [], isChecked: true, checkedAt: expect.any(String) as string }] });
  expect(mirrorStatusSchema.parse((await ask('GET', '/status')).body)).toMatchObject({ build: 'test', readers: 0, poolFull: false });
});

test('a phase of a guest is passed on', async () => {
  expect((await ask('PUT', `/instances/${instanceId}/phase`, { phase: 'application' })).status).toBe(200);
  expect(mirror.phases).toEqual([[instanceId, 'application']]);
});

test('says why it cannot: missing, unavailable, invalid', async () => {
  expect(await refusal('PUT', `/images/${'f'.repeat(64)}`, { want: 'serve' })).toBe('404 missing');
  expect(await refusal('PUT', `/images/${image.id}`, { want: 'everything' })).toBe('400 invalid');
  expect(await refusal('PUT', `/images/${image.id}`, '{"want":')).toBe('400 invalid');
  expect(await refusal('PUT', `/images/${image.id}`, { want: 'serve', besides: 1 })).toBe('400 invalid');
  expect(await refusal('PUT', `/images/${image.id}`, `"${'x'.repeat(70_000)}"`)).toBe('400 invalid');
  expect(await refusal('PUT', '/images/..%2f..', { want: 'serve' })).toBe('400 invalid');
  expect(await refusal('PUT', '/instances/it/phase', { phase: 'boot' })).toBe('400 invalid');
  expect(await refusal('PUT', `/instances/${instanceId}/phase`, { phase: 'sleeping' })).toBe('400 invalid');
  expect(await refusal('DELETE', `/images/${image.id}`)).toBe('400 invalid');
  source.isAway = true;
  expect(await refusal('PUT', `/images/${image.id}`, { want: 'serve' })).toBe('503 unavailable');
});

test('only root may speak to it, and what is no request ends nothing', async () => {
  expect((await stat(socketPath())).mode & 0o777).toBe(0o600);
  const babbler = connect(socketPath());
  babbler.on('error', () => undefined).resume();
  babbler.write('\0\0\0 this is no request\r\n\r\n');
  await once(babbler, 'close');
  const leaver = request({ socketPath: socketPath(), method: 'PUT', path: `/images/${image.id}`, agent: false, headers: { 'content-length': 1000 } });
  leaver.on('error', () => undefined);
  leaver.write('{"want"');
  await new Promise<void>((resolve) => leaver.write(':', () => resolve()));
  leaver.destroy();
  expect((await ask('GET', '/status')).status).toBe(200);
});
