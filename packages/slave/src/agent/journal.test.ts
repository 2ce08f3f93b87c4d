import { mkdtemp, open, readFile, readdir, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import fc from 'fast-check';
import pino from 'pino';
import { FullDisk } from '../../test/fixtures/full-disk';
import { Journal } from './journal';
import { JournalFullError, JournalReserve } from './journal-room';
import { encodeRecord, scanJournal, type JournalRecord } from './journal-record';
import { applyRecord, emptyJournal, recordsOf, type JournalState } from './journal-state';
import { noMarks } from './marks';

// One that ran on after its time was up would write into what is being removed behind it.
jest.setTimeout(60_000);

const id = (n: number) => `0192f0c1-2345-7abc-8def-${String(n).padStart(12, '0')}`;
const image = { imageId: id(1), sha256: 'a'.repeat(64), sizeBytes: 1000, format: 'raw' as const };
const spec = {
  name: 'i-ubuntu-9af',
  vcpus: 1,
  ramMiB: 128,
  diskMiB: 64,
  disk: image,
  kernel: null,
  ramdisk: null,
  kernelArguments: '',
  mac: '00:16:3e:00:00:01',
  address: '10.77.0.10',
  bandwidthMbps: null,
  seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: [] },
};
const desired = (n: number, generation: number, state: DesiredState = 'running'): JournalRecord => ({
  kind: 'desired',
  desired: state === 'deleted' ? { instanceId: id(n), generation, desired: state, spec: null } : { instanceId: id(n), generation, desired: state, spec },
});
const records: readonly JournalRecord[] = [
  { kind: 'epoch', epoch: 1 },
  { kind: 'network', network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 } },
  { ...desired(1, 1), told: { utcMs: 1_772_000_000_000, uptimeMs: 12_345.5, hostBootId: 'b' } } as JournalRecord,
  { kind: 'marks', instanceId: id(1), marks: { ...noMarks, made: true } },
  desired(2, 7),
  { kind: 'result', result: { commandId: id(9), outcome: { ok: true, body: 'line one\nline two\n' } } },
  desired(2, 8, 'deleted'),
  { ...desired(3, 4, 'suspended'), told: { endsAt: '2026-03-02T10:00:00.000Z', utcMs: 1_772_000_000_000, uptimeMs: 12_345.5, hostBootId: 'b' } } as JournalRecord,
  { kind: 'marks', instanceId: id(1), marks: { ...noMarks, made: true, booted: true, ran: { generation: 1, hostBootId: 'b' } } },
];
const stateOf = (list: readonly JournalRecord[]): JournalState => list.reduce(applyRecord, emptyJournal);
const plain = (state: JournalState) => ({ ...state, instances: Object.fromEntries(state.instances), results: Object.fromEntries(state.results) });

const said: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void said.push(line) });
let directory: string;
beforeEach(async () => {
  said.length = 0;
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterEach(() => rm(directory, { recursive: true }));

const whole = Buffer.concat(records.map((record, index) => encodeRecord(index + 1, record)));

async function opened(bytes: Buffer): Promise<Journal> {
  await writeFile(join(directory, 'journal'), bytes);
  return Journal.open(directory, log);
}

test('what was appended is there after a restart, with its number', async () => {
  const first = await Journal.open(directory, log);
  for (const record of records) await first.append(record);
  await first.close();
  const second = await Journal.open(directory, log);
  expect(plain(second.state)).toEqual(plain(stateOf(records)));
  expect(second.highWater).toBe(records.length);
  await second.append({ kind: 'epoch', epoch: 2 });
  await second.close();
  const third = await Journal.open(directory, log);
  expect(third.state.epoch).toBe(2);
  await third.close();
  expect(said).toEqual([]);
});

test('cut at any byte, it keeps every whole record and goes on from there', () => {
  const ends = records.map((_, index) => Buffer.concat(records.slice(0, index + 1).map((record, at) => encodeRecord(at + 1, record))).length);
  for (let length = 0; length <= whole.length; length += 1) {
    const scan = scanJournal(whole.subarray(0, length));
    const kept = ends.filter((end) => end <= length).length;
    expect(scan.records.map(({ record }) => record)).toEqual(records.slice(0, kept));
    expect(scan.tornBytes).toBe(length - (ends[kept - 1] ?? 0));
    expect(scan.damagedLines).toBe(0);
  }
});

test('a torn end is cut from the file, said once, and written over', async () => {
  const journal = await opened(whole.subarray(0, whole.length - 5));
  expect(said.join()).toMatch(/half-written end/);
  expect(said.join()).toContain('"recovery":"torn-tail-cut"');
  await journal.append({ kind: 'epoch', epoch: 5 });
  await journal.close();
  said.length = 0;
  const again = await Journal.open(directory, log);
  expect(again.state.epoch).toBe(5);
  expect(said).toEqual([]);
  await again.close();
});

test('no flipped bit is ever believed', () => {
  fc.assert(
    fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
      const bytes = Buffer.from(whole);
      const at = bit >> 3;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      const scan = scanJournal(bytes);
      const got = scan.records.map(({ record }) => JSON.stringify(record));
      const truth = records.map((record) => JSON.stringify(record));
      for (const one of got) expect(truth).toContain(one);
      // One flip can cost one record, or two when it is the line feed between them.
      expect(got.length).toBeGreaterThanOrEqual(records.length - 2);
      expect(got.length).toBeLessThan(records.length);
    }),
    { numRuns: 2000 },
  );
});

