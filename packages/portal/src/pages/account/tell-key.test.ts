import { tellKey } from './tell-key';

test('a key is told by its kind, its end and its comment', () => {
  expect(tellKey('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabcdefghijkl alice at home')).toBe('ssh-ed25519 …abcdefghijkl alice at home');
  expect(tellKey(' ssh-rsa AAAAabcdefghijkl ')).toBe('ssh-rsa …abcdefghijkl');
});
