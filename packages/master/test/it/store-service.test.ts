import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestOf, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Principal } from '@paravcl/shared/domain/people';
import { storeSchema, storeSweepSchema, storeVerificationSchema, type StoreVerification } from '@paravcl/shared/api/store';
import { quietAfterStartMs, StoreSweepJob } from '../../src/jobs/store-sweep-job';
import { StoreService } from '../../src/services/store-service';
import { ChunkStore } from '../../src/store/chunk-store';
import { DirectoryBackend } from '../../src/store/directory-backend';
import type { LiveManifests } from '../../src/store/store-sweep';
import { eventually } from './eventually';
import { HandClock } from './hand-clock';
import { sampleImage } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

const operator: Principal = { userId: '01990000-0000-7000-8000-000000000001', userName: 'olga', role: 'operator', groupIds: [], ownedGroupIds: [], sessionId: 's' };
const chunkBytes = 65_536;
const hour = 3_600_000;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

let database: TestDatabase;
let directory: string;
let store: ChunkStore;
let clock: HandClock;
let books: ManifestId[];
let live: LiveManifests;
/** What hosts have, by manifest and place. */
let onHosts: Map<string, Buffer>;
/** Manifests of images that mirrors have open. */
let open: Map<ManifestId, Manifest>;
let faults: unknown[];

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.unit.transaction(async ({ settings }) => {
    for (const name of ['store_last_sweep', 'store_unnamed_since']) await settings.put(name, 'null');
  });
  directory = mkdtempSync(join(tmpdir(), 'store-service-'));
  store = new ChunkStore(new DirectoryBackend(directory));
  await store.open();
  [clock, books, onHosts, open, faults] = [new HandClock(), [], new Map(), new Map(), []];
  live = () => Promise.resolve(books);
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

function service(graceMs = 0): StoreService {
  return new StoreService({
    store, live: () => live(), clock, graceMs, unitOfWork: database.unit,
    mirrors: { openManifest: (id) => open.get(id) ?? null, fetchFromMirrors: (manifest, index) => Promise.resolve(onHosts.get(`${manifest} ${String(index)}`) ?? null) },
    onFault: (error) => void faults.push(error),
  });
}

/** An image of these chunks, which the books name. */
async function keep(chunks: readonly Buffer[]): Promise<ManifestId> {
  const session = store.begin();
  for (const chunk of chunks) await session.put(sha256(chunk), chunk);
  const id = await session.putManifest(manifestOf({ chunkBytes, sizeBytes: chunks.length * chunkBytes }, Buffer.concat(chunks.map(sha256))));
  books.push(id);
  session.release();
  return id;
}

/** Changes a byte of the chunk where it lies on the disk. */
function damage(chunk: Buffer): void {
  for (const name of readdirSync(join(directory, 'packs'))) {
    const file = join(directory, 'packs', name);
    const pack = readFileSync(file);
    const at = pack.indexOf(chunk.subarray(0, 64));
    if (at < 0) continue;
    pack.writeUInt8(pack.readUInt8(at + 9) ^ 255, at + 9);
    writeFileSync(file, pack);
    return;
  }
  throw new Error('No pack has that chunk.');
}

const someChunks = (count: number): Buffer[] => Array.from({ length: count }, () => randomBytes(chunkBytes));
const verified = (stores: StoreService): Promise<StoreVerification> =>
  eventually('the end of the verification', () => {
    const latest = storeVerificationSchema.parse(stores.latestVerification());
    return latest.state === 'running' ? null : latest;
  });

test('a store tells what it holds, and that nothing was swept or verified yet', async () => {
  const stores = service();
  const chunks = someChunks(2);
  await keep([...chunks, ...chunks, ...chunks]);
  const standing = storeSchema.parse(stores.standing());
  expect(standing).toMatchObject({ chunks: 2, manifests: 1, packs: 1, logicalBytes: 6 * chunkBytes, lastSweep: null, lastVerification: null });
  expect(standing.sentence).toBe('1 MiB of 1 content is kept in 1 MiB, each chunk once: 3.0 times less.');
  expect(() => stores.latestVerification()).toThrow(expect.objectContaining({ code: 'not-found' }));
});

test('a verification without damage says so, tells nobody, and only one runs at a time', async () => {
  const stores = service();
  await keep(someChunks(3));
  expect(storeVerificationSchema.parse(stores.beginVerification(operator, { repair: true }))).toMatchObject({ state: 'running', startedBy: 'user olga', endedAt: null });
  expect(() => stores.beginVerification(operator, { repair: false })).toThrow(expect.objectContaining({ code: 'conflict' }));
  const latest = await verified(stores);
  expect(latest).toMatchObject({ state: 'done', damagedChunks: 0, damaged: [], sentence: '3 chunks read, and all that images need are as they were.' });
  expect(latest.doneBytes).toBe(latest.totalBytes);
  expect((await database.unit.read.events.page({ kind: 'store.', limit: 10 })).items).toEqual([]);
  expect(stores.standing().lastVerification).toEqual(latest);
});

