/** "Who may launch an image may not download it", also not as somebody with an account on the host: asked as other users, really. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@paravcl/workbench/eventually';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { buildSync } from 'esbuild';
import { readQemuOwner, type QemuOwner } from '../../src/describe/qemu-account';
import { MirrorClient } from '../../src/disks/mirror-client';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { HonestSource, imageOf, testContent } from '../fixtures/test-image';

jest.setTimeout(60_000);

const disk = imageOf(testContent(1024 * 1024, 7));
/** Of a person who happens to have an account on this PC: nobody(5). */
const somebody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const asQemu = ({ uid, gid }: QemuOwner): readonly string[] => [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];

let pool: string;
let qemu: QemuOwner;

beforeEach(async () => {
  pool = mkdtempSync(join(tmpdir(), 'mirror-privacy-'));
  chmodSync(pool, 0o711);
  const owner = await readQemuOwner();
  if (owner === null) throw new Error('libvirt’s QEMU user is missing');
  qemu = owner;
});
afterEach(() => rmSync(pool, { recursive: true }));

const readAs = (who: readonly string[], path: string): Buffer => execFileSync('setpriv', [...who, '--', 'cat', '--', path], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, LC_ALL: 'C' } });
const modeOf = (path: string): number => statSync(path).mode & 0o7777;
const data = (): string => join(pool, 'mirror', 'images', disk.id, 'data');

test('an image is read by QEMU’s user and by nobody else of the host, be it being brought or whole', async () => {
  const mirror = await MirrorOfPool.start(pool, new HonestSource(disk));
  const client = new MirrorClient(pool);
  await client.ask(disk.id, 'serve');
  expect(() => readAs(somebody, data())).toThrow();
  await eventually('the whole image', 30_000, async () => ((await client.ask(disk.id, 'whole')).complete ? true : undefined));
  expect(() => readAs(somebody, data())).toThrow();
  expect(readAs(asQemu(qemu), data()).equals(disk.content)).toBe(true);
  // Nor is a name or a size told.
  for (const directory of [join(pool, 'mirror'), join(pool, 'mirror', 'images'), join(pool, 'mirror', 'images', disk.id)]) {
    expect(modeOf(directory)).toBe(0o710);
    expect(statSync(directory)).toMatchObject({ uid: 0, gid: qemu.gid });
  }
  await mirror.stop();
});

test('what an earlier release left open to all is closed when the mirror starts, also what libvirt gave to QEMU’s user and with no more rights than its unit has', async () => {
  const directory = join(pool, 'mirror', 'images', disk.id);
  mkdirSync(directory, { recursive: true });
  for (const each of [join(pool, 'mirror'), join(pool, 'mirror', 'images'), directory]) chmodSync(each, 0o711);
  for (const name of ['data', 'manifest']) {
    writeFileSync(join(directory, name), disk.content);
    chmodSync(join(directory, name), 0o644);
  }
  chownSync(data(), qemu.uid, qemu.gid);
  expect(readAs(somebody, data()).equals(disk.content)).toBe(true);

  const script = join(pool, 'close.js');
  const contents = `import { keepFromOthers } from ${JSON.stringify(join(__dirname, '../../src/mirror/file-layer.ts'))}; void keepFromOthers(${JSON.stringify(join(pool, 'mirror'))}, ${qemu.gid});`;
  buildSync({ stdin: { contents, resolveDir: __dirname, loader: 'ts' }, outfile: script, bundle: true, platform: 'node' });
  const unit = readFileSync(join(__dirname, '../../systemd/paravcl-mirror.service'), 'utf8');
  const allowed = (/^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? []).map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`);
  await runProgram('setpriv', [`--bounding-set=${['-all', ...allowed].join(',')}`, '--inh-caps=-all', '--', process.execPath, script]);

  for (const name of ['data', 'manifest']) {
    expect(() => readAs(somebody, join(directory, name))).toThrow();
    expect(modeOf(join(directory, name))).toBe(0o640);
  }
  // libvirt counts who uses it: with another owner no second guest starts from it.
  expect(statSync(data())).toMatchObject({ uid: qemu.uid, gid: qemu.gid });
  expect(modeOf(directory)).toBe(0o710);
  expect(modeOf(join(pool, 'mirror'))).toBe(0o710);
  expect(readAs(asQemu(qemu), data()).equals(disk.content)).toBe(true);
});
