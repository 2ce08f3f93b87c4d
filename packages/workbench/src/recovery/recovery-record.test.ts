import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { longRun, readRecoveryRecord, recordFileOf, recoveryRecordFile, writeRecoveryRecord, type RecoveryRecord } from './recovery-record';

let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'record-'))));
afterEach(() => rm(home, { recursive: true }));

const record: RecoveryRecord = {
  at: '2026-11-20T22:00:00.000Z',
  commit: '107db5f',
  dirty: false,
  seed: 7,
  faults: 200,
  byKind: { 'kill-master': 20 },
  byStage: { booting: 30 },
  violations: [],
  convergeS: 4.2,
  unknownCalls: 12,
  ends: { done: 300, failed: 1, superseded: 20 },
  paths: { 'torn-tail-cut': 3 },
};

test('a record is read back as it was written, also into a directory that is not there yet', async () => {
  const file = join(home, 'cache', 'record.json');
  await writeRecoveryRecord(record, file);
  expect(await readRecoveryRecord(file)).toEqual(record);
});

test('a short run leaves the record of the long one alone', () => {
  expect(recordFileOf(longRun)).toBe(recoveryRecordFile);
  expect(recordFileOf(longRun - 1)).not.toBe(recoveryRecordFile);
});

test('where there is no record there is none, and no error', async () => {
  expect(await readRecoveryRecord(join(home, 'record.json'))).toBeNull();
});

test.each(['{"at":"2026-11-20T22:00:00.000Z"}', '{"at":'])('a record that cannot be understood counts as none: %s', async (text) => {
  const file = join(home, 'record.json');
  await writeFile(file, text);
  expect(await readRecoveryRecord(file)).toBeNull();
});
