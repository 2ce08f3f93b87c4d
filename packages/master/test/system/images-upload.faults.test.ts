/** An upload on the real master, cut off wherever it may be: what comes of it is what was sent, and nothing else stays. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createImage, deleteImage, getImage, getImageContent, putImageContent, type ImageAnswer } from '@paravcl/shared/api/images';
import { createStoreSweep, getStore } from '@paravcl/shared/api/store';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { MiB } from '@paravcl/shared/domain/limits';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { labLayout } from '@paravcl/workbench/lab/lab-layout';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import { LabSite } from '@paravcl/workbench/lab/lab-site';

jest.setTimeout(patienceMs);

let site: LabSite;
let admin: ApiClient;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes interfaces: run it with npm test, inside a private host.');
  site = new LabSite({ stateDir: await mkdtemp('/var/tmp/pvu-'), hosts: [] });
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
});
afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const imageOf = (imageId: string): Promise<ImageAnswer> => admin.call(getImage, { params: { imageId } });
const stateDirectory = (): string => labLayout(site.options.stateDir).masterState;

test('an upload whose connection is cut, whose master is killed while it comes and again while it is checked becomes the image that was sent', async () => {
  const content = randomBytes(64 * MiB);
  // Twice the same, and nothing: kept once, and not at all.
  content.copy(content, 32 * MiB, 0, MiB);
  content.fill(0, 40 * MiB, 44 * MiB);
  const { id } = await announced(content);

  await sentInPart(id, content, 0, 10 * MiB, async (abort) => abort());
  const afterCut = await settled(id);
  expect(afterCut).toBeGreaterThanOrEqual(10 * MiB);

  await sentInPart(id, content, afterCut, 22 * MiB, killMaster);
  await site.master.start();
  const afterKill = await settled(id);
  expect(afterKill).toBeGreaterThan(afterCut);

  const last = sent(id, content, afterKill, content.length).then(() => 'answered', () => 'broken off');
  await eventually('it to be checked', patienceMs, async () => ((await imageOf(id)).state === 'checking' ? true : undefined), { everyMs: 2 });
  await killMaster();
  expect(await last).toBe('broken off');
  await site.master.start();
  // Nobody sends anything any more.
  const image = await eventually('it to be ready', patienceMs, async () => {
    const now = await imageOf(id);
    expect(now.state).not.toBe('uploading');
    return now.state === 'ready' ? now : undefined;
  });

  expect(sha256(await admin.call(getImageContent, { params: { imageId: id } }))).toBe(sha256(content));
  await swept();
  const kept = await admin.call(getStore);
  expect(kept.chunks).toBe(differentChunks(content));
  expect(kept.manifests).toBe(1);
  expect(kept.storedBytes).toBeLessThan(differentChunks(content) * defaultChunkBytes * 1.02);
  expect(await readdir(join(stateDirectory(), 'images'))).toEqual([]);

  await admin.call(deleteImage, { params: { imageId: image.id } });
  await swept();
  expect(await admin.call(getStore)).toMatchObject({ chunks: 0, manifests: 0, packs: 0, storedBytes: 0 });
  expect(await readdir(join(stateDirectory(), 'chunks', 'packs'))).toEqual([]);
});

function announced(content: Buffer): Promise<ImageAnswer> {
  return admin.call(createImage, { body: { name: 'Interrupted', format: 'raw', sizeBytes: content.length, sha256: sha256(content) } });
}

function sent(imageId: string, content: Buffer, from: number, to: number): Promise<ImageAnswer> {
  return admin.call(putImageContent, { params: { imageId }, query: { offset: from }, upload: { content: Readable.from([content.subarray(from, to)]), sizeBytes: to - from } });
}

/** Sends up to `to` and no more, though more was promised, and lets `end` end it. */
async function sentInPart(imageId: string, content: Buffer, from: number, to: number, end: (abort: () => void) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  const part = async function* (): AsyncGenerator<Buffer> {
    yield content.subarray(from, to);
    await delay(patienceMs, undefined, { signal: abort.signal }).catch(() => undefined);
  };
  const call = admin
    .call(putImageContent, { params: { imageId }, query: { offset: from }, upload: { content: Readable.from(part()), sizeBytes: content.length - from }, signal: abort.signal })
    .then(() => 'answered', () => 'broken off');
  await eventually('a part of it to have arrived', patienceMs, async () => ((await imageOf(imageId)).receivedBytes >= to ? true : undefined), { everyMs: 10 });
  await end(() => abort.abort());
  abort.abort();
  expect(await call).toBe('broken off');
}

/** How many bytes have arrived, when nobody writes any more. */
async function settled(imageId: string): Promise<number> {
  let before = -1;
  return eventually('no more to arrive', patienceMs, async () => {
    const { receivedBytes } = await imageOf(imageId);
    const isSettled = receivedBytes === before;
    before = receivedBytes;
    return isSettled ? receivedBytes : undefined;
  });
}

async function killMaster(): Promise<void> {
  const { process: master } = site.master;
  master.kill('SIGKILL');
  await eventually('the master to be gone', patienceMs, () => (master.isRunning() ? undefined : true), { everyMs: 5 });
}

async function swept(): Promise<void> {
  await admin.call(createStoreSweep, {});
  const { lastSweep } = await eventually('the sweep to end', patienceMs, async () => {
    const store = await admin.call(getStore);
    return store.lastSweep?.state === 'running' ? undefined : store;
  });
  expect(lastSweep).toMatchObject({ state: 'done', report: { missingChunks: 0 } });
}

function differentChunks(content: Buffer): number {
  const hashes = new Set<string>();
  for (let at = 0; at < content.length; at += defaultChunkBytes) {
    const chunk = content.subarray(at, at + defaultChunkBytes);
    if (chunk.some((byte) => byte !== 0)) hashes.add(sha256(chunk));
  }
  return hashes.size;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
