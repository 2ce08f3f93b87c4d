import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { decodeChunk, encodeChunk } from './chunk-encoding';

test('what is encoded is decoded again, and what was given may be used for something else meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 20_000 }), async (content) => {
      const given = Buffer.from(content);
      const encoded = await encodeChunk(given);
      given.fill(0);
      expect(await decodeChunk(encoded)).toEqual(Buffer.from(content));
    }),
    { numRuns: 50 },
  );
});

test('text is kept deflated, random bytes as they are', async () => {
  const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(1500));
  expect((await encodeChunk(text)).encoding).toBe('deflate');
  expect((await encodeChunk(randomBytes(65_536))).encoding).toBe('plain');
});

test('a chunk that is random at its start only is still deflated', async () => {
  const half = Buffer.concat([randomBytes(32_768), Buffer.alloc(32_768, 'ab')]);
  expect((await encodeChunk(half)).encoding).toBe('deflate');
});

test('what inflates to more than any chunk has is not inflated', async () => {
  const bomb = await encodeChunk(Buffer.alloc(5 * 1024 * 1024));
  expect(bomb.encoding).toBe('deflate');
  await expect(decodeChunk(bomb)).rejects.toThrow();
});
