import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { chunkLength } from '@paravcl/shared/chunks/manifest';
import { deltaBlockBytes, deltaEnd, encodeDeltaHead, maskBytes, setBlock, type DeltaHead } from '@paravcl/shared/chunks/delta';
import type { MadeDelta } from './disk-layers';
import type { DiskRun } from './layer-blocks';
import { syncDirectory } from './sync-directory';

const zeros = Buffer.alloc(deltaBlockBytes);
/** Records are gathered to this before they are written. */
const bufferBytes = 1024 * 1024;
export const unfinishedSuffix = '.part';

export interface DeltaSource {
  readonly head: DeltaHead;
  readonly runs: AsyncIterable<DiskRun>;
  /** Files of the layers, as the runs number them. */
  readonly layers: readonly FileHandle[];
}

/**
 * Writes a delta (`shared/chunks/delta`) under a name of its own, which becomes `path` when all of it is durable. Keeps one
 * chunk and some records in memory. Blocks that are of zeros are named, not sent. `dirtiedBytes` are those of the blocks that are sent.
 */
export async function writeDelta(path: string, source: DeltaSource): Promise<MadeDelta> {
  const unfinished = `${path}${unfinishedSuffix}`;
  const file = await open(unfinished, 'w', 0o600);
  try {
    const writer = new DeltaWriter(file, source);
    const delta = await writer.write();
    await file.datasync();
    await file.close();
    await rename(unfinished, path);
    await syncDirectory(dirname(path));
    return delta;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
}

class DeltaWriter {
  private readonly hash = createHash('sha256');
  private chunk: ChangedChunk | null = null;
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private sizeBytes = 0;
  private dirtiedBytes = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly source: DeltaSource,
  ) {}

  async write(): Promise<MadeDelta> {
    const { head, runs } = this.source;
    await this.put(encodeDeltaHead(head));
    for await (const run of runs) {
      for (let at = run.start; at < run.start + run.length; ) {
        const index = Math.floor(at / head.chunkBytes);
        const end = Math.min(run.start + run.length, (index + 1) * head.chunkBytes);
        await this.fill(await this.chunkAt(index), at, end, run);
        at = end;
      }
    }
    await this.putChunk();
    const ending = Buffer.alloc(4);
    ending.writeUInt32BE(deltaEnd);
    await this.put(ending);
    await this.flush();
    return { sizeBytes: this.sizeBytes, sha256: this.hash.digest('hex'), dirtiedBytes: this.dirtiedBytes };
  }

  private async fill(chunk: ChangedChunk, start: number, end: number, run: DiskRun): Promise<void> {
    if (run.from === null) return chunk.take(start, end, null);
    const bytes = Buffer.allocUnsafe(end - start);
    const { layer, offset } = run.from;
    await readWhole(this.source.layers[layer], bytes, offset + start - run.start);
    chunk.take(start, end, bytes);
  }

  /** Runs come by rising start: with another chunk the one before is complete. */
  private async chunkAt(index: number): Promise<ChangedChunk> {
    if (this.chunk?.index === index) return this.chunk;
    await this.putChunk();
    return (this.chunk = new ChangedChunk(index, this.source.head));
  }

  private async putChunk(): Promise<void> {
    if (this.chunk === null) return;
    this.dirtiedBytes += this.chunk.sentBytes;
    for (const part of this.chunk.record()) await this.put(part);
  }

  private async put(bytes: Buffer): Promise<void> {
    this.hash.update(bytes);
    this.sizeBytes += bytes.length;
    this.gathered.push(bytes);
    this.gatheredBytes += bytes.length;
    if (this.gatheredBytes >= bufferBytes) await this.flush();
  }

  private async flush(): Promise<void> {
    const all = Buffer.concat(this.gathered);
    this.gathered = [];
    this.gatheredBytes = 0;
    for (let at = 0; at < all.length; ) at += (await this.file.write(all, at)).bytesWritten;
  }
}

/** Changed blocks of one chunk, taken in the order they lie in. */
class ChangedChunk {
  private readonly sent: Buffer;
  private readonly zeroed: Buffer;
  private readonly blocks: Buffer[] = [];
  sentBytes = 0;

  constructor(
    readonly index: number,
    private readonly head: DeltaHead,
  ) {
    this.sent = Buffer.alloc(maskBytes(head));
    this.zeroed = Buffer.alloc(maskBytes(head));
  }

  /** Bytes `start` to `end` of the disk, whole blocks of this chunk; null: zeros. What lies beyond the disk's end is left out. */
  take(start: number, end: number, bytes: Buffer | null): void {
    const chunkStart = this.index * this.head.chunkBytes;
    const chunkEnd = chunkStart + chunkLength(this.head, this.index);
    for (let at = start; at < Math.min(end, chunkEnd); at += deltaBlockBytes) {
      const block = bytes?.subarray(at - start, Math.min(at + deltaBlockBytes, chunkEnd) - start) ?? zeros;
      const number = (at - chunkStart) / deltaBlockBytes;
      if (block.equals(block.length === deltaBlockBytes ? zeros : zeros.subarray(0, block.length))) setBlock(this.zeroed, number);
      else {
        setBlock(this.sent, number);
        this.blocks.push(block);
        this.sentBytes += block.length;
      }
    }
  }

  record(): readonly Buffer[] {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(this.index);
    return [index, this.sent, this.zeroed, ...this.blocks];
  }
}

async function readWhole(file: FileHandle | undefined, target: Buffer, position: number): Promise<void> {
  if (file === undefined) throw new RangeError('A run names a layer that is not there.');
  for (let at = 0; at < target.length; ) {
    const { bytesRead } = await file.read(target, at, target.length - at, position + at);
    if (bytesRead === 0) {
      // The end of the file may lie within the last cluster: what was never written there is zeros.
      target.fill(0, at);
      return;
    }
    at += bytesRead;
  }
}
