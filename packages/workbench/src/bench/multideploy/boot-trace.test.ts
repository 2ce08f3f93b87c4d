import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askedBytes, bootChunks, inOrderSeconds, ownSeconds, readBootTrace, recordedBootFile, withoutPauses, writtenTrace, type BootTrace } from './boot-trace';
import { bootSetBytes, imageBytes } from './sizes';

const chunkBytes = 64 * 1024;
const trace: BootTrace = {
  origin: 'a test',
  diskBytes: 4 * chunkBytes,
  reads: [
    { thinkUs: 0, offset: 2 * chunkBytes, length: 4096, depth: 1 },
    { thinkUs: 1500, offset: chunkBytes - 4096, length: 8192, depth: 2 },
    { thinkUs: 500, offset: 2 * chunkBytes, length: 4096, depth: 1 },
  ],
};

describe('a boot trace', () => {
  it('names each chunk once, in the order in which the boot touches them', () => {
    expect(bootChunks(trace, chunkBytes)).toEqual([2, 0, 1]);
  });

  it('counts what is read twice twice, and pauses in seconds', () => {
    expect(askedBytes(trace)).toBe(16_384);
    expect(ownSeconds(trace)).toBeCloseTo(0.002);
    expect(ownSeconds(withoutPauses(trace))).toBe(0);
  });

  it('takes the link’s time for early bytes and its own pauses after them, when its chunks come in order', () => {
    // Three chunks in a second each; two of them are touched by the second read.
    expect(inOrderSeconds(trace, chunkBytes, chunkBytes)).toBeCloseTo(3.0005);
    expect(inOrderSeconds(trace, chunkBytes, 1e12)).toBeCloseTo(ownSeconds(trace));
  });

  it('comes back from its file as it was', async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, 'trace.json');
      await writeFile(file, writtenTrace(trace));
      expect(await readBootTrace(file)).toEqual(trace);
    });
  });

  it('is refused when it reads beyond its disk', async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, 'trace.json');
      await writeFile(file, writtenTrace({ ...trace, diskBytes: chunkBytes }));
      await expect(readBootTrace(file)).rejects.toThrow('beyond its disk of 65536 bytes');
    });
  });
});

describe('the recorded boot', () => {
  it('is one of an image at least twenty times its boot set, as the definition of the bench says', async () => {
    const recorded = await readBootTrace(recordedBootFile);
    const chunks = bootChunks(recorded, chunkBytes);
    expect(recorded.diskBytes).toBe(imageBytes);
    expect(chunks.length * chunkBytes).toBe(bootSetBytes);
    expect(imageBytes / bootSetBytes).toBeGreaterThanOrEqual(20);
  });
});

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'boot-trace-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
