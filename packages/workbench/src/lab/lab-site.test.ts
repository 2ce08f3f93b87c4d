import { LabError } from './lab-record';
import { LabSite } from './lab-site';

const directoryOf = (bytes: number): string => `/${'d'.repeat(bytes - 1)}`;
const siteIn = (stateDir: string, ...names: readonly string[]): LabSite => new LabSite({ stateDir, hosts: names.map((name) => ({ name })) });

test('a directory of 34 bytes has room for the sockets of 16 hosts, which end at 107 bytes', () => {
  const site = new LabSite({ stateDir: directoryOf(34), hosts: Array.from({ length: 16 }, () => ({})) });
  const pool = site.host('host-16').pool;
  expect(Buffer.byteLength(`${pool}/instances/0192f0c1-2345-7abc-8def-0123456789ab/run/vnc.sock`)).toBe(107);
});

test('a host in whose pool sockets would be too deep is refused, with what is too long and the limit', () => {
  expect(() => siteIn(directoryOf(35), 'host-1', 'host-16')).toThrow(LabError);
  expect(() => siteIn(directoryOf(35), 'host-1', 'host-16')).toThrow(/d\/host-16 is 43 bytes long; a lab host's directory may have 42/);
  expect(() => siteIn(directoryOf(35), 'host-1')).not.toThrow();
  expect(() => siteIn(directoryOf(34), 'host-large')).toThrow(/host-large is 45 bytes long/);
});
