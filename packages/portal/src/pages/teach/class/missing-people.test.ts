import { missingPeople } from './missing-people';

test('who joined late, was refused or deleted theirs has no machine; who waits for one has', () => {
  const people = ['late', 'refused', 'deleted', 'waits', 'runs'].map((id) => ({ id, disabled: false }));
  const tiles = [{ userId: 'refused', state: 'refused' }, { userId: 'deleted', state: 'deleted' }, { userId: 'waits', state: 'wanted' }, { userId: 'runs', state: 'running' }] as const;
  expect(missingPeople([...people, { id: 'locked', disabled: true }], tiles).map(({ id }) => id)).toEqual(['late', 'refused', 'deleted']);
});
