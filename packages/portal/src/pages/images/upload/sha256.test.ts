import { createHash } from 'node:crypto';
import { Sha256 } from './sha256';

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_each, at) => (at * 31 + (at >> 8)) & 0xff);

describe('SHA-256 of a file in pieces', () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 70_001])('is what everybody else says of %i bytes, however they are cut', (length) => {
    const bytes = bytesOf(length);
    const expected = createHash('sha256').update(bytes).digest('hex');
    for (const piece of [1, 7, 64, 100, length + 1]) {
      const hash = new Sha256();
      for (let at = 0; at < length; at += piece) hash.update(bytes.subarray(at, at + piece));
      expect(hash.digest()).toBe(expected);
    }
  });
});
