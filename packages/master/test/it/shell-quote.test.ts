import { runProgram } from '@paravcl/workbench/process/run-program';
import fc from 'fast-check';
import { shellQuote } from '@paravcl/shared/shell-quote';

test('what a shell makes of a quoted command is the words it was made of, whatever stands in them', async () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0')),
    fc.constantFrom('', '-n', "'", "''", '$(id)', '`id`', '; true', '"', '\\', '\n', '!!', '*', '~', '# no', '>x', 'a b', '$HOME', '&'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 5 }), async (words) => {
      const said = await runProgram('sh', ['-c', shellQuote(['printf', '%s\\000', ...words])]);
      expect(said.split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 60, examples: [[['\u0001', '']]] },
  );
});

test('a word with a NUL is refused: no program could be given it', () => {
  expect(() => shellQuote(['echo', 'a\0b'])).toThrow('NUL');
});
