import { generateKeyPairSync, sign } from 'node:crypto';
import { isAgentKey, isSignedBy } from './agent-key';

const pair = generateKeyPairSync('ed25519');
const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
const input = Buffer.from('paravcl-hello-v1\nnonce\nid');

test('an Ed25519 key and its signature are recognised', () => {
  expect(isAgentKey(publicKey)).toBe(true);
  expect(isSignedBy(publicKey, input, sign(null, input, pair.privateKey).toString('base64url'))).toBe(true);
});

test('a signature over something else, by somebody else or of nonsense is refused', () => {
  const other = generateKeyPairSync('ed25519');
  expect(isSignedBy(publicKey, input, sign(null, Buffer.from('other'), pair.privateKey).toString('base64url'))).toBe(false);
  expect(isSignedBy(publicKey, input, sign(null, input, other.privateKey).toString('base64url'))).toBe(false);
  expect(isSignedBy(publicKey, input, '')).toBe(false);
  expect(isSignedBy(publicKey, input, 'not a signature')).toBe(false);
});

test('other kinds of keys, other spellings of a key and nonsense are no keys', () => {
  const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
  for (const text of [x25519, `${publicKey}=`, publicKey.replace(/-/g, '+').replace(/_/g, '/') + '!', 'A'.repeat(60), '']) expect(isAgentKey(text)).toBe(false);
});
