import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { sendSignal } from '@paravcl/workbench/process/send-signal';
import { buildSync } from 'esbuild';
import { readLayers } from '../../src/disks/layers-file';
import type { PoolDiskSnapshots } from '../../src/disks/pool-disk-snapshots';
import type { DiskSwitch, SwitchedDisk } from '../../src/hypervisor/driver';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { virsh } from '../fixtures/real-host';
import { lastMark, rebuilt, wish, WritingGuests } from '../fixtures/writing-guests';

jest.setTimeout(300_000);

const rig = new WritingGuests({ name: 'pv-snapf', bridge: 'pvsnapf0', gateway: '10.96.0.1', prefix: 16 });
const { counted, counts, heldBy, layersOf, path, started, until } = rig;
let snapshots: PoolDiskSnapshots;

beforeAll(() => rig.up());
beforeEach(() => {
  snapshots = rig.snapshots();
});
afterEach(() => rig.clear());
afterAll(() => rig.down());

/** Kills the process and waits until it is gone. */
async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'close');
  if (child.pid !== undefined) sendSignal(child.pid, 'SIGKILL');
  await gone;
}

test('whatever a process that is killed again and again was at, the guest loses nothing and the next process goes on', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const script = join(rig.directory, 'snapshot-process.js');
  buildSync({ entryPoints: [join(__dirname, '../fixtures/snapshot-process.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: script, logLevel: 'error' });
  const said: string[] = [];
  for (let kills = 0; kills < 8; kills += 1) {
    const child = spawn(process.execPath, [script, rig.pool, rig.slaveId, JSON.stringify(wish(guest)), JSON.stringify(rig.network)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter((line) => line !== '')));
    // A moment after one of its words, another one each time, so that it meets each of its acts.
    const word = ['freeze', 'frozen', 'delta', 'ended'][kills % 4] ?? '';
    await until(`it says ${word}`, () => lines.filter((line) => line.startsWith(word)).length > (kills % 3), 60_000);
    await sleep(systemClock, (kills * 37) % 90);
    await killed(child);
    said.push(...lines);
    await until('libvirt has ended what was asked of it', () => virsh('blockjob', guest.instanceId, 'vda', '--info', '--raw') === '', 30_000);
    await counts(guest, 2);
  }
  expect(said.filter((line) => /^(refused|fault)/.test(line))).toEqual([]);
  expect(said.filter((line) => line.startsWith('ended')).length).toBeGreaterThan(4);

  snapshots = rig.snapshots();
  await snapshots.recover();
  for (const { snapshotId } of (await readLayers(path(guest, '')))?.snapshots ?? []) await snapshots.end(snapshotId, guest.instanceId, null);
  const last = newId(1);
  const mark = await counts(guest, 1);
  expect(await snapshots.freeze(last, [wish(guest)])).toMatchObject([{ ok: true, how: 'running' }]);
  const frozenTop = (await layersOf(guest)).at(-2) ?? '';
  const content = await rebuilt(snapshots, last, guest, rig.image);
  expect(content.equals(await heldBy(path(guest, frozenTop)))).toBe(true);
  expect(lastMark(content)).toBeGreaterThanOrEqual(mark);
  await snapshots.end(last, guest.instanceId, null);
  const { layers } = (await readLayers(path(guest, ''))) ?? { layers: [] };
  expect(layers.length).toBeLessThanOrEqual(3);
  expect((await readdir(path(guest, ''))).filter((name) => /^(layer|delta)-/.test(name)).sort()).toEqual(layers.filter((name) => name !== 'overlay.qcow2').sort());
  expect((await rig.driver.diskChain(guest.instanceId))[0]).toBe(path(guest, layers.at(-1) ?? ''));
});

/** Meets libvirtd in the midst of a switch. */
class MeetingDriver extends LibvirtDriver {
  meeting: (() => Promise<void>) | null = null;

  override async switchDisks(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    const meeting = this.meeting?.();
    const answers = await super.switchDisks(switches);
    await meeting;
    return answers;
  }
}

test('a libvirtd that is killed while it switches leaves a guest whose disk loses nothing, also after its power was taken', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const meets = new MeetingDriver({ type: 'qemu', slaveId: rig.slaveId, clock: systemClock });
  await meets.open();
  await meets.ensureNetwork(rig.network);
  snapshots = rig.snapshots(meets);
  const outcomes: boolean[] = [];
  for (let kills = 0; kills < 10; kills += 1) {
    meets.meeting = async () => {
      const daemon = execFileSync('pgrep', ['-o', '-x', 'libvirtd'], { encoding: 'utf8' }).trim();
      await sleep(systemClock, 15 + kills * 15);
      sendSignal(Number(daemon), 'SIGKILL');
      await until('it is gone', () => !spawnSync('pgrep', ['-x', 'libvirtd'], { encoding: 'utf8' }).stdout.split('\n').includes(daemon), 10_000);
      execFileSync('libvirtd', ['-d']);
    };
    const [frozen] = await snapshots.freeze(newId(10 + kills), [wish(guest)]);
    outcomes.push(frozen?.ok === true);
    await until('libvirt answers', () => rig.driver.find(guest.instanceId).then(() => true, () => false), 30_000);
    await counts(guest, 2);
  }
  await meets.close();
  snapshots = rig.snapshots();
  const mark = await counts(guest, 2);
  await rig.driver.destroy(guest.instanceId);
  await snapshots.recover();
  const { layers, snapshots: open } = (await readLayers(path(guest, ''))) ?? { layers: [], snapshots: [] };
  const top = path(guest, layers.at(-1) ?? '');
  expect((await rig.driver.diskChain(guest.instanceId))[0]).toBe(top);
  expect(lastMark(await heldBy(top))).toBeGreaterThanOrEqual(mark);
  // Whatever was answered as frozen is.
  expect(open).toHaveLength(outcomes.filter((isFrozen) => isFrozen).length);
  for (const [index, { snapshotId, upTo }] of open.entries()) {
    const content = await rebuilt(snapshots, snapshotId, guest, rig.image);
    expect(content.equals(await heldBy(path(guest, layers[upTo - 1] ?? '')))).toBe(true);
    expect(lastMark(content)).toBeGreaterThan(index);
  }
  // A switch was broken off at least once, else this has shown nothing.
  expect(outcomes).toContain(false);
  await rig.driver.start(guest.instanceId);
  await until('it boots afresh', async () => ((await counted(guest)).at(-1) ?? 0) < mark);
});
