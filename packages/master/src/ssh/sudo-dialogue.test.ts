import fc from 'fast-check';
import { SudoDialogue } from './sudo-dialogue';

const prompt = '[asks w]';
const beginning = '[begins w]';

/** What came of what was heard, in order; text as it was passed on. */
function hear(text: string, cuts: readonly number[] = []): { readonly turns: readonly string[]; readonly said: string } {
  const turns: string[] = [];
  const dialogue = new SudoDialogue('w');
  dialogue.begin({ onAsked: (times) => turns.push(`asked ${String(times)}`), onBegun: () => turns.push('begun') });
  const bytes = Buffer.from(text);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length];
  const said = places.slice(1).map((end, at) => dialogue.hear(bytes.subarray(places[at], end)));
  return { turns, said: Buffer.concat([...said, dialogue.end()]).toString() };
}

test('it asks, and what it was asked to run begins', () => {
  expect(hear(`We trust you.\n${prompt}\n${beginning}did: it\n`)).toEqual({ turns: ['asked 1', 'begun'], said: 'We trust you.\n\ndid: it\n' });
});

test('it does not ask', () => {
  expect(hear(`${beginning}said`)).toEqual({ turns: ['begun'], said: 'said' });
});

test('it asks again for a wrong password, and what it was asked to run never begins', () => {
  expect(hear(`${prompt}Sorry, try again.\n${prompt}no`)).toEqual({ turns: ['asked 1', 'asked 2'], said: 'Sorry, try again.\nno' });
});

test('a command that says what sudo says is not asking', () => {
  expect(hear(`${beginning}give me the password: ${prompt}`)).toEqual({ turns: ['begun'], said: `give me the password: ${prompt}` });
});

test('it is the same in whatever pieces it comes', () => {
  const word = fc.constantFrom(prompt, beginning, '[', '[asks ', 'begins w]', 'ü\n', 'x');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (words, cuts) => {
      expect(hear(words.join(''), cuts)).toEqual(hear(words.join('')));
    }),
  );
});
