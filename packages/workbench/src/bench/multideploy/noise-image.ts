import { createCipheriv, createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { encodeManifest, manifestOf } from '@paravcl/shared/chunks/manifest';
import { SeededRandom } from '../../recovery/seeded-random';

export interface NoiseImage {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string;
  /** Id of its manifest in chunks of `chunkBytes`. */
  readonly manifest: string;
}

export interface NoiseImageWish {
  readonly path: string;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  /** The same seed gives the same bytes. */
  readonly seed: number;
  /** Some chunks have other bytes than the seed's, as a version has that was installed anew in part. */
  readonly changed?: { readonly share: number; readonly seed: number };
}

/** Writes an image that no compression makes smaller, every chunk of it different. */
export async function writeNoiseImage({ path, sizeBytes, chunkBytes, seed, changed }: NoiseImageWish): Promise<NoiseImage> {
  const chunks = Math.ceil(sizeBytes / chunkBytes);
  const others = changed === undefined ? new Set<number>() : drawnChunks(chunks, Math.round(chunks * changed.share), changed.seed);
  const noise = noiseOf(seed);
  const otherNoise = noiseOf(changed?.seed ?? seed);
  const whole = createHash('sha256');
  const hashes: Buffer[] = [];
  const file = await open(path, 'w', 0o644);
  try {
    for (let index = 0; index < chunks; index += 1) {
      const length = Math.min(chunkBytes, sizeBytes - index * chunkBytes);
      const [base, other] = [noise(length), otherNoise(length)];
      const bytes = others.has(index) ? other : base;
      whole.update(bytes);
      hashes.push(createHash('sha256').update(bytes).digest());
      await file.write(bytes);
    }
  } finally {
    await file.close();
  }
  const manifest = createHash('sha256').update(encodeManifest(manifestOf({ chunkBytes, sizeBytes }, Buffer.concat(hashes)))).digest('hex');
  return { path, sizeBytes, sha256: whole.digest('hex'), manifest };
}

/** `count` different chunks. */
export function drawnChunks(of: number, count: number, seed: number): ReadonlySet<number> {
  const random = new SeededRandom(seed);
  const drawn = new Set<number>();
  while (drawn.size < Math.min(count, of)) drawn.add(random.between(0, of - 1));
  return drawn;
}

/** The key stream of AES-128-CTR: as random as anything that compresses, and fast. */
function noiseOf(seed: number): (length: number) => Buffer {
  const key = createHash('sha256').update(`noise image ${String(seed)}`).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length));
}
