import fc from 'fast-check';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { LosingDisk } from '../../test/fixtures/losing-disk';
import { chunkOf, imageOf, testContent, type TestImage } from '../../test/fixtures/test-image';
import { ChunkFile } from './chunk-file';

const chunkBytes = 4096;
const chunks = 7;
const zeroChunk = 4;
const directory = '/images/it';
const image = imageOf(testContent((chunks - 1) * chunkBytes + 1536, 1, { chunkBytes }), chunkBytes);

/** A host with one chunk file, through its crashes. */
class Host {
  readonly disk = new LosingDisk();
  clock = new HandClock();
  faults: unknown[] = [];
  changes = 0;
  /** Chunks that were handed on with wrong bytes. */
  wrong = 0;
  private bootNumber = 1;

  async open(of: TestImage = image): Promise<ChunkFile> {
    this.clock = new HandClock();
    await this.disk.makeDirectory(directory);
    return ChunkFile.open({ files: this.disk, directory, image: of, bootId: `boot ${this.bootNumber}`, clock: this.clock, onFault: (error) => this.faults.push(error), onChange: () => (this.changes += 1) });
  }

  startAgain(): void {
    this.bootNumber += 1;
  }
}

/** Waits for work that takes turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await turn();
}

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 1) {
    if (waited > 1000) throw new Error('It did not come to that.');
    await turn();
  }
}

async function keepAll(file: ChunkFile): Promise<void> {
  for (let index = 0; index < chunks; index += 1) await file.keep(index, chunkOf(image, index));
}

/** The second is over and what was kept is on the disk. */
async function synced(host: Host): Promise<void> {
  await host.clock.advance(1000);
  await turns(50);
}

test('serves what was kept and knows what is missing; zeros are there from the beginning', async () => {
  const host = new Host();
  const file = await host.open();
  expect([file.presentChunks, file.has(zeroChunk), file.isComplete]).toEqual([1, true, false]);
  expect(await file.readChunk(zeroChunk)).toEqual(Buffer.alloc(chunkBytes));
  expect(await file.readChunk(2)).toBeNull();
  await keepAll(file);
  for (let index = 0; index < chunks; index += 1) expect(await file.readChunk(index)).toEqual(chunkOf(image, index));
  expect(file.isComplete).toBe(true);
  expect(host.disk.files.get(`${directory}/data`)?.cached).toEqual(image.content);
});

test('a killed mirror finds what was kept more than a second ago, believed without hashing', async () => {
  const host = new Host();
  await keepAll(await host.open());
  await synced(host);
  host.disk.kill();
  const again = await host.open();
  expect([again.isComplete, again.believes(0, chunks - 1)]).toEqual([true, true]);
});

test('no bit is on the disk before the bytes of its chunk are', async () => {
  const host = new Host();
  const file = await host.open();
  await file.keep(0, chunkOf(image, 0));
  await host.clock.advance(1000);
  for (let done = 0; done < 20; done += 1) {
    const bits = host.disk.files.get(`${directory}/present`);
    const data = host.disk.files.get(`${directory}/data`);
    if (((bits?.cached[0] ?? 0) & 1) === 1) expect(data?.durable.subarray(0, chunkBytes)).toEqual(chunkOf(image, 0));
    await turn();
  }
  expect((host.disk.files.get(`${directory}/present`)?.durable[0] ?? 0) & 1).toBe(1);
});

test('after a loss of power every chunk is hashed before it is served, and rotten ones are missing', async () => {
  const host = new Host();
  await keepAll(await host.open());
  await synced(host);
  host.disk.losePower(() => true);
  host.disk.rot(`${directory}/data`, 2 * chunkBytes + 17);
  host.startAgain();
  const file = await host.open();
  expect([file.isFull, file.isComplete, file.believes(0, 0)]).toEqual([true, false, false]);
  expect(await file.readChunk(2)).toBeNull();
  expect(host.faults.map(String)).toEqual([expect.stringMatching(/Chunk 2 .* was damaged/)]);
  expect(file.has(2)).toBe(false);
  for (const index of [0, 1, 3, 4, 5, 6]) expect(await file.readChunk(index)).toEqual(chunkOf(image, index));
  expect(file.isTrusted).toBe(true);
  await file.keep(2, chunkOf(image, 2));
  expect(file.isComplete).toBe(true);
});

