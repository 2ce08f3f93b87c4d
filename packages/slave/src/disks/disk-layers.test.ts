import fc from 'fast-check';
import { baseOf, chainFromTop, diskLayersSchema, layersOf, merged, nextMerge, notSwitched, onlyOverlay, snapshotOf, switched, topLayer, withCandidate, withoutSnapshot, withSnapshot, type DiskLayers } from './disk-layers';
import { unionOfLayers, type LayerExtent } from './layer-blocks';

const blockBytes = 4096;
const blocks = 12;
const image = '0'.repeat(64);
const manifestNamed = (number: number): string => number.toString(16).padStart(64, '0');
const snapshotNamed = (number: number): string => `0192f0c1-2345-7abc-8def-${number.toString(16).padStart(12, '0')}`;

type Content = readonly number[];

/** One guest's disk: what each layer holds by block (0: zeros), what each manifest holds, and what the disk held at each snapshot. */
class ModelDisk {
  record: DiskLayers = onlyOverlay;
  readonly files = new Map<string, Map<number, number>>([['overlay.qcow2', new Map<number, number>()]]);
  readonly manifests = new Map<string, Content>([[image, Array.from({ length: blocks }, (_, at) => 1000 + at)]]);
  readonly heldAt = new Map<string, Content>();
  readonly deltas = new Map<string, readonly LayerExtent[]>();
  /** What the hypervisor has the guest write. */
  top = 'overlay.qcow2';
  ran = true;
  private numbers = 0;
  checked = 0;

  content(): Content {
    const names = [...this.record.layers, ...(this.top === this.record.candidate ? [this.top] : [])];
    const content = [...(this.manifests.get(image) ?? [])];
    for (const name of names) for (const [block, value] of this.file(name)) content[block] = value;
    return content;
  }

  write(block: number, value: number): void {
    if (this.ran) this.file(this.top).set(block, value);
  }

  async freeze(gone: boolean): Promise<void> {
    this.settle();
    const bases = [...this.manifests.keys()].filter((id) => id === image || !gone);
    const base = baseOf(this.record, image, bases);
    if (base === null) throw new Error('the image is never gone here');
    const snapshotId = snapshotNamed((this.numbers += 1));
    const snapshot = { snapshotId, how: this.ran ? ('running' as const) : ('off' as const), quiesced: false, ...base, upTo: this.record.layers.length, chunkBytes: 65536, sizeBytes: blocks * blockBytes, delta: null };
    this.heldAt.set(snapshotId, this.content());
    if (this.ran) {
      this.beginSwitch(true);
      this.record = withSnapshot(switched(this.record), snapshot);
    } else {
      this.record = withSnapshot(this.record, snapshot);
      await this.delta(snapshotId);
    }
  }

  beginSwitch(happens: boolean): void {
    const next = withCandidate(this.record);
    if (this.record.candidate === null) expect(this.files.has(next.candidate)).toBe(false);
    this.files.set(next.candidate, this.files.get(next.candidate) ?? new Map<number, number>());
    this.record = next;
    if (happens) this.top = next.candidate;
  }

  /** As after a crash: a running guest's hypervisor says what it writes; one that is off goes on with the new layer. */
  settle(): void {
    if (this.record.candidate === null) return;
    const before = this.content();
    if (this.ran && this.top !== this.record.candidate) {
      this.files.delete(this.record.candidate);
      this.record = notSwitched(this.record);
    } else {
      this.record = switched(this.record);
      this.top = topLayer(this.record);
    }
    expect(this.content()).toEqual(before);
  }

  /** What is in the layers now is what the delta says, whenever it is made. */
  async delta(snapshotId: string): Promise<void> {
    const snapshot = snapshotOf(this.record, snapshotId);
    if (snapshot === null) return;
    const layers = layersOf(this.record, snapshot).map((name) => listed([...this.file(name)].sort(([one], [other]) => one - other).map(([block, value]) => ({ start: block * blockBytes, length: blockBytes, offset: value === 0 ? null : value }))));
    const content = [...(this.manifests.get(snapshot.base) ?? [])];
    for await (const { start, length, from } of unionOfLayers(layers, snapshot.sizeBytes)) {
      expect(length).toBe(blockBytes);
      content[start / blockBytes] = from?.offset ?? 0;
    }
    // The off one's delta is a file: its layers may be written afterwards.
    if (!this.deltas.has(snapshotId)) {
      expect(content).toEqual(this.heldAt.get(snapshotId));
      this.checked += 1;
    }
    if (snapshot.how === 'off') this.deltas.set(snapshotId, []);
  }

  async end(number: number, taken: boolean): Promise<void> {
    const open = this.record.snapshots[number % Math.max(1, this.record.snapshots.length)];
    if (open === undefined) return;
    await this.delta(open.snapshotId);
    const manifest = manifestNamed((this.numbers += 1));
    if (taken) this.manifests.set(manifest, this.heldAt.get(open.snapshotId) ?? []);
    this.record = withoutSnapshot(this.record, open.snapshotId, taken ? manifest : null);
    expect(withoutSnapshot(this.record, open.snapshotId, manifest)).toBe(this.record);
  }

