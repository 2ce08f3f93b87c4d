import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QemuLogs } from './qemu-logs';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'qemu-logs-'))));
afterEach(() => rm(directory, { recursive: true }));

test('the logs of one domain go, rotated ones too, and those of others stay, however alike they are called', async () => {
  const others = ['pv-i-a.log-kept', 'pv-i-a.logs', 'pv-i-a2.log', 'pv-i-a2.log.0', 'xpv-i-a.log'];
  for (const name of ['pv-i-a.log', 'pv-i-a.log.0', 'pv-i-a.log.12', ...others]) await writeFile(join(directory, name), '');
  await new QemuLogs(directory).forget('pv-i-a');
  expect((await readdir(directory)).sort()).toEqual(others.sort());
});

test('where there are none, nothing is said', async () => {
  await expect(new QemuLogs(join(directory, 'absent')).forget('pv-i-a')).resolves.toBeUndefined();
});
