import { readFacts } from './domain-facts';

const xml = '<domain><uuid>0192f0c1-2345-7abc-8def-000000000001</uuid><memory unit="KiB">131072</memory></domain>';
const facts = (managedSave: 'yes' | 'no', state: string) => readFacts([`Name:           pv-a\nManaged save:   ${managedSave}\n`, state, xml]);

it('tells a half-written save that a running domain has from one that is being made, and from a whole one', () => {
  expect(facts('yes', 'running (save canceled)')).toMatchObject({ state: 'running', staleSave: true });
  expect(facts('yes', 'paused (saving)')).toMatchObject({ state: 'paused', staleSave: false });
  expect(facts('yes', 'shut off (saved)')).toMatchObject({ state: 'saved', staleSave: false });
  expect(facts('no', 'running (booted)')).toMatchObject({ state: 'running', staleSave: false });
});
