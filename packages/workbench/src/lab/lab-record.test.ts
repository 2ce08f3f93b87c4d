import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf } from '../process/process-identity';
import { withLockOf } from './directory-lock';
import { claimDirectory, labFiles, readLabRecord, removeDead, writeLabRecord, type LabRecord } from './lab-record';

let home: string;
let directory: string;
let said: string[];
const say = (line: string): void => void said.push(line);

function record(supervisor: LabRecord['supervisor']): LabRecord {
  return { state: 'ready', supervisor, inside: null, url: 'https://127.0.0.1:8443', hosts: ['host-1'], startedAt: '2026-11-20T20:00:00.000Z' };
}

function self(): LabRecord['supervisor'] {
  const identity = identityOf(process.pid);
  if (identity === null) throw new Error('not found');
  return identity;
}

beforeEach(async () => {
  home = await mkdtemp('/tmp/lab-');
  directory = join(home, 'lab');
  said = [];
});
afterEach(() => rm(home, { recursive: true }));

test('a new directory is made, an empty one is taken, and nothing is said', async () => {
  await claimDirectory(directory, say);
  expect(await readdir(directory)).toEqual(['lab.json']);
  await rm(labFiles(directory).record);
  await claimDirectory(directory, say);
  expect(await readLabRecord(directory)).toMatchObject({ state: 'making', supervisor: self() });
  expect(said).toEqual([]);
});

test('what a dead lab left is removed and told', async () => {
  await claimDirectory(directory, say);
  await writeLabRecord(directory, record({ ...self(), startTicks: '1' }));
  await writeFile(join(directory, 'admin-password'), 'old');
  await claimDirectory(directory, say);
  expect(await readdir(directory)).toEqual(['lab.json']);
  expect(said).toEqual([expect.stringContaining('has ended without "down"')]);
});

test('a lab that lives is left alone, and how to use or end it is told', async () => {
  await claimDirectory(directory, say);
  await writeLabRecord(directory, record(self()));
  await expect(claimDirectory(directory, say)).rejects.toThrow(/A lab runs in .* at https:\/\/127\.0\.0\.1:8443\. .*status.*down/);
  expect(await readLabRecord(directory)).toEqual(record(self()));
});

test('of labs that are begun at once in one directory, one has it, and the others are told so without harm to it', async () => {
  const outcomes = await Promise.allSettled([claimDirectory(directory, say), claimDirectory(directory, say), claimDirectory(directory, say)]);
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
  expect(refused).toHaveLength(2);
  for (const sentence of refused) expect(sentence).toMatch(/is being made in .* at this moment.*another directory/);
  expect(refused.join(' ')).not.toContain('down');
});

test('of labs that are begun at once over a dead one, one has the directory, and its claim is there', async () => {
  for (let round = 0; round < 10; round += 1) {
    await rm(directory, { recursive: true, force: true });
    await claimDirectory(directory, say);
    await writeLabRecord(directory, record({ ...self(), startTicks: '1' }));
    await Promise.all(Array.from({ length: 40 }, (_, number) => writeFile(join(directory, `disk-${String(number)}`), '')));
    said = [];
    const outcomes = await Promise.allSettled([claimDirectory(directory, say), claimDirectory(directory, say), claimDirectory(directory, say)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(String(outcome.reason)).toMatch(/is being made in .* at this moment/);
    expect(said).toHaveLength(1);
    expect(await readdir(directory)).toEqual(['lab.json']);
    expect(await readLabRecord(directory)).toMatchObject({ state: 'making', supervisor: self() });
  }
});

const dead = (startTicks: string): LabRecord => record({ ...self(), startTicks });

test('who comes late to remove a dead lab leaves the one that was begun there since', async () => {
  await claimDirectory(directory, say);
  const fresh = await readLabRecord(directory);
  expect(await removeDead(directory, dead('1'))).toBe(false);
  expect(await readLabRecord(directory)).toEqual(fresh);
  expect(await readdir(directory)).toEqual(['lab.json']);
});

test('of several that remove a dead lab one does, and nothing is left', async () => {
  await claimDirectory(directory, say);
  await writeLabRecord(directory, dead('1'));
  const outcomes = await Promise.all([1, 2, 3].map(() => removeDead(directory, dead('1'))));
  expect(outcomes.filter((removed) => removed)).toHaveLength(1);
  expect(await readdir(home)).toEqual([]);
  expect(await removeDead(directory, dead('1'))).toBe(false);
});

test('a removal of which the remover was killed is taken over', async () => {
  await claimDirectory(directory, say);
  await writeLabRecord(directory, dead('1'));
  const held = `\\0paravcl-lab-${createHash('sha256').update(directory).digest('hex')}`;
  const remover = spawn(process.execPath, ['-e', `require('net').createServer().listen('${held}', () => console.log('held'))`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(remover.stdout, 'data');
  expect(await removeDead(directory, dead('1'))).toBe(false);
  await expect(claimDirectory(directory, say)).rejects.toThrow(/is being made/);
  remover.kill('SIGKILL');
  await once(remover, 'close');
  expect(await removeDead(directory, dead('1'))).toBe(true);
  expect(await readdir(home)).toEqual([]);
});

test('a dead lab that somebody else removes at this moment is left to that one', async () => {
  await claimDirectory(directory, say);
  await writeLabRecord(directory, dead('1'));
  await withLockOf(directory, () => expect(claimDirectory(directory, say)).rejects.toThrow(/is being made/));
  expect(await readLabRecord(directory)).toEqual(dead('1'));
  expect(said).toEqual([]);
});

test('a directory with somebody else’s things is not touched', async () => {
  await mkdir(directory);
  await writeFile(join(directory, 'thesis.tex'), '');
  await expect(claimDirectory(directory, say)).rejects.toThrow(/not empty and not a lab's.*--dir/);
  expect(await readdir(directory)).toEqual(['thesis.tex']);
});

test('a record that cannot be read is not taken for a dead lab', async () => {
  await claimDirectory(directory, say);
  await writeFile(labFiles(directory).record, '{"state": "ready"}');
  await expect(claimDirectory(directory, say)).rejects.toThrow(/cannot be read.*remove it by hand/);
});

test('a path in which sockets would be too long is refused with the limit', async () => {
  await expect(claimDirectory(`/var/tmp/${'x'.repeat(40)}`, say)).rejects.toThrow(/49 bytes long; a lab's directory may have 34/);
});
