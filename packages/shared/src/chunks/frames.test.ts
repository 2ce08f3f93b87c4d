import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { ChunkFrameReader, encodeChunkFrame, indexOfManifestPart, manifestPartAt, maxChunkFrameBytes, type ChunkFrame } from './frames';
import { mostChunks } from './manifest';
import { mostPartBytes, mostParts } from './manifest-parts';

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyFrame: fc.Arbitrary<ChunkFrame> = fc.oneof(
  fc.record({ type: fc.constant('control' as const), message: fc.string({ minLength: 2 }) }),
  fc.record({ type: fc.constant('want' as const), request: u32, channel: u16, index: u32, urgent: fc.boolean(), insist: fc.boolean(), rank: u16 }),
  fc.record({ type: fc.constant('chunk' as const), request: u32, encoding: fc.constantFrom('plain' as const, 'deflate' as const), data }),
  fc.record({ type: fc.constant('lack' as const), request: u32, why: fc.constantFrom('absent' as const, 'refused' as const, 'failed' as const) }),
  fc.record({ type: fc.constant('redirect' as const), request: u32, members: fc.array(u16, { maxLength: 5 }) }),
  fc.record({ type: fc.constant('cancel' as const), request: u32 }),
  fc.constant({ type: 'alive' as const }),
);

const whole = (frames: readonly ChunkFrame[]): Buffer => Buffer.concat(frames.flatMap((frame) => encodeChunkFrame(frame)));

describe('frames of a chunk connection', () => {
  it('come out as they went in, whatever pieces they arrive in', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }), (frames, cuts) => {
        const bytes = whole(frames);
        const reader = new ChunkFrameReader();
        const found: ChunkFrame[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1;
          found.push(...reader.push(bytes.subarray(at, at + length)).map((frame) => ('data' in frame ? { ...frame, data: Buffer.from(frame.data) } : frame)));
          at += length;
        }
        expect(found).toEqual(frames);
      }),
    );
  });

  it('that cannot be are refused, and nothing but a RangeError comes of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new ChunkFrameReader().push(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it.each([
    ['a chunk', 2, maxChunkFrameBytes + 1],
    ['a want', 1, 66],
    ['a redirect', 4, 4 + 2 * 0xffff + 2],
  ])('of an absurd length for %s are refused before their bytes have come', (_, type, length) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 0);
    head.writeUInt8(type, 4);
    expect(() => new ChunkFrameReader().push(head)).toThrow(/is not taken/);
    head.writeUInt32BE(length - 1, 0);
    expect(new ChunkFrameReader().push(head)).toEqual([]);
  });

  it('make no room before their bytes have come: whoever announces much and sends nothing takes little', () => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(maxChunkFrameBytes, 0);
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new ChunkFrameReader());
    for (const reader of readers) expect(reader.push(head)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(readers.length * 256 * 1024);
  });

  it.each([128 * 1024 - 6, 128 * 1024 - 5, 128 * 1024 - 4, 300_000, maxChunkFrameBytes - 6])('come whole when they are long (%s bytes)', (length) => {
    const sent = randomBytes(length);
    const bytes = whole([{ type: 'chunk', request: 7, encoding: 'plain', data: sent }, { type: 'alive' }]);
    const reader = new ChunkFrameReader();
    const found: ChunkFrame[] = [];
    for (let at = 0; at < bytes.length; at += 50_000) found.push(...reader.push(bytes.subarray(at, at + 50_000)));
    expect(found.map(({ type }) => type)).toEqual(['chunk', 'alive']);
    expect(found.some((frame) => frame.type === 'chunk' && frame.data.equals(sent))).toBe(true);
  });

  it('are copied: whatever the pieces lay in may be written over', () => {
    const reader = new ChunkFrameReader();
    const bytes = whole([{ type: 'chunk', request: 7, encoding: 'plain', data: Buffer.alloc(1000, 'a') }]);
    const piece = Buffer.alloc(600);
    const found: ChunkFrame[] = [];
    for (let at = 0; at < bytes.length; at += piece.length) {
      const copied = bytes.copy(piece, 0, at);
      found.push(...reader.push(piece.subarray(0, copied)));
      piece.fill(0);
    }
    expect(found).toEqual([{ type: 'chunk', request: 7, encoding: 'plain', data: Buffer.alloc(1000, 'a') }]);
  });
});

it('the index of a part of a manifest is that of no chunk, and a part fits a frame', () => {
  for (const part of [0, 1, mostParts - 1]) expect(manifestPartAt(indexOfManifestPart(part))).toBe(part);
  expect(manifestPartAt(indexOfManifestPart(mostParts))).toBeNull();
  for (const index of [0, mostChunks - 1, mostChunks]) expect(manifestPartAt(index)).toBeNull();
  expect(mostPartBytes).toBeLessThan(maxChunkFrameBytes / 2);
});
