import { deltaBlockBytes, deltaEnd, encodeDeltaHead, maskBytes, setBlock, type DeltaHead } from '@paravcl/shared/chunks/delta';

/** A block of 4 KiB of a disk that was written: what it holds now, null for zeros. */
export interface WrittenBlock {
  /** Its number on the whole disk. */
  readonly block: number;
  readonly bytes: Buffer | null;
}

/** The delta (shared/chunks/delta) of a disk whose blocks were written so, piece by piece; each block once, by rising number. */
export function* deltaBytes(head: DeltaHead, written: Iterable<WrittenBlock>): Generator<Buffer> {
  yield encodeDeltaHead(head);
  const blocksOfChunk = head.chunkBytes / deltaBlockBytes;
  let [index, blocks]: [number, WrittenBlock[]] = [0, []];
  for (const now of written) {
    const next = Math.floor(now.block / blocksOfChunk);
    if (next !== index) {
      yield record(head, index, blocks);
      [index, blocks] = [next, []];
    }
    blocks.push(now);
  }
  yield record(head, index, blocks);
  yield indexBytes(deltaEnd);
}

/** Nothing of a chunk without blocks. */
function record(head: DeltaHead, index: number, blocks: readonly WrittenBlock[]): Buffer {
  if (blocks.length === 0) return Buffer.alloc(0);
  const [brought, emptied] = [Buffer.alloc(maskBytes(head)), Buffer.alloc(maskBytes(head))];
  const first = (index * head.chunkBytes) / deltaBlockBytes;
  for (const { block, bytes } of blocks) setBlock(bytes === null ? emptied : brought, block - first);
  return Buffer.concat([indexBytes(index), brought, emptied, ...blocks.flatMap(({ bytes }) => bytes ?? [])]);
}

function indexBytes(index: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(index);
  return bytes;
}
