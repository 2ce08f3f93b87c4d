import { readFacts } from './domain-facts';

const xml = '<domain><uuid>0192f0c1-2345-7abc-8def-000000000001</uuid><memory unit="KiB">131072</memory></domain>';
const facts = (managedSave: 'yes' | 'no', state: string) => readFacts([`Name:           pv-a\nManaged save:   ${managedSave}\n`, state, xml], new Set());

it.each([
  ['yes', 'running (save canceled)', 'running', 'yes'],
  ['yes', 'paused (I/O error)', 'paused-io', 'unless-saving'],
  ['yes', 'paused (user)', 'paused', 'unless-saving'],
  ['yes', 'paused (saving)', 'paused', 'unless-saving'],
  ['yes', 'shut off (saved)', 'saved', 'no'],
  ['no', 'paused (saving)', 'paused', 'no'],
  ['no', 'running (booted)', 'running', 'no'],
] as const)('with a managed save: %s, a domain that is %s is %s, and the save stale: %s', (managedSave, words, state, staleSave) => {
  expect(facts(managedSave, words)).toMatchObject({ state, staleSave });
});

it.each([
  ['shut off (destroyed)', 'saved'],
  ['paused (migrating)', 'migrating'],
  ['paused (starting up)', 'migrating'],
  ['running (unpaused)', 'running'],
] as const)('a domain that is %s and was given RAM is %s, and has no save of libvirt’s', (words, state) => {
  const given = readFacts(['Name:           pv-a\nManaged save:   no\n', words, xml], new Set(['pv-a']));
  expect(given).toMatchObject({ state, hasArrivedRam: true, hasSave: false, staleSave: 'no' });
});