test('what was not yet hashed again stays doubtful when the mirror is killed or ends', async () => {
  const host = new Host();
  await keepAll(await host.open());
  await synced(host);
  host.disk.losePower(() => true);
  host.startAgain();
  const file = await host.open();
  await file.readChunk(0);
  host.disk.kill();
  const second = await host.open();
  expect(second.believes(0, 0)).toBe(false);
  await second.close();
  const third = await host.open();
  expect(third.isTrusted).toBe(false);
  for (let index = 0; index < chunks; index += 1) await third.readChunk(index);
  expect(third.isComplete).toBe(true);
  host.disk.kill();
  expect((await host.open()).isComplete).toBe(true);
});

test('an end in order is believed under the next boot, and not under the one after a crash', async () => {
  const host = new Host();
  const file = await host.open();
  await keepAll(file);
  await file.close();
  host.disk.losePower(() => false);
  host.startAgain();
  expect((await host.open()).isComplete).toBe(true);
  host.disk.losePower(() => false);
  host.startAgain();
  expect((await host.open()).isComplete).toBe(false);
});

test('a file that was cut short is not believed', async () => {
  const host = new Host();
  const file = await host.open();
  await keepAll(file);
  await file.close();
  const data = await host.disk.open(`${directory}/data`);
  await data.resize(3 * chunkBytes);
  const again = await host.open();
  expect(again.isTrusted).toBe(false);
  expect(await again.readChunk(0)).toEqual(chunkOf(image, 0));
  expect(await again.readChunk(5)).toBeNull();
  host.disk.kill();
  expect((await host.open()).isTrusted).toBe(false);
});

test('a full disk keeps nothing and breaks nothing, and what was opened on it is not believed later', async () => {
  const host = new Host();
  const file = await host.open();
  await file.keep(0, chunkOf(image, 0));
  await file.close();
  host.disk.isFull = true;
  host.startAgain();
  const again = await host.open();
  await expect(again.keep(1, chunkOf(image, 1))).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(again.has(1)).toBe(false);
  expect(await again.readChunk(0)).toEqual(chunkOf(image, 0));
  host.disk.isFull = false;
  await again.keep(1, chunkOf(image, 1));
  await synced(host);
  host.disk.losePower(() => false);
  host.startAgain();
  expect((await host.open()).believes(0, 0)).toBe(false);
});

test('when syncing fails, what was kept since is missing: the kernel may have dropped it', async () => {
  const host = new Host();
  const file = await host.open();
  await file.keep(0, chunkOf(image, 0));
  await synced(host);
  await file.keep(1, chunkOf(image, 1));
  host.disk.isBroken = true;
  await expect(file.flush()).rejects.toThrow('EIO');
  expect([file.has(0), file.has(1)]).toEqual([true, false]);
});

test('what is kept while a sync fails is missing too: the kernel drops it with the rest', async () => {
  const host = new Host();
  const file = await host.open();
  await file.keep(0, chunkOf(image, 0));
  host.disk.isBroken = true;
  const failing = expect(file.flush()).rejects.toThrow('EIO');
  const during = [file.keep(1, chunkOf(image, 1))];
  await turns(2);
  // Half of its bytes are written before the sync fails, and half after it.
  during.push(file.keep(2, chunkOf(image, 2)));
  await failing;
  host.disk.isBroken = false;
  await Promise.all(during);
  expect([0, 1, 2].map((index) => file.has(index))).toEqual([false, false, false]);
  await file.flush();
  for (const index of [0, 1, 2]) await served(file, index);
  for (const index of [0, 1, 2]) await file.keep(index, chunkOf(image, index));
  await synced(host);
  host.disk.kill();
  const again = await host.open();
  for (const index of [0, 1, 2]) await served(again, index);
  expect([0, 1, 2].map((index) => again.has(index))).toEqual([true, true, true]);
});

const state = (host: Host): unknown => {
  const file = host.disk.files.get(`${directory}/state.json`);
  return file === undefined ? null : JSON.parse(file.cached.toString('utf8'));
};

/** Whole and on the disk. */
async function wholeFile(host: Host): Promise<ChunkFile> {
  const file = await host.open();
  await keepAll(file);
  await synced(host);
  return file;
}

