import { inOrder } from './lab-arguments';

const said = (line: string): string => inOrder(line.split(' ').filter((word) => word !== '')).join(' ');

test.each([
  ['', 'up'],
  ['--hosts 2', 'up --hosts 2'],
  ['--dir /tmp/a', 'up --dir /tmp/a'],
  ['--dir /tmp/a --hosts 2', 'up --dir /tmp/a --hosts 2'],
  ['--hosts 2 --dir /tmp/a', 'up --hosts 2 --dir /tmp/a'],
  ['--help', '--help'],
])('without a verb a lab is brought up: "%s"', (line, ordered) => {
  expect(said(line)).toBe(ordered);
});

test.each([
  ['--dir /tmp/a status', 'status --dir /tmp/a'],
  ['--dir=/tmp/a down', 'down --dir=/tmp/a'],
  ['status --dir /tmp/a', 'status --dir /tmp/a'],
  ['kill host-2:agent --dir /tmp/a', 'kill host-2:agent --dir /tmp/a'],
  ['--dir /tmp/a exec host-2 -- virsh list', 'exec --dir /tmp/a host-2 -- virsh list'],
  ['exec --dir /tmp/a host-2 -- virsh list', 'exec --dir /tmp/a host-2 -- virsh list'],
  ['exec host-2 --dir /tmp/a -- virsh list', 'exec --dir /tmp/a host-2 -- virsh list'],
])('where the lab lies is said before the verb, behind it or behind the host: "%s"', (line, ordered) => {
  expect(said(line)).toBe(ordered);
});

test('what a command on a host is given is its own', () => {
  expect(said('exec host-2 -- ls --dir /tmp/a')).toBe('exec host-2 -- ls --dir /tmp/a');
  expect(said('exec host-2 ls --dir /tmp/a')).toBe('exec host-2 ls --dir /tmp/a');
});
