import { sshJumpCommand } from './ssh-jump';

const into = (host: string, port: number): string => sshJumpCommand({ userName: 'alice', host, port, guestUser: 'user', machine: 'i-ubuntu-9af' });

test('one gets into a machine over the jump host, by its name', () => {
  expect(into('lab.example.edu', 2222)).toBe('ssh -J alice@lab.example.edu:2222 user@i-ubuntu-9af');
});

test('the usual port need not be said', () => {
  expect(into('lab.example.edu', 22)).toBe('ssh -J alice@lab.example.edu user@i-ubuntu-9af');
});

test('an IPv6 address is bracketed, with a port or without', () => {
  expect(into('fd00::1', 2222)).toBe('ssh -J alice@[fd00::1]:2222 user@i-ubuntu-9af');
  expect(into('fd00::1', 22)).toBe('ssh -J alice@[fd00::1] user@i-ubuntu-9af');
});
