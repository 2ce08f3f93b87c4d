import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emptyContent } from '@paravcl/shared/chunks/delta';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { HomeSpec } from '@paravcl/shared/protocol/desired-instance';
import { applyDelta } from '../../test/fixtures/apply-delta';
import { MirrorOfPool } from '../../test/fixtures/mirror-of-pool';
import { HonestSource, imageOf, testContent } from '../../test/fixtures/test-image';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { holders } from '../mirror/eviction';
import { hostFiles } from '../mirror/file-layer';
import type { LeavingHome } from './home-volumes';
import { MirrorClient } from './mirror-client';
import { PoolHomeVolumes } from './pool-home-volumes';

const MiB = 1024 * 1024;
const image = imageOf(testContent(2 * MiB, 1));
const volumeId = newId(1);
const disk = { imageId: newId(2), sha256: createHash('sha256').update(image.content).digest('hex'), sizeBytes: image.content.length, format: 'raw', manifest: image.id } as const;
const blank: HomeSpec = { volumeId, epoch: 1, sizeMiB: 4, disk: null };
const run = async (tool: string, ...args: readonly string[]): Promise<string> => (await promisify(execFile)(tool, [...args], { env: { ...process.env, LC_ALL: 'C' } })).stdout;

let pool: string;
let mirror: MirrorOfPool;
let homes: PoolHomeVolumes;
let writer: ChildProcess | null = null;

beforeEach(async () => {
  pool = await mkdtemp(join(tmpdir(), 'homes-'));
  mirror = await MirrorOfPool.start(pool, new HonestSource(image));
  await open();
});
afterEach(async () => {
  writer?.stdin?.end('quit\n');
  writer = null;
  await mirror.stop();
  await rm(pool, { recursive: true });
});

/** A new process on the same pool. */
async function open(reserveMiB = 1): Promise<void> {
  homes = new PoolHomeVolumes({ directory: pool, reserveMiB, driver: new SimulatedDriver({ slaveId: newId(3), clock: systemClock }), mirror: new MirrorClient(pool), onFault: (error) => { throw error as Error; } });
  await homes.open();
}