test('a chunk that rots while the mirror runs is found when it is read for others, and no other one is believed any more', async () => {
  const host = new Host();
  const file = await wholeFile(host);
  host.disk.rot(`${directory}/data`, 2 * chunkBytes + 17);
  expect(await file.readHashed(1)).toEqual(chunkOf(image, 1));
  expect([file.isComplete, host.changes]).toEqual([true, 0]);
  expect(await Promise.all([file.readHashed(2), file.readHashed(2)])).toEqual([null, null]);
  expect(host.faults.map(String)).toEqual([expect.stringMatching(/Chunk 2 .* was damaged/)]);
  expect([file.has(2), file.isComplete, file.believes(0, 0), file.damagedChunks, file.damagedIndexes]).toEqual([false, false, false, 1, [2]]);
  await until(() => state(host) === null);
  expect(host.changes).toBeGreaterThan(0);
  for (let index = 0; index < chunks; index += 1) await file.readChunk(index);
  expect([file.isTrusted, state(host)]).toEqual([true, { bootId: 'boot 1', clean: false, checkedAt: host.clock.now() }]);
  await file.keep(2, chunkOf(image, 2));
  expect([file.isComplete, file.damagedIndexes]).toEqual([true, []]);
});

test('what is doubted stays so when the mirror is killed or ends', async () => {
  const host = new Host();
  const file = await wholeFile(host);
  host.disk.rot(`${directory}/data`, 1);
  await file.recheck(0);
  await turns(50);
  host.disk.kill();
  const second = await host.open();
  expect([second.isTrusted, second.checkedAt]).toEqual([false, null]);
  await second.close();
  expect((await host.open()).isTrusted).toBe(false);
});

test('a chunk that rots while the last one is hashed again is not believed with the others', async () => {
  const host = new Host();
  await wholeFile(host);
  host.disk.losePower(() => true);
  host.startAgain();
  const file = await host.open();
  for (let index = 0; index < chunks - 1; index += 1) await file.readChunk(index);
  host.disk.rot(`${directory}/data`, 1);
  // The record of the belief is being written when the first one is found.
  const last = file.readChunk(chunks - 1);
  await turns(3);
  await file.recheck(0);
  await last;
  await turns(50);
  expect([file.isTrusted, file.believes(1, 1), state(host)]).toEqual([false, false, null]);
});

test('bytes in the place of zeros are found and made zeros again', async () => {
  const host = new Host();
  const file = await wholeFile(host);
  host.disk.rot(`${directory}/data`, zeroChunk * chunkBytes + 9);
  await file.recheck(zeroChunk);
  expect([file.damagedChunks, file.damagedIndexes, file.isTrusted]).toEqual([1, [], false]);
  expect(host.disk.files.get(`${directory}/data`)?.cached).toEqual(image.content);
  for (let index = 0; index < chunks; index += 1) await file.readChunk(index);
  expect(file.isComplete).toBe(true);
});

test('remembers over its ends when all of it was hashed last; what an earlier release left counts as long ago', async () => {
  const host = new Host();
  const file = await wholeFile(host);
  const bornAt = host.clock.now() - 1000;
  expect(file.checkedAt).toBe(bornAt);
  await file.noteChecked();
  const checkedAt = host.clock.now();
  await file.close();
  host.startAgain();
  const again = await host.open();
  expect([again.checkedAt, state(host)]).toEqual([checkedAt, { bootId: 'boot 2', clean: false, checkedAt }]);
  await again.close();
  await host.disk.replace(`${directory}/state.json`, Buffer.from('{"bootId":"boot 2","clean":true}\n'));
  const old = await host.open();
  expect([old.isComplete, old.checkedAt]).toEqual([true, null]);
});

test('nothing is written after the end', async () => {
  const host = new Host();
  await keepAll(await host.open());
  await synced(host);
  host.disk.losePower(() => true);
  host.disk.rot(`${directory}/data`, zeroChunk * chunkBytes + 9);
  host.startAgain();
  const file = await host.open();
  const reading = file.readChunk(zeroChunk);
  await file.abandon();
  expect(await reading).toEqual(Buffer.alloc(chunkBytes));
  await turns(20);
  expect([host.faults, host.disk.files.get(`${directory}/data`)?.cached[zeroChunk * chunkBytes + 9]]).toEqual([[], 0xff]);
});

