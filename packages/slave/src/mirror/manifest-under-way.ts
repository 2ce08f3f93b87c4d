import type { ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import { ManifestAssembly, mostPartBytes } from '@paravcl/shared/chunks/manifest-parts';
import { createHash } from 'node:crypto';
import { inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';

const inflate = promisify(inflateRaw);

/** The parts of a manifest that is being fetched, for who fetches it and for other hosts that ask this one for them meanwhile. */
export class ManifestUnderWay {
  private assembly = new ManifestAssembly();
  private sha256 = createHash('sha256');
  private waiting: (() => void)[] = [];
  private isOver = false;

  constructor(private readonly id: ManifestId) {}

  /** Parts that have come: the number of the next. */
  get taken(): number {
    return this.assembly.taken;
  }

  /** Parts in all; 1 before the first has come. */
  get count(): number {
    return this.assembly.count;
  }

  get isWhole(): boolean {
    return this.taken === this.count;
  }

  /** The next part. False, and nothing is kept of it, for an answer that cannot be that. */
  async take(answer: ChunkAnswer | 'silent'): Promise<boolean> {
    if (answer === 'silent' || answer.kind !== 'chunk') return false;
    const part = answer.encoding === 'plain' ? answer.data : await inflate(answer.data, { maxOutputLength: mostPartBytes }).catch(() => null);
    if (part === null) return false;
    try {
      this.assembly.take(part);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.sha256.update(part);
    this.wake();
    return true;
  }

  /** The manifest, of which all parts have come. Null when it is not the one with this id: somebody lied, and all is to be fetched anew. */
  checked(): Manifest | null {
    const found = this.sha256.digest('hex');
    if (found === this.id) return this.assembly.soFar;
    this.assembly = new ManifestAssembly();
    this.sha256 = createHash('sha256');
    return null;
  }

  /** As much of the manifest as there is once this part has come, not yet checked; null when it does not come. */
  async upTo(part: number): Promise<Manifest | null> {
    while (this.taken <= part && !this.isOver) await new Promise<void>((come) => this.waiting.push(come));
    return this.taken > part ? this.assembly.soFar : null;
  }

  /** No further part comes. */
  end(): void {
    this.isOver = true;
    this.wake();
  }

  private wake(): void {
    for (const come of this.waiting.splice(0)) come();
  }
}
