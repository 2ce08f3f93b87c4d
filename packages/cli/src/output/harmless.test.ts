import { harmless, harmlessJson } from './harmless';

it.each(['\u061c', '\u200b', '\u2028', '\u2029', '\ufeff', '\u00ad', '\u{e0041}', '\u001b', '\u009b', '\u202e', '\u2800', '\u3164', '\u200d'])('shows what is not seen or moves what is: %j', (character) => {
  expect(harmless(`a${character}b`)).toMatch(/^a(\\u[0-9a-f]{4}){1,2}b$/);
  const json = harmlessJson(JSON.stringify({ name: `a${character}b` }, null, 2));
  expect(json).toMatch(/^[\n -~]*$/);
  expect(JSON.parse(json)).toEqual({ name: `a${character}b` });
});

it('leaves what people write as it is', () => {
  for (const text of ['Übung 3', '👩‍💻', '👩🏽‍🚀', '❤️‍🔥', 'क्षि', '東京', 'e\u0301']) expect(harmless(text)).toBe(text);
  expect(harmless('two\nlines\tand\r\nmore')).toBe('two lines and more');
});
