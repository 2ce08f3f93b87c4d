import { createHmac } from 'node:crypto';
import { isEncrypted } from './credential';
import { fingerprintsIn } from './known-hosts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMjLUc1IBiUGPYLjs1DrIjzuxfL+84NMj2OmzWzLpW1G';
const salt = Buffer.from('a salt of twenty bytes');
const hashed = `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update('[10.0.0.7]:2222').digest('base64')}`;

it('finds the keys of a host by name, by name and port, and by hashed names', () => {
  const file = `# comment\nlab-pc-01,10.0.0.1 ${key} somebody\n${hashed} ${key}\n@revoked lab-pc-02 ${key}\n\nbroken\n`;
  const [fingerprint] = fingerprintsIn(file, 'LAB-pc-01', 22);
  expect(fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  expect([...fingerprintsIn(file, '10.0.0.1', 22)]).toEqual([fingerprint]);
  expect([...fingerprintsIn(file, '10.0.0.7', 2222)]).toEqual([fingerprint]);
  for (const [host, port] of [['10.0.0.7', 22], ['lab-pc-01', 2222], ['lab-pc-02', 22], ['broken', 22]] as const) expect(fingerprintsIn(file, host, port).size).toBe(0);
});

it('knows a private key that needs a passphrase', () => {
  const openSsh = (cipher: string): string => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(cipher.length);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.concat([Buffer.from('openssh-key-v1\0'), length, Buffer.from(`${cipher} and more`)]).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
  };
  expect([openSsh('none'), openSsh('aes256-ctr'), '-----BEGIN ENCRYPTED PRIVATE KEY-----', '-----BEGIN RSA PRIVATE KEY-----\nabc'].map(isEncrypted)).toEqual([false, true, true, false]);
});