const overlay = (): string => join(pool, 'homes', volumeId, 'overlay.qcow2');
const write = (...commands: readonly string[]): Promise<string> => run('qemu-io', '-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), overlay());
const leaving = (more: Partial<LeavingHome> = {}): LeavingHome => ({ volumeId, epoch: 1, imageId: newId(5), base: emptyContent, ...more });
const there = (): Promise<string[]> => readdir(join(pool, 'homes'));

/** A guest that has it open to write. */
async function openedToWrite(): Promise<void> {
  writer = spawn('qemu-io', ['-f', 'qcow2', overlay()], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = writer;
  stdin?.write('write 0 4k\n');
  await new Promise<void>((resolve) => stdout?.on('data', (text: Buffer) => text.includes('wrote') && resolve()));
}

async function closed(): Promise<void> {
  const ended = new Promise((resolve) => writer?.once('exit', resolve));
  writer?.stdin?.end('quit\n');
  await ended;
  writer = null;
}

test('a blank one is a disk of its size over nothing, and what was written on it is a delta against nothing', async () => {
  expect(await homes.make(blank)).toEqual({ overlay: overlay(), backing: null });
  await write('write -P 7 64k 8k', 'write -z 128k 64k');
  const delta = await homes.delta(leaving());
  if (delta === null) throw new Error('It is there.');
  const { head, content, sentBlocks } = applyDelta(Buffer.alloc(0), await readFile(delta.path));
  expect(head).toEqual({ base: emptyContent, chunkBytes: 65536, sizeBytes: 4 * MiB });
  expect(sentBlocks).toBe(2);
  const expected = Buffer.alloc(4 * MiB);
  expected.fill(7, 65536, 65536 + 8192);
  expect(content.equals(expected)).toBe(true);
});

test('over what it held it shows that, larger where it is to be, and tells what was written since alone; the mirror keeps what it lies over', async () => {
  const spec: HomeSpec = { volumeId, epoch: 3, sizeMiB: 4, disk };
  expect((await homes.missingImage(spec))?.manifest ?? image.id).toBe(image.id);
  await homes.make(spec);
  expect([...(await holders(hostFiles, join(pool, 'instances'), join(pool, 'homes')))]).toEqual([[image.id, [volumeId]]]);
  await write('write -P 9 1M 4k');
  const delta = await homes.delta(leaving({ epoch: 3, base: image.id }));
  const { head, content, sentBlocks } = applyDelta(image.content, await readFile(delta?.path ?? ''));
  expect([head.base, head.sizeBytes, sentBlocks]).toEqual([image.id, 4 * MiB, 1]);
  const expected = Buffer.concat([image.content, Buffer.alloc(2 * MiB)]);
  expected.fill(9, MiB, MiB + 4096);
  expect(content.equals(expected)).toBe(true);
  await expect(homes.delta(leaving({ epoch: 3, base: emptyContent }))).rejects.toThrow('lies over');
});

test('made twice it stays; asked for the same return again, also by another process, the same delta is answered; for another one, what was written since is in it', async () => {
  await homes.make(blank);
  await write('write -P 1 0 4k');
  const first = leaving();
  const delta = await homes.delta(first);
  await open();
  await homes.make(blank);
  expect(await homes.delta(first)).toEqual(delta);
  await write('write -P 2 4k 4k');
  const again = await homes.delta(leaving());
  expect(applyDelta(Buffer.alloc(0), await readFile(again?.path ?? '')).sentBlocks).toBe(2);
  // Only the newest one is kept.
  expect((await readdir(join(pool, 'homes', volumeId))).filter((name) => name.startsWith('delta-'))).toHaveLength(1);
});

test('of an earlier epoch it is made anew, of a later one it is refused and nothing is told or removed', async () => {
  await homes.make(blank);
  await write('write -P 1 0 4k');
  await homes.make({ ...blank, epoch: 2 });
  const delta = await homes.delta(leaving({ epoch: 2 }));
  expect(applyDelta(Buffer.alloc(0), await readFile(delta?.path ?? '')).sentBlocks).toBe(0);
  expect(await homes.delta(leaving({ epoch: 1 }))).toBeNull();
  await expect(homes.make(blank)).rejects.toThrow('once more since');
  await homes.drop(volumeId, 1);
  expect(await there()).toEqual([volumeId]);
  await homes.drop(volumeId, 2);
  await homes.drop(volumeId, 2);
  expect(await there()).toEqual([]);
  expect(await homes.delta(leaving({ epoch: 2 }))).toBeNull();
});

test('removed while it is being made, it is not there afterwards', async () => {
  const making = homes.make(blank);
  await homes.drop(volumeId, 1);
  await making;
  expect(await there()).toEqual([]);
});

test('while a guest writes it, it is neither told, nor removed, nor made anew', async () => {
  await homes.make(blank);
  await openedToWrite();
  await expect(homes.delta(leaving())).rejects.toThrow('A guest still writes');
  await expect(homes.drop(volumeId, 1)).rejects.toThrow('A guest still writes');
  await expect(homes.make({ ...blank, epoch: 2 })).rejects.toThrow('A guest still writes');
  await closed();
  expect(await homes.delta(leaving())).not.toBeNull();
  await homes.drop(volumeId, 1);
});

test('what a crash left half made or half removed goes with the next start, and nothing else', async () => {
  await homes.make(blank);
  for (const name of [`.making-${newId(6)}`, `.removing-${newId(7)}`]) {
    await mkdir(join(pool, 'homes', name));
    await writeFile(join(pool, 'homes', name, 'overlay.qcow2'), 'half');
  }
  await open();
  expect(await there()).toEqual([volumeId]);
});

test('a pool without room makes none, and leaves nothing', async () => {
  await open(1024 * 1024 * 1024);
  await expect(homes.make(blank)).rejects.toMatchObject({ code: 'no-room' });
  expect(await there()).toEqual([]);
});