test('damage is found, fetched from hosts that have it, and what nobody has is told to the operators', async () => {
  const stores = service();
  const chunks = someChunks(4);
  const [first, second] = [await keep(chunks), await keep([...chunks].reverse())];
  damage(chunks[1] ?? Buffer.alloc(0));
  damage(chunks[2] ?? Buffer.alloc(0));
  stores.beginVerification(operator, { repair: false });
  const found = await verified(stores);
  expect(found).toMatchObject({ damagedChunks: 2, repairedChunks: 0, sentence: 'Damaged: 2 chunks that images need. Verify the store with repair: hosts may have them.' });
  expect(found.damaged).toHaveLength(4);
  // Known to hosts by the second image only.
  onHosts.set(`${second} 2`, chunks[1] ?? Buffer.alloc(0));
  stores.beginVerification(operator, { repair: true });
  const repaired = await verified(stores);
  expect(repaired).toMatchObject({ damagedChunks: 2, repairedChunks: 1, sentence: expect.stringContaining('no host that is connected had the other 1') as string });
  expect(repaired.damaged).toEqual([{ manifest: first, index: 2, hash: sha256(chunks[2] ?? Buffer.alloc(0)).toString('hex') }, { manifest: second, index: 1, hash: sha256(chunks[2] ?? Buffer.alloc(0)).toString('hex') }]);
  const told = (await database.unit.read.events.page({ kind: 'store.damaged', limit: 10 })).items;
  expect(told.map(({ sentence }) => sentence)).toEqual([repaired.sentence, found.sentence]);
  onHosts.set(`${first} 2`, chunks[2] ?? Buffer.alloc(0));
  stores.beginVerification(operator, { repair: true });
  expect(await verified(stores)).toMatchObject({ damagedChunks: 1, repairedChunks: 1, damaged: [], sentence: 'Damaged: 1 chunk that images need; all repaired from hosts that had them.' });
  stores.beginVerification(operator, { repair: true });
  expect(await verified(stores)).toMatchObject({ damagedChunks: 0 });
  expect(faults).toEqual([]);
});

test('an image whose list of chunks is damaged is named, and has to be uploaded again', async () => {
  const stores = service();
  const id = await keep(someChunks(1));
  writeFileSync(join(directory, 'manifests', id), Buffer.alloc(52, 1));
  stores.beginVerification(operator, { repair: true });
  expect(await verified(stores)).toMatchObject({ damagedManifests: [id], sentence: expect.stringMatching(/The list of chunks of 1 image is lost\. A host .* else upload the image again\.$/) as string });
});

test('a list of chunks that is damaged is written anew while a mirror has the image open', async () => {
  const stores = service();
  const chunks = someChunks(1);
  const id = await keep(chunks);
  open.set(id, manifestOf({ chunkBytes, sizeBytes: chunks.length * chunkBytes }, Buffer.concat(chunks.map(sha256))));
  writeFileSync(join(directory, 'manifests', id), Buffer.alloc(52, 1));
  stores.beginVerification(operator, { repair: true });
  expect(await verified(stores)).toMatchObject({ damagedManifests: [], sentence: expect.stringMatching(/Lists of chunks of 1 image were lost and written anew\./) as string });
  expect(await store.verify([id], () => undefined)).toMatchObject({ damagedManifests: [], damaged: [] });
});

/** The books have an image with this content. */
const named = (manifestId: ManifestId, name: string, friendlyId: string): Promise<void> => database.unit.read.images.insert(sampleImage({ manifestId, name, friendlyId }));
const lastEvent = async (): Promise<string | undefined> => (await database.unit.read.events.page({ kind: 'store.damaged', limit: 1 })).items[0]?.sentence;

