import { asHeader } from './fabric-router';

test('a sentence becomes one line of a header, whatever names it holds', () => {
  expect(asHeader('“müller’s” – VM…')).toBe('"m?ller\'s" - VM...');
  expect(asHeader('a\r\nSet-Cookie: b\u0000\u2028👩‍💻')).not.toMatch(/[^\x20-\x7e]/);
  expect(asHeader('x'.repeat(9999))).toHaveLength(500);
});
