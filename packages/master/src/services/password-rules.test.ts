import { frequentPasswords } from './frequent-passwords';
import { refuseGuessable } from './password-rules';

const judge = (password: string): void => refuseGuessable(password, ['margarete', 'Margarete von der Au', 'ParaVCL'], 'password');

test.each([
  ['Password123', 'frequent'],
  ['QWERTYUIOP', 'frequent'],
  ['1q2w3e4r5t', 'frequent'],
  ['correcthorsebatterystaple', 'frequent'],
  ['aaaaaaaaaaaa', 'repetition'],
  ['abababababab', 'repetition'],
  ['1234567890', 'run'],
  ['9876543210', 'run'],
  ['cdefghijklmn', 'run'],
  ['margarete1', 'name'],
  ['1Margarete!', 'name'],
  ['paravcl2026', 'name'],
  ['MargareteMargarete', 'name'],
])('%s is refused', (password, why) => {
  expect(() => judge(password)).toThrow(expect.objectContaining({ code: 'invalid-input', detail: { field: 'password', limit: 'not easily guessed' }, message: expect.stringContaining(why) as string }));
});

test.each(['a sparrow eats nine keys', 'margarete likes tin soldiers', 'ключ под камнем', 'xK9#qLw2!vbT', 'Auf der grünen Wiese'])('%s is fine', (password) => {
  expect(() => judge(password)).not.toThrow();
});

test('the list holds about two hundred passwords that length alone would let pass', () => {
  expect(frequentPasswords.size).toBeGreaterThanOrEqual(200);
  for (const password of frequentPasswords) {
    expect(password.length).toBeGreaterThanOrEqual(10);
    expect(password).toBe(password.normalize('NFKC').toLowerCase());
  }
});