test('what was deleted under a running master is found, written anew from what it still has, and named', async () => {
  const stores = service();
  const chunks = someChunks(3);
  const id = await keep(chunks);
  await named(id, 'Ubuntu', 'EMI-UBUNTU-2BB');
  expect(await store.readChecked(sha256(chunks[0] ?? Buffer.alloc(0)))).toEqual(chunks[0]);
  expect(await store.manifest(id)).not.toBeNull();
  rmSync(join(directory, 'packs'), { recursive: true });
  rmSync(join(directory, 'manifests', id));
  stores.beginVerification(operator, { repair: false });
  expect((await verified(stores)).sentence).toBe('0 chunks read, and all that other images need are as they were. The list of chunks of 1 image is lost, of Ubuntu (EMI-UBUNTU-2BB): verify the store with repair. A host that has the image gives it back when it next opens it; else upload the image again.');
  stores.beginVerification(operator, { repair: true });
  const repaired = await verified(stores);
  expect(repaired).toMatchObject({
    damagedChunks: 3, repairedChunks: 3, damaged: [], damagedManifests: [],
    sentence: 'Damaged: 3 chunks that images need, of Ubuntu (EMI-UBUNTU-2BB); all repaired from what the master still had of them. Lists of chunks of 1 image were lost and written anew.',
  });
  expect(await lastEvent()).toBe(repaired.sentence);
  await store.close();
  store = new ChunkStore(new DirectoryBackend(directory));
  expect(await store.open()).toEqual([]);
  expect((await store.lookOver(books))).toEqual({ damaged: [], damagedManifests: [] });
  expect(await store.readChecked(sha256(chunks[2] ?? Buffer.alloc(0)))).toEqual(chunks[2]);
});

test('what nobody has is named by the images that need it, and so is what only some of them need', async () => {
  const stores = service();
  const [shared = Buffer.alloc(0), lost = Buffer.alloc(0)] = someChunks(2);
  const [first, second] = [await keep([shared]), await keep([shared, lost])];
  await named(first, 'Debian', 'EMI-DEBIAN-1');
  await named(second, 'Exam secret', 'EMI-EXAM-1');
  damage(shared);
  damage(lost);
  onHosts.set(`${first} 0`, shared);
  stores.beginVerification(operator, { repair: true });
  expect((await verified(stores)).sentence).toBe(
    'Damaged: 2 chunks that images need, of Debian (EMI-DEBIAN-1), Exam secret (EMI-EXAM-1); 1 repaired, and no host that is connected had the other 1. Verify again when more hosts are, or upload Exam secret (EMI-EXAM-1) again.',
  );
});

test('a start tells what the store lacks of the images in the books, and nothing when it has all', async () => {
  const [whole, lacking] = [await keep(someChunks(1)), await keep(someChunks(2))];
  const lost = await keep(someChunks(1));
  await named(lacking, 'Fedora', 'EMI-FEDORA-1');
  await named(lost, 'Arch', 'EMI-ARCH-1');
  const before = await lastEvent();
  await service().lookedOver;
  expect(await lastEvent()).toBe(before);
  await store.close();
  const [, second = ''] = readdirSync(join(directory, 'packs')).sort();
  rmSync(join(directory, 'packs', second));
  rmSync(join(directory, 'manifests', lost));
  store = new ChunkStore(new DirectoryBackend(directory));
  await store.open();
  await service().lookedOver;
  const told = (await database.unit.read.events.page({ kind: 'store.damaged', limit: 1 })).items[0];
  expect(told).toMatchObject({
    actor: 'master',
    sentence: 'Missing or damaged in the master’s store: 2 chunks that images need, of Fedora (EMI-FEDORA-1). Verify the store with repair: hosts may have them. The list of chunks of 1 image is lost, of Arch (EMI-ARCH-1): verify the store with repair. A host that has the image gives it back when it next opens it; else upload the image again.',
  });
  expect(faults).toEqual([expect.objectContaining({ message: told?.sentence })]);
  expect(await store.manifest(whole)).not.toBeNull();
});

test('a verification that cannot go on says why, and the next one may', async () => {
  const stores = service();
  live = () => Promise.reject(new Error('the database is away'));
  stores.beginVerification(operator, { repair: true });
  expect(await verified(stores)).toMatchObject({ state: 'failed', sentence: 'the database is away' });
  expect(faults).toHaveLength(1);
  live = () => Promise.resolve([]);
  stores.beginVerification(operator, { repair: true });
  expect(await verified(stores)).toMatchObject({ state: 'done' });
});

test('an operator’s sweep takes at once what nothing names, and tells how much', async () => {
  const stores = service(24 * hour);
  await keep(someChunks(4));
  const [id] = [await keep(someChunks(1))];
  books = [id];
  expect(storeSweepSchema.parse(stores.beginSweep(operator))).toMatchObject({ state: 'running', report: null });
  expect(() => stores.beginSweep(operator)).toThrow(expect.objectContaining({ code: 'conflict' }));
  const swept = await eventually('the end of the sweep', () => (stores.standing().lastSweep?.state === 'running' ? null : stores.standing().lastSweep));
  expect(swept).toMatchObject({ state: 'done', startedBy: 'user olga', sentence: '1 MiB were freed.', report: { deletedManifests: 1, forgottenChunks: 4, missingChunks: 0 } });
  expect(store.stats()).toMatchObject({ chunks: 1, manifests: 1 });
});