test('damage in the middle is said loudly, the rest is kept, the damaged file too', async () => {
  const bytes = Buffer.from(whole);
  const second = encodeRecord(1, records[0] as JournalRecord).length + 30;
  bytes[second] = (bytes[second] ?? 0) ^ 1;
  const journal = await opened(bytes);
  expect(journal.state.network).toBeNull();
  expect(journal.state.instances.size).toBe(3);
  expect(said.join()).toMatch(/damaged in the middle/);
  await journal.close();
  expect((await readdir(directory)).some((name) => name.startsWith('journal.damaged-'))).toBe(true);
  said.length = 0;
  await (await Journal.open(directory, log)).close();
  expect(said).toEqual([]);
});

test('compaction keeps the state and the numbering, and a tombstone keeps the MAC it needs', async () => {
  const journal = await Journal.open(directory, log, { compactAboveBytes: 3000 });
  for (const record of records) await journal.append(record);
  for (let epoch = 2; epoch < 200; epoch += 1) await journal.append({ kind: 'epoch', epoch });
  const { highWater } = journal;
  await journal.close();
  expect((await readFile(join(directory, 'journal'))).length).toBeLessThan(12_000);
  const again = await Journal.open(directory, log);
  expect(again.state.epoch).toBe(199);
  expect(plain({ ...again.state, epoch: 0 })).toEqual(plain({ ...stateOf(records), epoch: 0 }));
  expect(again.state.instances.get(id(2))?.spec?.mac).toBe(spec.mac);
  expect(again.highWater).toBe(highWater);
  await again.close();
});

test('appends of one moment share a sync and all resolve, also across a compaction', async () => {
  const journal = await Journal.open(directory, log, { compactAboveBytes: 500 });
  await Promise.all(Array.from({ length: 300 }, (_, index) => journal.append(desired(index % 5, 10 + index))));
  await journal.close();
  const again = await Journal.open(directory, log);
  expect([...again.state.instances.values()].map((one) => one.desired?.generation).sort()).toEqual([305, 306, 307, 308, 309]);
  await again.close();
});

test('the records of a state add up to that state', () => {
  expect(plain(stateOf(recordsOf(stateOf(records))))).toEqual(plain(stateOf(records)));
});

test('forgetting spares a newer order', () => {
  const state = stateOf([desired(1, 3, 'deleted'), desired(1, 4), { kind: 'forgotten', instanceId: id(1), generation: 3 }]);
  expect(state.instances.get(id(1))?.desired).toMatchObject({ generation: 4, desired: 'running' });
  expect(stateOf([desired(1, 3, 'deleted'), { kind: 'forgotten', instanceId: id(1), generation: 3 }]).instances.size).toBe(0);
});

test('a closed journal accepts nothing more', async () => {
  const journal = await Journal.open(directory, log);
  await journal.close();
  await expect(journal.append({ kind: 'epoch', epoch: 1 })).rejects.toThrow(/closed/);
});

test('a record is in force only when it is on the disk', async () => {
  const journal = await Journal.open(directory, log);
  const appended = journal.append({ kind: 'epoch', epoch: 1 });
  expect([journal.state.epoch, journal.highWater]).toEqual([0, 0]);
  await appended;
  expect([journal.state.epoch, journal.highWater]).toEqual([1, 1]);
  await journal.close();
});

