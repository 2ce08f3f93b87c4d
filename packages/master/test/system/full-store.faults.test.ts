import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiB } from '@paravcl/shared/domain/limits';
import { ChunkStore } from '../../src/store/chunk-store';
import { ContentReader } from '../../src/store/content-reader';
import { DirectoryBackend } from '../../src/store/directory-backend';
import { ImageConversion } from '../../src/store/image-conversion';
import { ImageIntake, type TakenImage } from '../../src/store/image-intake';
import { ImageStore } from '../../src/store/image-store';

jest.setTimeout(120_000);

/** Nothing is kept free here: the disk itself has to refuse. */
const reserveBytes = 0;
let directory: string;
let elsewhere: string;
let uploads: ImageStore;
let store: ChunkStore;
let intake: ImageIntake;

beforeEach(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test mounts file systems: run it inside a private host (npm test does).');
  [directory, elsewhere] = [mkdtempSync(join(tmpdir(), 'pvcl-full-store-')), mkdtempSync(join(tmpdir(), 'pvcl-disks-'))];
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', directory]);
  uploads = new ImageStore(join(directory, 'images'), reserveBytes);
  store = new ChunkStore(new DirectoryBackend(join(directory, 'chunks'), reserveBytes));
  await uploads.open();
  await store.open();
  intake = new ImageIntake(uploads, store, new ImageConversion({ memoryMiB: 4096, seconds: 60, secondsPerGiB: 60, reserveBytes }));
});
afterEach(async () => {
  await store.close();
  execFileSync('umount', ['--lazy', directory]);
  rmSync(directory, { recursive: true });
  rmSync(elsewhere, { recursive: true });
});

async function upload(bytes: Buffer): Promise<string> {
  const imageId = randomUUID();
  const announced = { imageId, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  await uploads.receive(announced, (async function* () { yield await Promise.resolve(bytes); })(), 0, false);
  return imageId;
}

const take = (imageId: string, format: 'raw' | 'qcow2' = 'raw'): Promise<TakenImage> => intake.take({ imageId, kind: 'disk', format, sizeBytes: 1 }, () => undefined);

async function isWhole({ manifestId }: TakenImage, content: Buffer): Promise<boolean> {
  const pieces: Buffer[] = [];
  for await (const piece of (await new ContentReader(store, () => undefined).open(manifestId, 0)).stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).equals(content);
}

test('a disk that runs full under the intake refuses the image, keeps the others, and takes it once there is room', async () => {
  const first = randomBytes(12 * MiB);
  const uploaded = await upload(first);
  const kept = await take(uploaded);
  kept.release();
  await uploads.remove(uploaded);
  const second = randomBytes(20 * MiB);
  const waiting = await upload(second);
  writeFileSync(join(directory, 'filler'), Buffer.alloc(14 * MiB, 1));
  await expect(take(waiting)).rejects.toMatchObject({ code: 'storage-full' });
  expect(readdirSync(join(directory, 'chunks', 'unfinished'))).toEqual([]);
  expect(await isWhole(kept, first)).toBe(true);
  // A sweep on a full disk needs no room to delete what is dead.
  await store.sweep(() => Promise.resolve([kept.manifestId]));
  unlinkSync(join(directory, 'filler'));
  const taken = await take(waiting);
  expect(await isWhole(taken, second)).toBe(true);
  expect(await isWhole(kept, first)).toBe(true);
});

test('a disk that runs full under a conversion refuses the image and leaves nothing of it', async () => {
  writeFileSync(join(elsewhere, 'raw'), Buffer.alloc(60 * MiB, 'compresses well '));
  execFileSync('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', join(elsewhere, 'raw'), join(elsewhere, 'qcow2')]);
  const imageId = await upload(execFileSync('cat', [join(elsewhere, 'qcow2')], { maxBuffer: 64 * MiB }));
  writeFileSync(join(directory, 'filler'), Buffer.alloc(30 * MiB, 1));
  await expect(take(imageId, 'qcow2')).rejects.toMatchObject({ code: 'storage-full' });
  expect(readdirSync(join(directory, 'images')).filter((name) => name.endsWith('.raw'))).toEqual([]);
  unlinkSync(join(directory, 'filler'));
  expect((await take(imageId, 'qcow2')).contentBytes).toBe(60 * MiB);
});
