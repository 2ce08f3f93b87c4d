import { nextForReader, nextForSlave } from './standing';

const host = (admission: Parameters<typeof nextForSlave>[0]['admission']) => ({ id: '01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4', name: 'pc-1', admission, evacuation: null });

it('says of a quarantined host to read why, and only who has read it how it is let in again', () => {
  expect(nextForSlave(host('quarantined'))).toBe('paravcl slaves show pc-1');
  expect(nextForReader(host('quarantined'))).toMatch(/^paravcl slaves approve pc-1 --accept-identity, when you know why it changed; paravcl slaves retire pc-1 otherwise$/);
});

it('says the same to both of any other host', () => {
  const next = (['pending', 'approved', 'draining', 'retired'] as const).map((admission) => [nextForSlave(host(admission)), nextForReader(host(admission))]);
  expect(next).toEqual(['paravcl slaves approve pc-1', null, 'paravcl slaves undrain pc-1', null].map((said) => [said, said]));
});
