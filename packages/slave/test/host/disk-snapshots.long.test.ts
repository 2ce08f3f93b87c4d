import { readdir } from 'node:fs/promises';
import { newId } from '@paravcl/shared/ids';
import type { PoolDiskSnapshots } from '../../src/disks/pool-disk-snapshots';
import { blockBytes, lastMark, rebuilt, wish, WritingGuests } from '../fixtures/writing-guests';

jest.setTimeout(300_000);

const rig = new WritingGuests({ name: 'pv-snap', bridge: 'pvsnap0', gateway: '10.94.0.1', prefix: 16 });
const { counted, counts, define, faults, heldBy, layersOf, path, started, until } = rig;
let snapshots: PoolDiskSnapshots;

beforeAll(() => rig.up());
beforeEach(() => {
  snapshots = rig.snapshots();
});
afterEach(() => rig.clear());
afterAll(() => rig.down());

test('guests that write all the time are frozen together, what each had confirmed is in its delta, and each goes on', async () => {
  const all = await started(3);
  const snapshotId = newId(Date.now());
  const before = await Promise.all(all.map(async (guest) => (await counted(guest)).at(-1) ?? 0));
  const frozen = await snapshots.freeze(snapshotId, all.map((guest) => wish(guest)));
  const after = await Promise.all(all.map(async (guest) => (await counted(guest)).at(-1) ?? 0));
  expect(frozen).toEqual(all.map(({ instanceId, spec }) => ({ instanceId, ok: true, how: 'running', quiesced: false, base: spec.disk.manifest, sizeBytes: 64 * 1024 * 1024 })));
  for (const [index, guest] of all.entries()) {
    await counts(guest, 3);
    const content = await rebuilt(snapshots, snapshotId, guest, rig.image);
    expect(content.equals(await heldBy(path(guest, 'overlay.qcow2')))).toBe(true);
    expect(lastMark(content)).toBeGreaterThanOrEqual(before[index] ?? 0);
    // One more may have been on its way to the console.
    expect(lastMark(content)).toBeLessThanOrEqual((after[index] ?? 0) + 1);
  }
  expect(faults).toEqual([]);
});

test('a second snapshot is small, layers are merged under the guest, and suspend, resume, stop and start go on over them', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const { instanceId, spec } = guest;
  const [first, second, third] = [newId(1), newId(2), newId(3)];
  const manifest = 'a'.repeat(64);
  await snapshots.freeze(first, [wish(guest)]);
  const content = await rebuilt(snapshots, first, guest, rig.image);
  await snapshots.end(first, instanceId, manifest);
  const mark = await counts(guest, 3);

  expect(await snapshots.freeze(second, [wish(guest, [spec.disk.manifest ?? '', manifest])])).toMatchObject([{ ok: true, base: manifest }]);
  const { dirtiedBytes } = await snapshots.delta(second, instanceId);
  const next = await rebuilt(snapshots, second, guest, content);
  expect(next.equals(await heldBy(path(guest, 'layer-1.qcow2')))).toBe(true);
  expect(lastMark(next)).toBeGreaterThanOrEqual(mark);
  expect(dirtiedBytes).toBe((lastMark(next) - lastMark(content)) * blockBytes);
  await snapshots.end(second, instanceId, 'b'.repeat(64));
  expect(await layersOf(guest)).toEqual(['overlay.qcow2', 'layer-2.qcow2']);
  expect((await readdir(path(guest, ''))).filter((name) => /^(layer|delta)-/.test(name))).toEqual(['layer-2.qcow2']);
  expect((await heldBy(path(guest, 'overlay.qcow2'))).equals(next)).toBe(true);

  const saved = await counts(guest, 2);
  await rig.driver.save(instanceId);
  expect(await snapshots.freeze(third, [wish(guest)])).toMatchObject([{ ok: true, how: 'saved' }]);
  expect((await rebuilt(snapshots, third, guest, rig.image)).equals(await heldBy(path(guest, 'layer-2.qcow2')))).toBe(true);
  await rig.driver.start(instanceId);
  expect(await counts(guest, 2)).toBeGreaterThan(saved);
  await snapshots.end(third, instanceId, null);

  await rig.driver.destroy(instanceId);
  const [fourth, fifth] = [newId(4), newId(5)];
  expect(await snapshots.freeze(fourth, [wish(guest)])).toMatchObject([{ ok: true, how: 'off' }]);
  expect(lastMark(await rebuilt(snapshots, fourth, guest, rig.image))).toBeGreaterThan(saved);
  await define(guest, 2);
  await rig.driver.start(instanceId);
  await until('it boots afresh', async () => ((await counted(guest)).at(-1) ?? 0) < saved);
  await snapshots.freeze(fifth, [wish(guest)]);
  await snapshots.end(fourth, instanceId, null);
  await snapshots.end(fifth, instanceId, null);
  await counts(guest, 2);
  expect(faults).toEqual([]);
});

test('two snapshots of one disk at once each hold what it held at their own moment', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const [first, second] = [newId(1), newId(2)];
  await snapshots.freeze(first, [wish(guest)]);
  const between = await counts(guest, 3);
  await snapshots.freeze(second, [wish(guest)]);
  await counts(guest, 1);
  const [earlier, later] = [await rebuilt(snapshots, first, guest, rig.image), await rebuilt(snapshots, second, guest, rig.image)];
  expect(earlier.equals(await heldBy(path(guest, 'overlay.qcow2')))).toBe(true);
  expect(later.equals(await heldBy(path(guest, 'layer-1.qcow2')))).toBe(true);
  expect(lastMark(earlier)).toBeLessThan(between);
  expect(lastMark(later)).toBeGreaterThanOrEqual(between);
  for (const [snapshotId, manifest] of [[second, 'b'.repeat(64)], [first, 'a'.repeat(64)]] as const) await snapshots.end(snapshotId, guest.instanceId, manifest);
  expect(await layersOf(guest)).toEqual(['overlay.qcow2', 'layer-2.qcow2']);
  await counts(guest, 2);
});