  merge(): void {
    if (!this.ran) return;
    for (let next = nextMerge(this.record); next !== null; next = nextMerge(this.record)) {
      const before = this.content();
      expect(next.gone).not.toContain(this.top);
      expect(next.base).not.toBe(this.top);
      for (const name of next.gone) for (const [block, value] of this.file(name)) this.file(next.base).set(block, value);
      // What libvirt has merged and the record still names apart is the same content.
      expect(this.content()).toEqual(before);
      for (const name of next.gone) this.files.delete(name);
      this.record = merged(this.record, next);
      expect(this.content()).toEqual(before);
    }
    if (this.record.snapshots.length === 0) expect(this.record.layers.length).toBeLessThanOrEqual(3);
  }

  /** The record survives its file, names what is there, and the covered layers are what their manifest says. */
  check(): void {
    expect(diskLayersSchema.parse(JSON.parse(JSON.stringify(this.record)))).toEqual(this.record);
    for (const name of chainFromTop(this.record)) expect(this.files.has(name)).toBe(true);
    if (this.record.covered === null) return;
    const content = [...(this.manifests.get(image) ?? [])];
    for (const name of this.record.layers.slice(0, this.record.covered.count)) for (const [block, value] of this.file(name)) content[block] = value;
    expect(content).toEqual(this.manifests.get(this.record.covered.manifest));
  }

  private file(name: string): Map<number, number> {
    const found = this.files.get(name);
    if (found === undefined) throw new Error(`${name} is not there`);
    return found;
  }
}

async function* listed<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

const deed = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), block: fc.nat(blocks - 1), value: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('freeze' as const), gone: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), number: fc.nat(5), taken: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delta' as const), number: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'merge' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('broken-switch' as const), happened: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('power' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'settle' as const }) },
);

test('whatever is written, frozen, sent, ended, merged and broken off, each delta makes of its base what the disk held when it was frozen', async () => {
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 60 }), async (deeds) => {
      const disk = new ModelDisk();
      for (const each of deeds) {
        switch (each.kind) {
          case 'write':
            disk.write(each.block, each.value);
            break;
          case 'freeze':
            await disk.freeze(each.gone);
            break;
          case 'end':
            await disk.end(each.number, each.taken);
            break;
          case 'delta':
            await disk.delta(disk.record.snapshots[each.number]?.snapshotId ?? '');
            break;
          case 'merge':
            disk.merge();
            break;
          case 'broken-switch':
            disk.settle();
            if (disk.ran) disk.beginSwitch(each.happened);
            break;
          case 'power':
            // Whoever is off lies, once it starts, on what the record names.
            if (each.on && !disk.ran) disk.settle();
            disk.ran = each.on;
            break;
          case 'settle':
            disk.settle();
        }
        disk.check();
      }
      checked += disk.checked;
    }),
    { numRuns: 400 },
  );
  // One a run and more, but for luck: else the deeds would be none that make a delta.
  expect(checked).toBeGreaterThan(200);
});

test('two snapshots at once are each sent against what the master had when they were frozen, and the later covers more', () => {
  const frozen = (disk: DiskLayers, snapshotId: string): DiskLayers => {
    const base = baseOf(disk, image, [image, manifestNamed(1), manifestNamed(2)]) ?? { base: image, from: 0 };
    return withSnapshot(switched(withCandidate(disk)), { snapshotId, how: 'running', quiesced: false, ...base, upTo: disk.layers.length, chunkBytes: 65536, sizeBytes: 65536, delta: null });
  };
  const both = frozen(frozen(onlyOverlay, snapshotNamed(1)), snapshotNamed(2));
  expect(both.snapshots.map(({ base, from, upTo }) => [base, from, upTo])).toEqual([[image, 0, 1], [image, 0, 2]]);
  expect(nextMerge(both)).toBeNull();
  const later = withoutSnapshot(both, snapshotNamed(2), manifestNamed(2));
  const done = withoutSnapshot(later, snapshotNamed(1), manifestNamed(1));
  expect(done.covered).toEqual({ count: 2, manifest: manifestNamed(2) });
  expect(nextMerge(done)).toEqual({ base: 'overlay.qcow2', gone: ['layer-1.qcow2'] });
  const third = frozen(done, snapshotNamed(3));
  expect(third.snapshots[0]).toMatchObject({ base: manifestNamed(2), from: 2, upTo: 3 });
});

test('a disk whose every base is gone cannot be sent', () => {
  expect(baseOf(onlyOverlay, image, [manifestNamed(7)])).toBeNull();
});

test('a layer that holds part of a block is refused', async () => {
  const runs = unionOfLayers([listed([{ start: 512, length: 4096, offset: 0 }])], 65536);
  await expect(runs.next()).rejects.toThrow(/no whole blocks of 4096/);
});
