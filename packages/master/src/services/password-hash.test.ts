import { hashPassword, isOutdated, matchesPassword, unmatchableHash } from './password-hash';

const cheap = { ln: 4, r: 8, p: 1 };

test('the right password matches, any other does not, and two hashes of one differ', async () => {
  const stored = await hashPassword('a sparrow eats nine keys', cheap);
  expect(stored).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await matchesPassword('a sparrow eats nine keys', stored)).toBe(true);
  expect(await matchesPassword('a sparrow eats nine key', stored)).toBe(false);
  expect(await matchesPassword('', stored)).toBe(false);
  expect(await hashPassword('a sparrow eats nine keys', cheap)).not.toBe(stored);
});

test('the same typed text matches whatever its Unicode form', async () => {
  const stored = await hashPassword('Übergröße é', cheap);
  expect(await matchesPassword('U\u0308bergro\u0308ße e\u0301'.replace('gro\u0308', 'grö'), stored)).toBe(true);
});

test('the RFC 7914 vector holds: what is stored is scrypt and nothing else', async () => {
  const salt = Buffer.from('SodiumChloride').toString('base64').replace(/=+$/, '');
  const hash = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex').toString('base64').replace(/=+$/, '');
  expect(await matchesPassword('pleaseletmein', `$scrypt$ln=14,r=8,p=1$${salt}$${hash}`)).toBe(true);
});

test('a hash of another cost is outdated and still opens', async () => {
  const stored = await hashPassword('a sparrow eats nine keys', { ln: 3, r: 8, p: 1 });
  expect(isOutdated(stored, cheap)).toBe(true);
  expect(isOutdated(stored, { ln: 3, r: 8, p: 1 })).toBe(false);
  expect(await matchesPassword('a sparrow eats nine keys', stored)).toBe(true);
});

test('the hash for nobody costs as much as a real one and opens for nothing', async () => {
  const nobody = unmatchableHash(cheap);
  expect(isOutdated(nobody, cheap)).toBe(false);
  expect(nobody).toHaveLength((await hashPassword('x', cheap)).length);
  expect(await matchesPassword('', nobody)).toBe(false);
});

test('a stored form that is not ours is a fault, not a wrong password', async () => {
  await expect(matchesPassword('x', '$2b$10$abcdefg')).rejects.toThrow(/not of the form/);
});