test('the daily sweep leaves what was deleted lately, until its grace is over, and takes what a gone image never held', async () => {
  const stores = service(24 * hour);
  const job = new StoreSweepJob(stores, clock, 24 * hour);
  const id = await keep(someChunks(2));
  const aborted = store.begin();
  await aborted.put(sha256(Buffer.alloc(chunkBytes, 'x')), Buffer.alloc(chunkBytes, 'x'));
  await aborted.flush();
  aborted.release();
  books = [];
  await job.run();
  expect(stores.standing().lastSweep).toBeNull();
  clock.advance(24 * hour);
  await job.run();
  expect(store.stats()).toMatchObject({ manifests: 1, chunks: 2 });
  // A database that was restored names it again: its grace begins anew.
  books = [id];
  clock.advance(24 * hour);
  await job.run();
  books = [];
  clock.advance(24 * hour);
  await job.run();
  expect(store.stats()).toMatchObject({ manifests: 1, chunks: 2 });
  clock.advance(24 * hour);
  await job.run();
  expect(store.stats()).toMatchObject({ manifests: 0, chunks: 0 });
});

test('a master that is restarted every hour sweeps once a day, and what was deleted outlives it by its grace and no more', async () => {
  await keep(someChunks(2));
  books = [];
  const sweeps: (string | null | undefined)[] = [];
  for (let start = 0; start < 26; start += 1) {
    const stores = service(24 * hour);
    const job = new StoreSweepJob(stores, clock, 24 * hour);
    await job.run();
    expect(stores.standing().lastSweep).toBeNull();
    clock.advance(quietAfterStartMs);
    await job.run();
    await job.run();
    if (stores.standing().lastSweep !== null) sweeps.push(`${String(start)}: ${String(stores.standing().lastSweep?.report?.deletedManifests)}`);
    clock.advance(hour - quietAfterStartMs);
  }
  expect(sweeps).toEqual(['0: 0', '24: 1']);
  expect(store.stats()).toMatchObject({ manifests: 0, chunks: 0 });
});

test.each(['nonsense', '{"a":1}', String(Number.MAX_SAFE_INTEGER)])('a last sweep of which %s is written is none', async (written) => {
  await database.unit.transaction(async ({ settings }) => {
    for (const name of ['store_last_sweep', 'store_unnamed_since']) await settings.put(name, written);
  });
  const stores = service(24 * hour);
  const job = new StoreSweepJob(stores, clock, 24 * hour);
  clock.advance(quietAfterStartMs);
  await job.run();
  expect(stores.standing().lastSweep).toMatchObject({ state: 'done' });
  expect(await stores.lastSweepAt()).toBe(clock.now());
});

test('a daily sweep that failed is not made again at once, but after a restart', async () => {
  await keep(someChunks(1));
  const stores = service();
  live = () => Promise.reject(new Error('the database is away'));
  const job = new StoreSweepJob(stores, clock, 24 * hour);
  clock.advance(quietAfterStartMs);
  await expect(job.run()).rejects.toThrow('the database is away');
  await job.run();
  expect(await stores.lastSweepAt()).toBeNull();
  live = () => Promise.resolve(books);
  const restarted = new StoreSweepJob(stores, clock, 24 * hour);
  clock.advance(quietAfterStartMs);
  await restarted.run();
  expect(stores.standing().lastSweep).toMatchObject({ state: 'done' });
});

test('a deleted image whose list cannot be read gets no grace, and keeps no other from it', async () => {
  const stores = service(24 * hour);
  const broken = await keep(someChunks(1));
  const sound = await keep(someChunks(2));
  books = [];
  writeFileSync(join(directory, 'manifests', broken), Buffer.alloc(52, 1));
  await stores.dailySweep();
  expect(store.manifestIds()).toEqual([sound]);
  expect(store.stats().chunks).toBe(2);
});

test('a sweep that fails says why, is told, and is made again', async () => {
  const stores = service();
  await keep(someChunks(1));
  books = ['0'.repeat(64)];
  await expect(stores.dailySweep()).rejects.toThrow(/lacks the manifest/);
  expect(stores.standing().lastSweep).toMatchObject({ state: 'failed', startedBy: 'master', sentence: expect.stringContaining('Nothing was swept') as string });
  expect(store.stats().chunks).toBe(1);
  books = [];
  await stores.dailySweep();
  expect(stores.standing().lastSweep).toMatchObject({ state: 'done' });
});
