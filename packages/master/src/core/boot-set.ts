import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import { chunkCount, chunkLength, isZeroChunk, type Manifest } from '@paravcl/shared/chunks/manifest';
import { tellSize } from './tell-size';

/** What has to be there before a guest of a version boots without waiting. */
export interface BootSet {
  readonly chunks: number;
  readonly bytes: number;
}

/** What the boot phase of the pattern costs: chunks of zeros nothing. */
export function bootSetOf({ boot }: Pick<AccessPattern, 'boot'>, manifest: Manifest): BootSet {
  const costing = boot.filter((index) => index < chunkCount(manifest) && !isZeroChunk(manifest, index));
  return { chunks: costing.length, bytes: costing.reduce((sum, index) => sum + chunkLength(manifest, index), 0) };
}

/** "boots from 84 MB of 9.6 GB". */
export function bootsFrom({ bytes }: Pick<BootSet, 'bytes'>, sizeBytes: number): string {
  return `boots from ${tellSize(bytes)} of ${tellSize(sizeBytes)}`;
}
