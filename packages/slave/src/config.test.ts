import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from './config';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'paravcl-slave-config-'))));
afterEach(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

it('reads the default file when it is there and no other one is named', () => {
  const byDefault = file('slave.yaml', 'diskSlots: 7\n');
  const named = file('other.yaml', 'diskSlots: 9\n');
  expect(readConfig({}, {}, byDefault).diskSlots).toBe(7);
  expect(readConfig({ config: named }, {}, byDefault).diskSlots).toBe(9);
  expect(readConfig({}, {}, join(directory, 'none.yaml')).diskSlots).toBe(4);
});

it('does not pass over a default file that cannot be read', () => {
  const byDefault = join(file('slave.yaml', ''), 'beneath-a-file.yaml');
  expect(() => readConfig({}, {}, byDefault)).toThrow(/beneath-a-file\.yaml cannot be read/);
});

it('lays the environment over the file and the command line over both', () => {
  const byDefault = file('slave.yaml', 'stateDir: /from/file\nlogLevel: warn\nlibvirtUri: test:///default\n');
  const config = readConfig({ stateDir: '/from/line' }, { PARAVCL_SLAVE_STATE_DIR: '/from/environment', PARAVCL_SLAVE_LOG_LEVEL: 'debug' }, byDefault);
  expect(config).toMatchObject({ stateDir: '/from/line', poolDir: '/from/line/pool', logLevel: 'debug', libvirtUri: 'test:///default' });
});