describe.each(['appendFile', 'datasync'] as const)('when the disk fails in %s', (call) => {
  afterEach(() => jest.restoreAllMocks());

  test('what was being written is never in force, not after a restart either, and the agent is told to end', async () => {
    const broken: Error[] = [];
    const journal = await Journal.open(directory, log, { onBroken: (error) => broken.push(error) });
    await journal.append(desired(1, 1));
    const full = Object.assign(new Error('i/o error'), { code: 'EIO' });
    if (call === 'datasync') await failNext('datasync', () => Promise.reject(full));
    // Some of the bytes are there.
    else await failNext('appendFile', async (file, bytes) => {
      await file.write((bytes as Buffer).subarray(0, 30));
      throw full;
    });
    const lost = [journal.append(desired(1, 2)), journal.append(desired(2, 1))];
    for (const each of lost) await expect(each).rejects.toMatchObject({ cause: full });
    expect(broken).toHaveLength(1);
    await expect(journal.append(desired(3, 1))).rejects.toThrow(/could not be written/);
    expect([...journal.state.instances.values()].map((one) => one.desired?.generation)).toEqual([1]);
    expect(journal.highWater).toBe(1);
    await journal.close();

    const again = await Journal.open(directory, log);
    expect(plain(again.state)).toEqual(plain(stateOf([desired(1, 1)])));
    await again.append(desired(1, 2));
    expect(again.highWater).toBe(2);
    await again.close();
    expect(said).toEqual([]);
  });
});

