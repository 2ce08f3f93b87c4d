import { sshCommand } from './ssh-command';

test('one gets into a machine over the jump host, by its name', () => {
  expect(sshCommand({ host: 'lab.example.edu', port: 2222, guestUser: 'user' }, 'alice', 'i-ubuntu-9af')).toBe('ssh -J alice@lab.example.edu:2222 user@i-ubuntu-9af');
});

test('the usual port need not be said, and an IPv6 address is bracketed with one or without', () => {
  expect(sshCommand({ host: 'lab.example.edu', port: 22, guestUser: 'user' }, 'alice', 'm')).toBe('ssh -J alice@lab.example.edu user@m');
  expect(sshCommand({ host: 'fd00::1', port: 2222, guestUser: 'user' }, 'alice', 'm')).toBe('ssh -J alice@[fd00::1]:2222 user@m');
  expect(sshCommand({ host: 'fd00::1', port: 22, guestUser: 'user' }, 'alice', 'm')).toBe('ssh -J alice@[fd00::1] user@m');
});
