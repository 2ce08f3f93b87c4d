import { sha256Schema } from '@paravcl/shared/domain/limits';
import { idSchema } from '@paravcl/shared/ids';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { z } from 'zod';

const layerNameSchema = z.string().regex(/^(overlay|layer-[1-9]\d{0,8})\.qcow2$/);

const madeDeltaSchema = z.object({ sizeBytes: z.int().positive(), sha256: sha256Schema, dirtiedBytes: z.int().nonnegative() }).readonly();
export type MadeDelta = z.infer<typeof madeDeltaSchema>;

const diskSnapshotSchema = z
  .object({
    snapshotId: idSchema,
    how: z.enum(['running', 'off', 'saved']),
    quiesced: z.boolean(),
    /** Manifest its delta is against. */
    base: sha256Schema,
    chunkBytes: z.int().positive(),
    /** Of the guest's disk. */
    sizeBytes: z.int().positive(),
    /** Its delta is what the layers from the `from`th up to below the `upTo`th hold, counted from the bottom. */
    from: z.int().nonnegative(),
    upTo: z.int().positive(),
    /** Once it is complete on the disk. */
    delta: madeDeltaSchema.nullable(),
    /** Its RAM, when that was asked for and it was saved: of the content, zeros up to a multiple of 4 KiB counted, and its delta as of the disk. */
    ram: z.object({ sizeBytes: z.int().positive(), delta: madeDeltaSchema.nullable() }).readonly().optional(),
  })
  .readonly();
export type DiskSnapshot = z.infer<typeof diskSnapshotSchema>;

/**
 * What the disk of an instance consists of above its image, and the snapshots of it that are under way. Pure: every function
 * answers with a new record.
 *
 * Invariants: `layers` has at least one name, and of the layers below the topmost nobody writes any; the lowest
 * `covered.count` of them over the image hold what the manifest `covered.manifest` holds; while a snapshot is under way no
 * layers become one, so counts stay what they were.
 */
export const diskLayersSchema = z
  .object({
    /** File names from the bottom up; the guest writes the last one. */
    layers: z.array(layerNameSchema).min(1).readonly(),
    /** A layer over them that was made for a switch of which nobody knows yet whether it happened. */
    candidate: layerNameSchema.nullable(),
    covered: z.object({ count: z.int().positive(), manifest: sha256Schema }).readonly().nullable(),
    snapshots: z.array(diskSnapshotSchema).readonly(),
    /** Layers made so far: no name is used twice. */
    made: z.int().nonnegative(),
  })
  .readonly();
export type DiskLayers = z.infer<typeof diskLayersSchema>;

/** Of a disk that never was snapshotted. */
export const onlyOverlay: DiskLayers = { layers: ['overlay.qcow2'], candidate: null, covered: null, snapshots: [], made: 0 };

/** Layers that become one: what is in those over `base` is written into it. */
export interface Merge {
  readonly base: string;
  /** From the lowest up; they are in nobody's chain afterwards. */
  readonly gone: readonly string[];
}

/** File names from the top down of what a domain that is started now lies on. A candidate that was not switched to is empty, and one that was has been written: it is named either way. */
export function chainFromTop({ layers, candidate }: DiskLayers): readonly [string, ...string[]] {
  const [first = 'overlay.qcow2', ...above] = layers;
  const rising = [...above, ...(candidate === null ? [] : [candidate])];
  const top = rising.at(-1);
  return top === undefined ? [first] : [top, ...rising.slice(0, -1).reverse(), first];
}

export function topLayer(disk: DiskLayers): string {
  return disk.layers.at(-1) ?? 'overlay.qcow2';
}

/** Names the layer of the next switch; the one of an earlier switch that did not happen serves again. */
export function withCandidate(disk: DiskLayers): DiskLayers & { readonly candidate: string } {
  if (disk.candidate !== null) return { ...disk, candidate: disk.candidate };
  const made = disk.made + 1;
  return { ...disk, made, candidate: `layer-${made}.qcow2` };
}

/** The guest writes the candidate now. */
export function switched(disk: DiskLayers): DiskLayers {
  return disk.candidate === null ? disk : { ...disk, layers: [...disk.layers, disk.candidate], candidate: null };
}

/** The guest does not write the candidate, and never will. */
export function notSwitched(disk: DiskLayers): DiskLayers {
  return { ...disk, candidate: null };
}

/** Against which manifest, and from which layer on, a snapshot of now is sent: as little as the master can take. Null when it has none of them. */
export function baseOf({ covered }: DiskLayers, image: ManifestId, bases: readonly ManifestId[]): { readonly base: ManifestId; readonly from: number } | null {
  if (covered !== null && bases.includes(covered.manifest)) return { base: covered.manifest, from: covered.count };
  return bases.includes(image) ? { base: image, from: 0 } : null;
}

export function snapshotOf({ snapshots }: DiskLayers, snapshotId: string): DiskSnapshot | null {
  return snapshots.find((each) => each.snapshotId === snapshotId) ?? null;
}

/** Adds the snapshot, or puts it in the place of what was known of it. */
export function withSnapshot(disk: DiskLayers, snapshot: DiskSnapshot): DiskLayers {
  return { ...disk, snapshots: [...disk.snapshots.filter(({ snapshotId }) => snapshotId !== snapshot.snapshotId), snapshot] };
}

/** Layers of a snapshot's delta, from the top down. */
export function layersOf({ layers }: DiskLayers, { from, upTo }: DiskSnapshot): readonly string[] {
  return layers.slice(from, upTo).reverse();
}

/**
 * Forgets the snapshot. The manifest it was taken as covers its layers from then on, unless a later one covers more already. Of
 * one that was taken of a disk nobody wrote at the time, the topmost layer is written further, so nothing is covered.
 */
export function withoutSnapshot(disk: DiskLayers, snapshotId: string, manifest: ManifestId | null): DiskLayers {
  const ended = snapshotOf(disk, snapshotId);
  if (ended === null) return disk;
  const covers = manifest !== null && ended.how === 'running' && ended.upTo >= (disk.covered?.count ?? 0);
  return { ...disk, snapshots: disk.snapshots.filter((each) => each !== ended), covered: covers ? { count: ended.upTo, manifest } : disk.covered };
}

/** The next layers that nobody needs apart: the covered ones, then those between them and the topmost. Null when there are none, or a snapshot is under way. */
export function nextMerge({ layers, covered, snapshots }: DiskLayers): Merge | null {
  if (snapshots.length > 0) return null;
  const below = covered?.count ?? 0;
  for (const run of [layers.slice(0, below), layers.slice(below, -1)]) {
    const [base, ...gone] = run;
    if (base !== undefined && gone.length > 0) return { base, gone };
  }
  return null;
}

export function merged(disk: DiskLayers, { gone }: Merge): DiskLayers {
  const left = (names: readonly string[]): readonly string[] => names.filter((name) => !gone.includes(name));
  const covered = disk.covered === null ? null : { ...disk.covered, count: left(disk.layers.slice(0, disk.covered.count)).length };
  return { ...disk, layers: left(disk.layers), covered };
}
