import { deltaBlockBytes } from '@paravcl/shared/chunks/delta';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { applyDelta, encodeDelta } from './chunk-delta';

const blocks = 16;

/** Base, and the same with blocks replaced: by zeros, text or noise. */
function changed(length: number, changes: readonly { readonly block: number; readonly to: 'zeros' | 'text' | 'noise' }[]): { readonly base: Buffer; readonly bytes: Buffer } {
  const base = randomBytes(length);
  const bytes = Buffer.from(base);
  for (const { block, to } of changes) {
    const target = bytes.subarray(block * deltaBlockBytes, (block + 1) * deltaBlockBytes);
    if (to === 'noise') randomBytes(target.length).copy(target);
    else target.fill(to === 'zeros' ? 0 : 'a line of a log\n');
  }
  return { base, bytes };
}

const change = fc.record({ block: fc.nat(blocks - 1), to: fc.constantFrom('zeros' as const, 'text' as const, 'noise' as const) });

test('a chunk is read again from its base and what differs, whatever its length', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: blocks * deltaBlockBytes }), fc.array(change, { maxLength: blocks }), async (length, changes) => {
      const { base, bytes } = changed(length, changes);
      const delta = await encodeDelta(base, bytes);
      if (delta !== null) expect((await applyDelta(base, delta)).equals(bytes)).toBe(true);
      const touched = new Set(changes.map(({ block }) => block).filter((block) => block * deltaBlockBytes < length)).size;
      expect(delta === null).toBe(touched * 2 > Math.ceil(length / deltaBlockBytes));
    }),
  );
});

test('a changed block of noise costs itself and five bytes, one of text less, and one of zeros nothing more', async () => {
  const sizeWith = async (to: 'zeros' | 'text' | 'noise'): Promise<number> => {
    const { base, bytes } = changed(blocks * deltaBlockBytes, [{ block: 7, to }]);
    return (await encodeDelta(base, bytes))?.length ?? Infinity;
  };
  expect(await sizeWith('noise')).toBe(deltaBlockBytes + 5);
  expect(await sizeWith('text')).toBeLessThan(200);
  expect(await sizeWith('zeros')).toBe(5);
});

test('chunks of different lengths have no delta', async () => {
  expect(await encodeDelta(randomBytes(deltaBlockBytes), randomBytes(2 * deltaBlockBytes))).toBeNull();
});

test('what cannot be a delta of its base is refused, and nothing is made of it', async () => {
  const { base, bytes } = changed(blocks * deltaBlockBytes, [{ block: 1, to: 'noise' }, { block: 3, to: 'noise' }]);
  const delta = (await encodeDelta(base, bytes)) ?? Buffer.alloc(0);
  const flagged = (flag: number): Buffer => Buffer.concat([Buffer.of(flag), delta.subarray(1)]);
  await expect(applyDelta(base, delta.subarray(0, 4))).rejects.toThrow(/of 4 bytes is too short/);
  await expect(applyDelta(base, delta.subarray(0, -1))).rejects.toThrow(/has 8191 bytes of blocks where its mask names 8192/);
  await expect(applyDelta(base, Buffer.concat([delta, Buffer.alloc(1)]))).rejects.toThrow(/has 8193 bytes of blocks where its mask names 8192/);
  // Noise may happen to inflate to some bytes.
  await expect(applyDelta(base, flagged(1))).rejects.toThrow(/cannot be inflated|bytes of blocks where its mask names/);
  await expect(applyDelta(base, flagged(7))).rejects.toThrow(/kept as 7 are unknown/);
});
