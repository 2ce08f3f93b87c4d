import fc from 'fast-check';
import { readSeparatedValues } from './separated-values';

interface Way {
  readonly separator: ',' | ';' | '\t';
  readonly lineEnd: '\r\n' | '\n' | '\r';
  readonly quotesAll: boolean;
  readonly byteOrderMark: boolean;
  readonly endsLine: boolean;
}

const way: fc.Arbitrary<Way> = fc.record({
  separator: fc.constantFrom(',' as const, ';' as const, '\t' as const),
  lineEnd: fc.constantFrom('\r\n' as const, '\n' as const, '\r' as const),
  quotesAll: fc.boolean(),
  byteOrderMark: fc.boolean(),
  endsLine: fc.boolean(),
});

/** Of the letters that matter, and of all others. */
const cell = fc.oneof(fc.string({ unit: fc.constantFrom('a', 'ß', ' ', '"', ',', ';', '\t', '\r', '\n') }), fc.string({ unit: 'grapheme' })).filter((text) => !text.includes('\uFEFF'));
/** The first cell says something: empty lines give no records. And there are two, or nothing would tell what stands between them. */
const record = fc.tuple(cell.map((text) => `x${text}`), cell, fc.array(cell, { maxLength: 3 })).map(([first, second, others]) => [first, second, ...others]);

function written(records: readonly (readonly string[])[], { separator, lineEnd, quotesAll, byteOrderMark, endsLine }: Way): string {
  const quoted = (text: string): string => (quotesAll || /["\r\n,;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${byteOrderMark ? '\uFEFF' : ''}${records.map((cells) => cells.map(quoted).join(separator)).join(lineEnd)}${endsLine ? lineEnd : ''}`;
}

test('what is written is read the same, whatever parts cells and lines', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), way, (records, how) => {
      const { records: read, fault } = readSeparatedValues(written(records, how));
      expect(fault).toBeNull();
      expect(read.map(({ cells }) => cells)).toEqual(records);
    }),
  );
});

test('any text at all is read, or its fault told at a line that it has', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', ';', '\t', '\r', '\n') }), (text) => {
      const { records, fault } = readSeparatedValues(text);
      const lines = text.split(/\r\n|\r|\n/).length;
      const told = [...records.map(({ line }) => line), ...(fault === null ? [] : [fault.line])];
      expect(told.every((line, at) => line >= 1 && line <= lines && line >= (told[at - 1] ?? 1))).toBe(true);
    }),
  );
});

test('lines are counted as an editor does, over empty lines and cells of several lines', () => {
  const { records } = readSeparatedValues('a,b\r\n\r\n"c\nc",d\r\n,\r\ne,f');
  expect(records).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 3, cells: ['c\nc', 'd'] },
    { line: 6, cells: ['e', 'f'] },
  ]);
});

test('a comma within a name does not make commas what stands between cells', () => {
  expect(readSeparatedValues('anna;Ångström, Anna, Dr.\n').records[0]?.cells).toEqual(['anna', 'Ångström, Anna, Dr.']);
  expect(readSeparatedValues('"a;b",c').records[0]?.cells).toEqual(['a;b', 'c']);
});

test('a quote within a bare cell is a letter like others', () => {
  expect(readSeparatedValues('anna,Anna "Anni" Ångström').records[0]?.cells).toEqual(['anna', 'Anna "Anni" Ångström']);
});

test('a quote that nothing closes, and text behind one that closed, are told by their line', () => {
  expect(readSeparatedValues('a,b\nc,"d\ne,f\n')).toMatchObject({ records: [{ line: 1 }], fault: { line: 2, sentence: expect.stringContaining('nothing closes it') as string } });
  expect(readSeparatedValues('a,b\n\n"c" d,e\n')).toMatchObject({ records: [{ line: 1 }], fault: { line: 3, sentence: expect.stringContaining('closing quote') as string } });
});
