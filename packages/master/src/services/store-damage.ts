import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageRecord } from '../repositories/image-record';
import type { DamagedChunk } from '../store/missing-chunks';
import { many } from './say-count';

/** Images that one sentence names, unless it is to be a short one; the others are counted. */
const mostNamed = 10;

/** Damaged chunks, each with all its places: any of them may be one that a host has. */
export type DamagedPlaces = readonly (readonly DamagedChunk[])[];

export function byHash(damaged: readonly DamagedChunk[]): DamagedPlaces {
  const places = new Map<string, DamagedChunk[]>();
  for (const chunk of damaged) {
    const name = chunk.hash.toString('hex');
    const known = places.get(name);
    if (known === undefined) places.set(name, [chunk]);
    else known.push(chunk);
  }
  return [...places.values()];
}

export interface Damage {
  /** Chunks that images need and that are missing or not as they were, before any repair. */
  readonly places: DamagedPlaces;
  /** Those of them that nobody had. */
  readonly left: DamagedPlaces;
  /** Of the others those that were written anew from what the master itself still had. */
  readonly fromHere: number;
  /** Lists of chunks that are lost. */
  readonly manifests: readonly ManifestId[];
  /** Lists of chunks that were lost on the disk and were written anew from memory. */
  readonly rewrittenLists: number;
  /** The versions with one of these contents. */
  readonly images: readonly ImageRecord[];
}

/** What a verification found, and what came of its repair. */
export function sayVerified(damage: Damage, { chunks, repair }: { readonly chunks: number; readonly repair: boolean }): string {
  const { places, left, fromHere } = damage;
  const lists = `${damage.rewrittenLists === 0 ? '' : ` Lists of chunks of ${many(damage.rewrittenLists, 'image')} were lost and written anew.`}${sayLostLists(damage, repair)}`;
  if (places.length === 0) return `${many(chunks, 'chunk')} read, and all that ${damage.manifests.length > 0 ? 'other images' : 'images'} need are as they were.${lists}`;
  const found = `Damaged: ${sayNeeded(damage)}`;
  if (!repair) return `${found}. Verify the store with repair: hosts may have them.${lists}`;
  if (left.length === 0) return `${found}; all repaired ${sayOrigin(places.length, fromHere)}.${lists}`;
  const again = namesOf(left, damage.images) ?? 'those images';
  return `${found}; ${places.length - left.length} repaired, and no host that is connected had the other ${left.length}. Verify again when more hosts are, or upload ${again} again.${lists}`;
}

/** What a start found missing, without reading a chunk. */
export function sayMissing(damage: Pick<Damage, 'places' | 'manifests' | 'images'>): string {
  const needed = damage.places.length === 0 ? '' : ` Missing or damaged in the master’s store: ${sayNeeded(damage)}. Verify the store with repair: hosts may have them.`;
  return `${needed}${sayLostLists(damage, false)}`.trim();
}

function sayNeeded({ places, images }: Pick<Damage, 'places' | 'images'>): string {
  const names = namesOf(places, images);
  return `${many(places.length, 'chunk')} that images need${names === null ? '' : `, of ${names}`}`;
}

function sayOrigin(repaired: number, fromHere: number): string {
  if (fromHere === 0) return 'from hosts that had them';
  if (fromHere === repaired) return 'from what the master still had of them';
  return `from hosts that had them, and ${fromHere} from what the master still had`;
}

function sayLostLists({ manifests, images }: Pick<Damage, 'manifests' | 'images'>, repaired: boolean): string {
  if (manifests.length === 0) return '';
  const names = sayNames(images.filter(({ manifestId }) => manifestId !== null && manifests.includes(manifestId)));
  const lost = ` The list of chunks of ${many(manifests.length, 'image')} is lost${names === null ? '' : `, of ${names}`}`;
  const wayOut = 'A host that has the image gives it back when it next opens it; else upload the image again.';
  return repaired ? `${lost}. ${wayOut}` : `${lost}: verify the store with repair. ${wayOut}`;
}

function namesOf(places: DamagedPlaces, images: readonly ImageRecord[]): string | null {
  const manifests = new Set(places.flat().map(({ manifest }) => manifest));
  return sayNames(images.filter(({ manifestId }) => manifestId !== null && manifests.has(manifestId)));
}

/** Null when the books name none: they were deleted meanwhile. */
export function sayNames(images: readonly ImageRecord[], most = mostNamed): string | null {
  if (images.length === 0) return null;
  const named = images.slice(0, most).map(({ name, friendlyId }) => `${name} (${friendlyId})`);
  const more = images.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
