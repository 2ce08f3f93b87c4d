/** The mirror's unit leaves it few of root's rights; these are enough for files that libvirt gave to QEMU's user. */
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { buildSync } from 'esbuild';

jest.setTimeout(60_000);

/** Not root's; who it is does not matter. */
const otherUser = 54_321;
const openScript = (path: string): string => `import { hostFiles } from ${JSON.stringify(join(__dirname, '../../src/mirror/file-layer.ts'))};
void hostFiles.open(${JSON.stringify(path)}).then(async (file) => {
  const bytes = Buffer.alloc(5);
  await file.read(bytes, 0, 5, 0);
  await file.write(Buffer.from('again'), 0);
  await file.close();
  process.stdout.write(bytes);
});`;

let directory: string;
let data: string;
let script: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-unit-'));
  data = join(directory, 'data');
  script = join(directory, 'open.js');
  buildSync({ stdin: { contents: openScript(data), resolveDir: __dirname, loader: 'ts' }, outfile: script, bundle: true, platform: 'node' });
  writeFileSync(data, 'bytes');
  chmodSync(data, 0o600);
  chownSync(data, otherUser, otherUser);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** As root with these capabilities and no other, written as in a unit. */
const openWith = (capabilities: readonly string[]): Promise<string> =>
  runProgram('setpriv', [`--bounding-set=${['-all', ...capabilities.map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`)].join(',')}`, '--inh-caps=-all', '--', process.execPath, script]);

test('the mirror under its unit opens a file again that libvirt left to QEMU’s user, and without DAC_OVERRIDE could not', async () => {
  const unit = readFileSync(join(__dirname, '../../systemd/paravcl-mirror.service'), 'utf8');
  const allowed = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
  expect(await openWith(allowed)).toBe('bytes');
  expect(readFileSync(data, 'utf8')).toBe('again');
  await expect(openWith(allowed.filter((name) => name !== 'CAP_DAC_OVERRIDE'))).rejects.toMatchObject({ stderr: expect.stringContaining('EACCES') as string });
});
