import { requireAllowedName } from './user-name-rule';

test.each(['anna', 'ab'])('an alphabetic site gives %s', (name) => {
  expect(() => { requireAllowedName(name, 'alphabetic'); }).not.toThrow();
});

test.each(['anna1', 'anna.b', 'anna-b', 'anna_b', 'änna'])('an alphabetic site does not give %s, and says what it gives', (name) => {
  expect(() => { requireAllowedName(name, 'alphabetic'); }).toThrow(
    expect.objectContaining({ code: 'invalid-input', message: expect.stringMatching(new RegExp(`^The user name ${name} cannot be had here: .*letters a to z only`)) }),
  );
});

test('any other site gives every name', () => {
  expect(() => { requireAllowedName('anna.b-1', 'any'); }).not.toThrow();
});
