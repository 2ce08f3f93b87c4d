import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { DeltaBases } from './delta-bases';
import { buildPack, PackRefused, packTableBytes, parsePackTable, type KeptChunk, type PackEntry } from './pack-format';

const whole = fc.record({ data: fc.uint8Array({ maxLength: 200 }), encoding: fc.constantFrom('plain' as const, 'deflate' as const) });
const delta = fc.record({ data: fc.uint8Array({ maxLength: 200 }), encoding: fc.constant('delta' as const), base: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => Buffer.from(hash)) });
const chunk: fc.Arbitrary<KeptChunk> = fc.oneof(whole, delta).map((kept) => ({ ...kept, data: Buffer.from(kept.data), hash: createHash('sha256').update(kept.data).digest() }));

function parse(pack: Buffer): readonly PackEntry[] {
  return parsePackTable(pack.subarray(Math.max(0, pack.length - packTableBytes(pack, pack.length))), pack.length);
}

test('what a pack was built of is read from it again', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
      const { pieces, entries } = buildPack(chunks);
      const pack = Buffer.concat(pieces);
      expect(parse(pack)).toEqual(entries);
      expect(entries.map(({ offset, length }) => pack.subarray(offset, offset + length))).toEqual(chunks.map(({ data }) => data));
    }),
  );
});

test('a pack that was cut, lengthened, or changed in its table is refused', () => {
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 10 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (chunks, where, by) => {
      const { pieces } = buildPack(chunks);
      const pack = Buffer.concat(pieces);
      const tableAt = pack.length - packTableBytes(pack, pack.length);
      const changed = Buffer.from(pack);
      const at = tableAt + (where % (pack.length - tableAt));
      changed[at] = (changed[at] ?? 0) ^ by;
      expect(() => parse(changed)).toThrow(PackRefused);
      expect(() => parse(pack.subarray(0, where % pack.length))).toThrow(PackRefused);
      expect(() => parse(Buffer.concat([pack, Buffer.alloc(1 + (where % 100))]))).toThrow(PackRefused);
    }),
  );
});

test('a table that points outside of its pack is refused, though its hash be right', () => {
  const { pieces } = buildPack([{ hash: Buffer.alloc(32, 1), encoding: 'plain', data: Buffer.alloc(100, 1) }]);
  const table = pieces.at(-1) ?? Buffer.alloc(0);
  // As if the 100 bytes before the table had never been written.
  expect(() => parsePackTable(table, table.length + 50)).toThrow(PackRefused);
});

test('a pack of a newer release, and a chunk kept as only that knows, are told from damage', () => {
  const [head = Buffer.alloc(0), data = Buffer.alloc(0), table = Buffer.alloc(0)] = buildPack([{ hash: Buffer.alloc(32, 1), encoding: 'plain', data: Buffer.alloc(100, 1) }]).pieces;
  const newer = Buffer.concat([head, data, table.subarray(0, -1), Buffer.from('3')]);
  expect(() => parse(newer)).toThrow(/written by a newer release/);
  table.writeUInt8(9, 40);
  createHash('sha256').update(table.subarray(0, -40)).digest().copy(table, table.length - 40);
  expect(() => parse(Buffer.concat([head, data, table]))).toThrow(/chunk 0 is kept in a way that a newer release knows/);
});

test('a table with other deltas than bases is refused', () => {
  const base = Buffer.alloc(32, 7);
  const [head = Buffer.alloc(0), data = Buffer.alloc(0), table = Buffer.alloc(0)] = buildPack([{ hash: Buffer.alloc(32, 1), encoding: 'delta', base, data: Buffer.alloc(100, 1) }]).pieces;
  table.writeUInt8(0, 40);
  createHash('sha256').update(table.subarray(0, -40)).digest().copy(table, table.length - 40);
  expect(() => parse(Buffer.concat([head, data, table]))).toThrow(/another number of deltas than of bases/);
});

test('which base a delta has is found by where it stands', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(whole, delta).map((kept): KeptChunk => ({ ...kept, data: Buffer.from([...kept.data, 0]), hash: Buffer.alloc(32) })), { maxLength: 30 }), (chunks) => {
      const { entries } = buildPack(chunks);
      const bases = new DeltaBases(entries);
      for (const entry of entries) expect(bases.at(entry.offset)).toEqual(entry.encoding === 'delta' ? entry.base : null);
      expect(bases.at(7)).toBeNull();
    }),
  );
});
