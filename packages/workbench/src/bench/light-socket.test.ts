import fc from 'fast-check';
import { maskedText, serverFrames } from './light-socket';

/** The same frame as a server sends it: no mask. */
function unmasked(text: string): Buffer {
  const masked = maskedText(text);
  const head = Buffer.byteLength(text) < 126 ? 2 : 4;
  const frame = Buffer.concat([masked.subarray(0, head), masked.subarray(head + 4)]);
  frame[1] = (frame[1] ?? 0) & 0x7f;
  return frame;
}

test('frames are read whole, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 300 }), { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (texts, step) => {
      const bytes = Buffer.concat(texts.map(unmasked));
      const seen: string[] = [];
      let rest: Buffer = Buffer.alloc(0);
      for (let at = 0; at < bytes.length; at += step) {
        const read = serverFrames(Buffer.concat([rest, bytes.subarray(at, at + step)]));
        seen.push(...read.frames.map(({ payload }) => payload.toString('utf8')));
        rest = read.rest;
      }
      expect(seen).toEqual(texts);
      expect(rest).toHaveLength(0);
    }),
  );
});

test('a text for the server bears the mask bit and its length', () => {
  expect([...maskedText('ab')]).toEqual([0x81, 0x82, 0, 0, 0, 0, 0x61, 0x62]);
  expect([...maskedText('x'.repeat(200)).subarray(0, 8)]).toEqual([0x81, 0x80 | 126, 0, 200, 0, 0, 0, 0]);
});
