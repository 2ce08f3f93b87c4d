import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionNames, readConfig } from './config';

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

it('lends the whole host unless an offer says less, and refuses an offer of nothing', () => {
  expect(readConfig({ config: file('none.yaml', '') }, {}).offer).toEqual({});
  expect(readConfig({ config: file('some.yaml', 'offer: {cores: 2, ramMiB: 2048}\n') }, {}).offer).toEqual({ cores: 2, ramMiB: 2048 });
  expect(() => readConfig({ config: file('no-cores.yaml', 'offer: {cores: 0}\n') }, {})).toThrow(/offer\.cores/);
});

it('serves other hosts on port 7443 unless told another one, or none', () => {
  expect(readConfig({ config: file('none.yaml', '') }, {}).mirror).toEqual({ peerPort: 7443, prefetchMbps: 400, preCopyMbps: 100 });
  expect(readConfig({ config: file('alone.yaml', 'mirror: {peerPort: 0, cacheMiB: 4096}\n') }, {}).mirror).toMatchObject({ peerPort: 0, cacheMiB: 4096 });
  expect(() => readConfig({ config: file('name.yaml', 'mirror: {peerAddress: some-host}\n') }, {})).toThrow(/mirror\.peerAddress/);
});

it('has an example file that holds the defaults and names every option', () => {
  const example = join(__dirname, '../paravcl-slave.example.yaml');
  expect(readConfig({ config: example }, {})).toEqual(readConfig({ config: file('empty.yaml', '') }, {}));
  const text = readFileSync(example, 'utf8');
  expect(optionNames.length).toBeGreaterThan(17);
  expect(optionNames.filter((name) => !new RegExp(`^[# ]*${name}:`, 'm').test(text))).toEqual([]);
});