describe('when the disk is full', () => {
  let disk: FullDisk | null = null;
  afterEach(() => disk?.free());
  const generations = (journal: Journal) => [...journal.state.instances.values()].map((one) => one.desired?.generation);

  test('the reserve lets some more orders be kept, and it is told', async () => {
    const journal = await Journal.open(directory, log, { reserveBytes: 4096 });
    const told: boolean[] = [];
    journal.watchRoom(() => told.push(journal.isShort));
    await journal.append(desired(1, 1));
    expect((await stat(join(directory, 'journal.reserve'))).size).toBe(4096);
    disk = await FullDisk.fill();
    // The room that the reserve held is there again at once.
    const given = jest.spyOn(JournalReserve.prototype, 'giveUp').mockImplementationOnce(async () => {
      disk?.free();
      await rm(join(directory, 'journal.reserve'));
      return true;
    });
    await journal.append(desired(1, 2));
    given.mockRestore();
    expect([generations(journal), journal.isShort, journal.isFull, told]).toEqual([[2], true, false, [true]]);
    await journal.lookForRoom();
    expect([journal.isShort, told]).toEqual([false, [true, false]]);
    await journal.close();
    const again = await Journal.open(directory, log);
    expect(generations(again)).toEqual([2]);
    await again.close();
    expect(said).toEqual([]);
  });

  test('it refuses for now, believes nothing that was refused, and goes on in a new file when there is room', async () => {
    const broken: Error[] = [];
    const journal = await Journal.open(directory, log, { onBroken: (error) => broken.push(error) });
    await journal.append(desired(1, 1));
    const before = await stat(join(directory, 'journal'));
    disk = await FullDisk.fill();
    await expect(journal.append(desired(1, 2))).rejects.toThrow(JournalFullError);
    await expect(journal.append(desired(2, 1))).rejects.toThrow(/no room in/);
    await journal.lookForRoom();
    expect([generations(journal), journal.isFull, journal.highWater]).toEqual([[1], true, 1]);
    // Half-written files would hold the room that is missing.
    expect(await readdir(directory)).toEqual(['journal']);
    expect((await stat(join(directory, 'journal'))).size).toBe(before.size);
    disk.free();
    await journal.lookForRoom();
    expect([journal.isFull, journal.isShort]).toEqual([false, false]);
    expect((await stat(join(directory, 'journal'))).ino).not.toBe(before.ino);
    await journal.append(desired(1, 2));
    await journal.close();
    const again = await Journal.open(directory, log);
    expect(generations(again)).toEqual([2]);
    await again.close();
    expect([broken, said]).toEqual([[], []]);
  });

  test('an order is kept that failed only because the reserve was being made anew just then', async () => {
    disk = await FullDisk.fill();
    const journal = await Journal.open(directory, log, { reserveBytes: 4096 });
    disk.free();
    // Short, with room for orders and none for a reserve.
    await journal.append(desired(1, 1));
    const noRoom = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    let making = true;
    let settle: () => void = () => undefined;
    const probe = await open(join(directory, 'probe'), 'w');
    const methods = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    const real = methods.appendFile;
    const append = jest.spyOn(methods, 'appendFile').mockImplementation(async function (this: FileHandle, bytes) {
      if (making) throw noRoom;
      return real.call(this, bytes);
    });
    const fillUp = new Promise<void>((resolve) => (settle = resolve));
    const write = jest.spyOn(methods, 'writeFile').mockImplementationOnce(async () => {
      await fillUp;
      making = false;
      throw noRoom;
    });
    const called = async (spy: jest.SpyInstance): Promise<void> => {
      while (spy.mock.calls.length === 0) await new Promise(setImmediate);
    };
    try {
      const looking = journal.lookForRoom();
      await called(write);
      const kept = journal.append(desired(1, 2));
      await called(append);
      settle();
      await Promise.all([kept, looking]);
      expect([generations(journal), journal.isShort, journal.isFull]).toEqual([[2], true, false]);
    } finally {
      append.mockRestore();
      write.mockRestore();
      await journal.close();
    }
  });

  test('a start finds what is there, says that it is short of room, and needs none', async () => {
    await (await opened(whole)).close();
    await rm(join(directory, 'journal.reserve'));
    disk = await FullDisk.fill();
    const journal = await Journal.open(directory, log);
    expect([plain(journal.state), journal.isShort]).toEqual([plain(stateOf(records)), true]);
    await expect(journal.append({ kind: 'epoch', epoch: 7 })).rejects.toThrow(JournalFullError);
    disk.free();
    await journal.lookForRoom();
    await journal.append({ kind: 'epoch', epoch: 7 });
    expect(journal.state.epoch).toBe(7);
    await journal.close();
  });

  test('a damaged journal is put aside before it is mended, however late there is room', async () => {
    const bytes = Buffer.from(whole);
    const second = encodeRecord(1, records[0] as JournalRecord).length + 30;
    bytes[second] = (bytes[second] ?? 0) ^ 1;
    await writeFile(join(directory, 'journal'), bytes);
    disk = await FullDisk.fill();
    const journal = await Journal.open(directory, log);
    expect([journal.state.instances.size, journal.isFull]).toEqual([3, true]);
    disk.free();
    await journal.lookForRoom();
    await journal.close();
    const kept = (await readdir(directory)).find((name) => name.startsWith('journal.damaged-'));
    expect(await readFile(join(directory, kept ?? ''))).toEqual(bytes);
  });

  test('whatever fills and frees it, only what was acknowledged is in force, and all of it', async () => {
    const moves = fc.array(fc.oneof(fc.constant('fill' as const), fc.constant('free' as const), fc.constant('look' as const), fc.constant('append' as const), fc.constant('restart' as const)), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(moves, fc.nat(3), async (list, fits) => {
        const place = await mkdtemp(join(directory, 'run-'));
        let journal = await Journal.open(place, log, { compactAboveBytes: 1500, reserveBytes: 64 });
        let acknowledged = 0;
        let epoch = 0;
        for (const move of list) {
          if (move === 'fill') {
            disk?.free();
            disk = await FullDisk.fill(fits);
          } else if (move === 'free') disk?.free();
          else if (move === 'look') await journal.lookForRoom();
          else if (move === 'restart') {
            await journal.close();
            journal = await Journal.open(place, log, { compactAboveBytes: 1500, reserveBytes: 64 });
          } else {
            epoch += 1;
            await journal.append({ kind: 'epoch', epoch }).then(
              () => (acknowledged = epoch),
              (error: unknown) => expect(error).toBeInstanceOf(JournalFullError),
            );
          }
          expect(journal.state.epoch).toBe(acknowledged);
        }
        disk?.free();
        await journal.lookForRoom();
        await journal.append({ kind: 'epoch', epoch: epoch + 1 });
        await journal.close();
        const again = await Journal.open(place, log);
        expect(again.state.epoch).toBe(epoch + 1);
        await again.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** The next call of a file's method does this instead. */
async function failNext(method: 'appendFile' | 'datasync', instead: (file: FileHandle, bytes: unknown) => Promise<void>): Promise<void> {
  const probe = await open(join(directory, 'probe'), 'w');
  const methods = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const failing = function (this: FileHandle, bytes?: unknown): Promise<void> {
    return instead(this, bytes);
  };
  jest.spyOn(methods, method).mockImplementationOnce(failing as FileHandle['datasync']);
}

test('a journal of an agent that knew no ends is read, without the moments it did not note', async () => {
  const marksThen = { ...noMarks, made: true, timeEnded: undefined };
  const before = Buffer.concat([encodeRecord(1, desired(1, 1)), encodeRecord(2, { kind: 'marks', instanceId: id(1), marks: marksThen } as unknown as JournalRecord)]);
  const journal = await opened(before);
  await journal.close();
  expect(journal.state.instances.get(id(1))).toMatchObject({ told: null, marks: { ...noMarks, made: true } });
});
