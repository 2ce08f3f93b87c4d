import { credentialSent, isComplete, noCredential } from './credential';

const typed = { ...noCredential, password: 'of the login', privateKey: ' -----BEGIN KEY-----\nAAAA\n-----END KEY-----', passphrase: 'of the key', sudoPassword: 'of sudo' };

describe('what is sent to log in at a host', () => {
  it('is the password alone, though a key was typed before', () => {
    expect(credentialSent('root', typed)).toEqual({ credential: { kind: 'password', password: 'of the login' } });
  });

  it('is the key with the end of its last line, and its passphrase where it has one', () => {
    const privateKey = '-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n';
    expect(credentialSent('root', { ...typed, kind: 'key' })).toEqual({ credential: { kind: 'key', privateKey, passphrase: 'of the key' } });
    expect(credentialSent('root', { ...typed, kind: 'key', passphrase: '' })).toEqual({ credential: { kind: 'key', privateKey } });
  });

  it('has a password for sudo where the user is not root and one was typed', () => {
    expect(credentialSent('lab', typed)).toMatchObject({ sudoPassword: 'of sudo' });
    expect(credentialSent('lab', { ...typed, sudoPassword: '' })).not.toHaveProperty('sudoPassword');
  });

  it('is enough when what its kind needs is there', () => {
    expect([isComplete(noCredential), isComplete(typed), isComplete({ ...typed, kind: 'key', privateKey: ' \n' }), isComplete({ ...typed, kind: 'key', password: '' })]).toEqual([false, true, false, true]);
  });
});
