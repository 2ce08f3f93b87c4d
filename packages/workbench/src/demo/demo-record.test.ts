import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimStateDirectory, readDemoRecord, StateDirectoryError, type DemoRecord } from './demo-record';
import { stopDemo } from './stop-demo';

const record: DemoRecord = {
  state: 'making',
  url: 'https://127.0.0.1:8443',
  startedAt: '2026-11-20T20:00:00.000Z',
  driver: 'simulated',
  network: { name: 'paravcl-demo', bridge: 'pvcldemo0', cidr: '10.213.0.0/24' },
  hostDaemons: [],
};
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-record-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('a directory with somebody’s files in it is refused and stays as it is', async () => {
  await writeFile(join(directory, 'thesis.txt'), 'three years');
  await expect(claimStateDirectory(directory, record)).rejects.toThrow(StateDirectoryError);
  expect(await readdir(directory)).toEqual(['thesis.txt']);
});

test('a file is refused and stays as it is; a directory without a parent is not made', async () => {
  const file = join(directory, 'file');
  await writeFile(file, 'mine');
  await expect(claimStateDirectory(file, record)).rejects.toThrow(/not a directory/);
  expect(await readFile(file, 'utf8')).toBe('mine');
  await expect(claimStateDirectory(join(directory, 'no', 'where'), record)).rejects.toThrow(/--state/);
});

test('ending a demo removes what it made, and nothing that came to lie beside it', async () => {
  const state = join(directory, 'state');
  await claimStateDirectory(state, record);
  expect(await readDemoRecord(state)).toEqual(record);
  await writeFile(join(state, 'master.log'), 'log');
  await writeFile(join(state, 'notes.txt'), 'mine');
  await stopDemo(state, record, () => undefined);
  expect(await readdir(state)).toEqual(['notes.txt']);
  await rm(join(state, 'notes.txt'));
  await stopDemo(state, record, () => undefined);
  expect(await readdir(directory)).toEqual([]);
});

test('a demo is not ended under a program of others, which is told with the way to end it', async () => {
  const state = join(directory, 'state');
  await claimStateDirectory(state, record);
  await writeFile(join(state, 'master.log'), 'log');
  const other = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => undefined, 1000)', '--', join(state, 'master.yaml')], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(other.stdout, 'data');
    await expect(stopDemo(state, record, () => undefined)).rejects.toThrow(new RegExp(`held by a process that this program did not start: ${String(other.pid)} .*kill ${String(other.pid)};`));
    expect((await readdir(state)).sort()).toEqual(['demo.json', 'master.log']);
  } finally {
    other.kill();
    await once(other, 'exit');
  }
  await stopDemo(state, record, () => undefined);
  expect(await readdir(directory)).toEqual([]);
});
