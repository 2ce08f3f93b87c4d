import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import type { PackEntry } from './pack-format';

/** Which chunks the deltas of one pack are differences to, found by where the delta stands: 36 bytes a delta, in few objects, for a store may have millions. */
export class DeltaBases {
  /** Rising. */
  private readonly offsets: Uint32Array;
  private readonly hashes: Buffer;

  /** Keeps nothing of the entries. */
  constructor(entries: readonly PackEntry[]) {
    const deltas = entries.flatMap((entry) => (entry.encoding === 'delta' ? [entry] : [])).sort((a, b) => a.offset - b.offset);
    this.offsets = Uint32Array.from(deltas, ({ offset }) => offset);
    this.hashes = Buffer.concat(deltas.map(({ base }) => base));
  }

  /** The hash of the base, a view; null when no delta stands there. */
  at(offset: number): Buffer | null {
    let [low, high] = [0, this.offsets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.offsets[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return this.offsets[low] === offset ? this.hashes.subarray(low * hashBytes, (low + 1) * hashBytes) : null;
  }
}
