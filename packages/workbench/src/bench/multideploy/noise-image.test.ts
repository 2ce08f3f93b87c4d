import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { drawnChunks, writeNoiseImage } from './noise-image';

const chunkBytes = 65_536;
const sizeBytes = 40 * chunkBytes;

describe('an image of noise', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'noise-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const make = (name: string, seed: number, changed?: { share: number; seed: number }) => writeNoiseImage({ path: join(directory, name), sizeBytes, chunkBytes, seed, ...(changed === undefined ? {} : { changed }) });

  it('is the same for a seed, is as long as was wished, and does not compress', async () => {
    const [one, again] = [await make('a', 1), await make('b', 1)];
    const bytes = await readFile(one.path);
    expect(again).toMatchObject({ sha256: one.sha256, manifest: one.manifest });
    expect(bytes).toHaveLength(sizeBytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(one.sha256);
    expect(deflateRawSync(bytes.subarray(0, chunkBytes)).length).toBeGreaterThan(chunkBytes * 0.99);
  });

  it('has as many other chunks in its next version as was wished, all others alike', async () => {
    const [first, second] = await Promise.all([await make('c', 1), await make('d', 1, { share: 0.05, seed: 2 })].map(({ path }) => readFile(path)));
    const differs = Array.from({ length: 40 }, (_, index) => !first?.subarray(index * chunkBytes, (index + 1) * chunkBytes).equals(second?.subarray(index * chunkBytes, (index + 1) * chunkBytes) ?? Buffer.alloc(0)));
    expect(differs.filter(Boolean)).toHaveLength(2);
    expect([...drawnChunks(40, 2, 2)].every((index) => differs[index] === true)).toBe(true);
  });
});
