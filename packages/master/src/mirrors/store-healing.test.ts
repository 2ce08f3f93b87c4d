import { defaultChunkBytes, manifestOf } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { HandClock } from '../../test/it/hand-clock';
import type { FoundDamage } from '../services/mirror-fleet';
import { StoreDamaged } from '../store/manifest-shelf';
import { ImageSpreadRegistry, type OpenImage } from './image-spread-registry';
import { PeerKeys } from './peer-keys';
import { lookAgainMs, mostUntrue, StoreHealing, tellEveryMs } from './store-healing';

const id = 'a'.repeat(64);
const chunks = 200;
/** Of each chunk the first byte of the hash is its index and one; the last chunk is of zeros. */
const manifest = manifestOf({ chunkBytes: defaultChunkBytes, sizeBytes: chunks * defaultChunkBytes }, Buffer.concat(Array.from({ length: chunks }, (_, at) => Buffer.alloc(hashBytes, at === chunks - 1 ? 0 : at + 1))));
const indexOf = (hash: Buffer): number => (hash[0] ?? 0) - 1;

let clock: HandClock;
let registry: ImageSpreadRegistry;
let healing: StoreHealing;
let open: OpenImage;
let damaged: Set<number>;
let hosts: Set<number>;
let looks: number[];
let fetched: number[];
let told: FoundDamage[];

function opened(slaveId: string, channel = 1): OpenImage {
  const found = registry.open(id, manifest, { slaveId, volunteer: true, address: '10.0.0.1', port: 7000, send: () => undefined, ask: () => { throw new Error('nobody asks here'); }, cancel: () => undefined }, channel);
  if (found === null) throw new Error('it is open already');
  return found;
}
/** Everything that was said has been looked into. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 1000; turn += 1) await Promise.resolve();
};

beforeEach(() => {
  clock = new HandClock();
  registry = new ImageSpreadRegistry({ clock, keys: new PeerKeys() });
  [damaged, hosts, looks, fetched, told] = [new Set(), new Set(), [], [], []];
  healing = new StoreHealing({
    clock, registry,
    log: { warn: () => undefined },
    store: {
      readChecked: (hash) => {
        looks.push(indexOf(hash));
        return damaged.has(indexOf(hash)) ? Promise.reject(new StoreDamaged('It is damaged.')) : Promise.resolve(Buffer.alloc(1));
      },
      repair: (hash) => {
        damaged.delete(indexOf(hash));
        return Promise.resolve();
      },
    },
    repair: {
      fetch: (of, index) => {
        fetched.push(index);
        return Promise.resolve(of === id && hosts.has(index) ? Buffer.alloc(1) : null);
      },
    },
    books: { storeDamaged: (found) => Promise.resolve(void told.push(found)) },
  });
  open = opened('pc-1');
});

test('a chunk that is damaged comes back from a host, and the operators are told', async () => {
  [damaged, hosts] = [new Set([3, 4]), new Set([3])];
  for (const index of [3, 4]) healing.told('pc-1', id, index);
  await settled();
  expect([...damaged]).toEqual([4]);
  clock.advance(1000);
  expect(told).toEqual([{ damaged: 2, mended: 1, manifests: [id] }]);
});

test('of who got wrong bytes nobody is sent to it for them', async () => {
  open.image.asked(open.member, 3, false);
  expect(open.image.withChunk(3)).toEqual([open.member]);
  healing.told('pc-1', id, 3);
  await settled();
  expect(open.image.withChunk(3)).toEqual([]);
});

test('a rotting disk is news at once, and then every now and then, all together', async () => {
  damaged = new Set([1, 2, 3]);
  healing.told('pc-1', id, 1);
  await settled();
  clock.advance(1000);
  for (const index of [2, 3]) healing.told('pc-1', id, index);
  await settled();
  clock.advance(tellEveryMs - 1);
  expect(told.map((one) => one.damaged)).toEqual([1]);
  clock.advance(1);
  expect(told.map((one) => one.damaged)).toEqual([1, 2]);
});

test('a chunk is looked at once within a minute, however many speak of it, and again after that', async () => {
  opened('pc-2');
  damaged = new Set([5]);
  for (const slaveId of ['pc-1', 'pc-2', 'pc-1']) healing.told(slaveId, id, 5);
  await settled();
  expect(looks).toEqual([5]);
  clock.advance(lookAgainMs);
  hosts = new Set([5]);
  healing.told('pc-2', id, 5);
  await settled();
  expect([...damaged]).toEqual([]);
});

test('whoever says what is not true is not listened to for the rest of the minute; others are, and what is true is never too much', async () => {
  opened('pc-2');
  for (let index = 0; index < 50; index += 1) healing.told('pc-1', id, index);
  await settled();
  expect(looks).toHaveLength(mostUntrue);
  expect(fetched).toEqual([]);
  damaged = new Set(Array.from({ length: 40 }, (_, at) => 100 + at));
  healing.told('pc-1', id, 100);
  for (const index of damaged) if (index > 100) healing.told('pc-2', id, index);
  await settled();
  expect(fetched).toEqual([...damaged].slice(1));
  clock.advance(60_000);
  healing.told('pc-1', id, 100);
  await settled();
  expect(fetched.at(-1)).toBe(100);
  clock.advance(1000);
});

test('a mirror has nothing to say of an image that it has not open, of zeros, and of chunks that are none', async () => {
  healing.told('stranger', id, 1);
  healing.told('pc-1', 'b'.repeat(64), 1);
  healing.told('pc-1', id, chunks - 1);
  healing.told('pc-1', id, chunks);
  await settled();
  expect(looks).toEqual([]);
});

test('what the store could not give is looked at without anybody’s word', async () => {
  [damaged, hosts] = [new Set([7]), new Set([7])];
  healing.missed(open.image, 7);
  for (let index = 20; index < 20 + 2 * mostUntrue; index += 1) healing.missed(open.image, index);
  await settled();
  expect([...damaged]).toEqual([]);
  // One that can be read now is no lie of anybody.
  expect(looks).toHaveLength(1 + 2 * mostUntrue);
});
