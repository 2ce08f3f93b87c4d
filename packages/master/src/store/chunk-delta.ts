import { deltaBlockBytes, hasBlock, setBlock } from '@paravcl/shared/chunks/delta';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { looksRandom } from './chunk-encoding';

/**
 * A chunk as the difference to another of the same length, its base: a byte that says how the blocks are kept, two masks of
 * one bit a block of 4 KiB (blocks that are kept, blocks that are of zeros), and the former one after another, as they are
 * or deflated. Which chunk the base is, the pack's table says.
 */
const plainBlocks = 0;
const deflatedBlocks = 1;

const deflate = promisify<Buffer, { level: number }, Buffer>(deflateRaw);
const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw);
const zeros = Buffer.alloc(deltaBlockBytes);

/** Null when the two have different lengths, or more than half of the blocks differ. */
export async function encodeDelta(base: Buffer, bytes: Buffer): Promise<Buffer | null> {
  if (base.length !== bytes.length) return null;
  const blocks = blocksOf(bytes);
  const [kept, emptied] = [Buffer.alloc(maskLength(bytes)), Buffer.alloc(maskLength(bytes))];
  const changed: Buffer[] = [];
  let differing = 0;
  for (let block = 0; block < blocks; block += 1) {
    const now = blockOf(bytes, block);
    if (now.equals(blockOf(base, block))) continue;
    differing += 1;
    if (differing * 2 > blocks) return null;
    if (now.equals(zeros.subarray(0, now.length))) setBlock(emptied, block);
    else {
      setBlock(kept, block);
      changed.push(now);
    }
  }
  const payload = Buffer.concat(changed);
  if (payload.length > 0 && !looksRandom(payload)) {
    const deflated = await deflate(payload, { level: 1 });
    if (deflated.length <= payload.length - payload.length / 8) return Buffer.concat([Buffer.of(deflatedBlocks), kept, emptied, deflated]);
  }
  return Buffer.concat([Buffer.of(plainBlocks), kept, emptied, payload]);
}

/** The chunk whose difference to `base` this is. Throws a RangeError when it cannot be that; that the bytes are right, only their hash says. */
export async function applyDelta(base: Buffer, delta: Buffer): Promise<Buffer> {
  const length = maskLength(base);
  const [kept, emptied] = [delta.subarray(1, 1 + length), delta.subarray(1 + length, 1 + 2 * length)];
  const payload = await payloadOf(delta, 1 + 2 * length, base.length);
  const bytes = Buffer.from(base);
  let at = 0;
  for (let block = 0; block < blocksOf(base); block += 1) {
    const target = blockOf(bytes, block);
    if (hasBlock(emptied, block)) target.fill(0);
    if (!hasBlock(kept, block)) continue;
    // What is short is told below.
    if (at < payload.length) payload.copy(target, 0, at);
    at += target.length;
  }
  if (at !== payload.length) throw new RangeError(`A delta has ${payload.length} bytes of blocks where its mask names ${at}.`);
  return bytes;
}

async function payloadOf(delta: Buffer, start: number, mostBytes: number): Promise<Buffer> {
  if (delta.length < start) throw new RangeError(`A delta of ${delta.length} bytes is too short.`);
  const kept = delta.subarray(start);
  if (delta[0] === plainBlocks) return kept;
  if (delta[0] !== deflatedBlocks) throw new RangeError(`Blocks of a delta kept as ${delta[0] ?? 'nothing'} are unknown.`);
  return inflate(kept, { maxOutputLength: mostBytes }).catch((error: unknown) => {
    throw new RangeError('The blocks of a delta cannot be inflated.', { cause: error });
  });
}

function blocksOf(bytes: Buffer): number {
  return Math.ceil(bytes.length / deltaBlockBytes);
}

function maskLength(bytes: Buffer): number {
  return Math.ceil(blocksOf(bytes) / 8);
}

/** A view; the last one may be shorter. */
function blockOf(bytes: Buffer, block: number): Buffer {
  return bytes.subarray(block * deltaBlockBytes, (block + 1) * deltaBlockBytes);
}
