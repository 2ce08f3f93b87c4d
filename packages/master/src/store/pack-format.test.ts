import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { buildPack, PackRefused, packTableBytes, parsePackTable, type KeptChunk, type PackEntry } from './pack-format';

const chunk: fc.Arbitrary<KeptChunk> = fc.record({ data: fc.uint8Array({ maxLength: 200 }), encoding: fc.constantFrom('plain' as const, 'deflate' as const) }).map(({ data, encoding }) => ({
  data: Buffer.from(data),
  encoding,
  hash: createHash('sha256').update(data).digest(),
}));

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