type Step =
  | { readonly do: 'keep' | 'read'; readonly index: number }
  | { readonly do: 'rot'; readonly index: number }
  | { readonly do: 'wait'; readonly turns: number }
  | { readonly do: 'second' | 'sync fails' | 'kill' | 'end' | 'end and start again' }
  | { readonly do: 'lose power'; readonly keeps: readonly boolean[] };

const index = fc.nat(chunks - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('keep' as const), index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('second' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sync fails' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'end' as const, 'end and start again' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose power' as const), keeps: fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rot' as const), index }) },
);

async function served(file: ChunkFile, at: number): Promise<void> {
  const target = Buffer.alloc(chunkOf(image, at).length);
  if (file.believes(at, at) && file.readSync(target, 0, target.length, at * chunkBytes)) expect(target).toEqual(chunkOf(image, at));
  const chunk = await file.readChunk(at);
  if (chunk !== null) expect(chunk).toEqual(chunkOf(image, at));
}

test('whatever is killed, cut off, not synced or rots while the power is off, every byte that is served is right', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const host = new Host();
      let file = await host.open();
      for (const one of steps) {
        switch (one.do) {
          case 'keep':
            void file.keep(one.index, chunkOf(image, one.index));
            break;
          case 'read':
            await served(file, one.index);
            break;
          case 'wait':
            await turns(one.turns);
            break;
          case 'second':
            await host.clock.advance(1000);
            break;
          case 'sync fails':
            host.disk.isBroken = true;
            await file.flush().catch(() => undefined);
            host.disk.isBroken = false;
            break;
          case 'kill':
            host.disk.kill();
            file = await host.open();
            break;
          case 'end':
          case 'end and start again':
            await file.close();
            if (one.do === 'end and start again') host.startAgain();
            file = await host.open();
            break;
          case 'rot':
          case 'lose power': {
            let at = 0;
            const keeps = one.do === 'rot' ? [true] : one.keeps;
            host.disk.losePower(() => keeps[at++ % keeps.length] === true);
            if (one.do === 'rot') host.disk.rot(`${directory}/data`, one.index * chunkBytes + 5);
            host.startAgain();
            file = await host.open();
          }
        }
      }
      for (let at = 0; at < chunks; at += 1) await served(file, at);
    }),
    {
      numRuns: 200,
      examples: [
        // Zeros are written in the place of what rotted, all is believed before they are on the disk, and then they never come there.
        [[{ do: 'rot', index: zeroChunk }, { do: 'keep', index: zeroChunk }, { do: 'read', index: zeroChunk }, { do: 'sync fails' }]],
      ],
    },
  );
}, 60_000);

type LiveStep = { readonly do: 'keep' | 'rot' | 'hand on' | 'read' | 'recheck'; readonly index: number } | { readonly do: 'wait'; readonly turns: number } | { readonly do: 'second' | 'kill' | 'end' };

const liveStep: fc.Arbitrary<LiveStep> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constantFrom('keep' as const, 'rot' as const, 'hand on' as const, 'read' as const, 'recheck' as const), index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('second' as const, 'kill' as const, 'end' as const) }) },
);

test('whatever rots while the mirror runs, what is handed on is right, and after all of it was hashed what is believed is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(liveStep, { maxLength: 40 }), async (steps) => {
      const host = new Host();
      let file = await host.open();
      for (const one of steps) {
        switch (one.do) {
          case 'keep':
            void file.keep(one.index, chunkOf(image, one.index));
            break;
          case 'rot':
            host.disk.rot(`${directory}/data`, one.index * chunkBytes + 5);
            break;
          case 'hand on':
            void file.readHashed(one.index).then((chunk) => {
              if (chunk !== null && !chunk.equals(chunkOf(image, one.index))) host.wrong += 1;
            });
            break;
          case 'read':
            void file.readChunk(one.index);
            break;
          case 'recheck':
            void file.recheck(one.index);
            break;
          case 'wait':
            await turns(one.turns);
            break;
          case 'second':
            await host.clock.advance(1000);
            break;
          case 'kill':
          case 'end':
            if (one.do === 'kill') host.disk.kill();
            else await file.close();
            file = await host.open();
        }
      }
      await turns(50);
      for (let at = 0; at < chunks; at += 1) await file.recheck(at);
      for (let at = 0; at < chunks; at += 1) await served(file, at);
      expect([host.wrong, file.isTrusted]).toEqual([0, true]);
    }),
    { numRuns: 300 },
  );
}, 60_000);
