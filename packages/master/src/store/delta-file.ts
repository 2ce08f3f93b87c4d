import { blocksOfChunk, decodeDeltaHead, deltaBlockBytes, deltaEnd, deltaHeadBytes, hasBlock, maskBytes, type DeltaHead } from '@paravcl/shared/chunks/delta';
import { chunkCount, chunkLength } from '@paravcl/shared/chunks/manifest';
import { open, type FileHandle } from 'node:fs/promises';

/** What has changed in one chunk. */
export interface DeltaRecord {
  readonly index: number;
  /** Blocks that come with their bytes, and blocks that are of zeros now. */
  readonly brought: Buffer;
  readonly emptied: Buffer;
  /** Bytes of the former, in order. */
  readonly blocks: Buffer;
}

/** Read at once; a record may be longer. */
const readBytes = 1024 * 1024;

/** The delta of a host as it lies on the disk: read once, from the front, a record at a time. */
export class DeltaFile {
  private held = Buffer.alloc(0);
  private at = 0;

  private constructor(
    private readonly file: FileHandle,
    /** Of the whole file. */
    readonly bytes: number,
  ) {}

  /** Throws a RangeError that says what is wrong with its beginning. */
  static async open(path: string): Promise<{ readonly head: DeltaHead; readonly delta: DeltaFile }> {
    const file = await open(path, 'r');
    try {
      const delta = new DeltaFile(file, (await file.stat()).size);
      return { delta, head: decodeDeltaHead(await delta.take(Math.min(deltaHeadBytes, delta.bytes), 'its head')) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  /** By rising index, to the end. Throws a RangeError that says what is wrong, and at which byte where it is cut off. */
  async *records(head: DeltaHead): AsyncGenerator<DeltaRecord> {
    const chunks = chunkCount(head);
    const mask = maskBytes(head);
    for (let last = -1; ; ) {
      const index = (await this.take(4, 'the index of a chunk')).readUInt32BE(0);
      if (index === deltaEnd) break;
      if (index >= chunks) throw new RangeError(`The delta names chunk ${index} of a disk that has ${chunks}.`);
      if (index <= last) throw new RangeError(`The delta names chunk ${index} behind chunk ${last}; its chunks have to stand in order, each once.`);
      last = index;
      const masks = await this.take(2 * mask, `the masks of chunk ${index}`);
      const [brought, emptied] = [masks.subarray(0, mask), masks.subarray(mask)];
      yield { index, brought, emptied, blocks: await this.take(bytesBrought(head, index, brought, emptied), `the blocks of chunk ${index}`) };
    }
    if (this.at < this.bytes) throw new RangeError(`The delta ends at byte ${this.at}, and ${this.bytes - this.at} bytes follow.`);
  }

  private async take(length: number, what: string): Promise<Buffer> {
    if (this.bytes - this.at < length) throw new RangeError(`The delta is cut off: it ends at byte ${this.bytes}, in ${what}.`);
    if (this.held.length < length) {
      const wanted = Math.max(length, Math.min(readBytes, this.bytes - this.at));
      const more = Buffer.allocUnsafe(wanted);
      let filled = this.held.copy(more);
      while (filled < wanted) {
        const { bytesRead } = await this.file.read(more, filled, wanted - filled, this.at + filled);
        if (bytesRead === 0) throw new RangeError(`The delta was cut to ${this.at + filled} bytes while it was read.`);
        filled += bytesRead;
      }
      this.held = more;
    }
    const taken = this.held.subarray(0, length);
    this.held = this.held.subarray(length);
    this.at += length;
    return taken;
  }
}

/** Throws a RangeError when the masks name blocks that the chunk has not, one in both, or none. */
function bytesBrought(head: DeltaHead, index: number, brought: Buffer, emptied: Buffer): number {
  const length = chunkLength(head, index);
  const blocks = Math.ceil(length / deltaBlockBytes);
  let [bytes, named] = [0, 0];
  for (let block = 0; block < Math.max(blocksOfChunk(head), brought.length * 8); block += 1) {
    const [isBrought, isEmptied] = [hasBlock(brought, block), hasBlock(emptied, block)];
    if (!isBrought && !isEmptied) continue;
    if (block >= blocks) throw new RangeError(`The delta names block ${block} of chunk ${index}, which has ${blocks}.`);
    if (isBrought && isEmptied) throw new RangeError(`The delta says of block ${block} of chunk ${index} that it is of zeros, and brings its bytes.`);
    named += 1;
    if (isBrought) bytes += Math.min(deltaBlockBytes, length - block * deltaBlockBytes);
  }
  if (named === 0) throw new RangeError(`The delta names chunk ${index}, and none of its blocks.`);
  return bytes;
}
