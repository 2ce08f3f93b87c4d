import { parseTarget } from './lab-targets';

const hosts = ['host-1', 'host-2'];

test.each([
  ['master', { kind: 'master' }],
  ['database', { kind: 'database' }],
  ['host-2', { kind: 'host', host: 'host-2' }],
  ['host-1:agent', { kind: 'agent', host: 'host-1' }],
  ['host-1:mirror', { kind: 'mirror', host: 'host-1' }],
  ['host-2:libvirtd', { kind: 'libvirtd', host: 'host-2' }],
])('%s names what it says', (text, target) => {
  expect(parseTarget(text, hosts)).toEqual(target);
});

test.each(['', 'host-3', 'host-1:', 'host-1:kernel', 'host-1:agent:x', 'master:agent'])('"%s" is refused, and everything there is is named', (text) => {
  expect(() => parseTarget(text, hosts)).toThrow(/There are: master, database, host-1, host-1:agent, host-1:mirror, host-1:libvirtd, host-2/);
});
