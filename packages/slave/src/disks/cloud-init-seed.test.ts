import { parse } from 'yaml';
import { seedFiles } from './cloud-init-seed';

const seed = { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: ['ssh-ed25519 AAAA student'] };

test('a guest is told who it is and who may log in', () => {
  const files = seedFiles('019cad8f-ac00-770b-b4bb-6d3c3a1cf2a1', seed);
  expect(Object.keys(files)).toEqual(['meta-data', 'user-data']);
  expect(parse(files['meta-data'])).toEqual({ 'instance-id': '019cad8f-ac00-770b-b4bb-6d3c3a1cf2a1', 'local-hostname': 'i-ubuntu-9af' });
  expect(parse(files['user-data'])).toMatchObject({ hostname: 'i-ubuntu-9af', users: [{ name: 'student', ssh_authorized_keys: ['ssh-ed25519 AAAA student'] }] });
});

test('what a template sets up is handed on to the letter, beside it', () => {
  const vendorData = "#cloud-config\npackages: [git]\nruncmd:\n  - echo 'ü $(x)'\n";
  const files = seedFiles('019cad8f-ac00-770b-b4bb-6d3c3a1cf2a1', { ...seed, vendorData });
  expect(files['vendor-data']).toBe(vendorData);
  expect(files['user-data']).toBe(seedFiles('019cad8f-ac00-770b-b4bb-6d3c3a1cf2a1', seed)['user-data']);
});
