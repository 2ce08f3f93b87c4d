import { actionsOf, isMovedAnew, type Who } from './reservation-actions';

const now = Date.parse('2026-12-07T09:00Z');
const alice: Who = { userId: 'alice', role: 'student', ownedGroupIds: [] };
const coming = { id: 'r1', state: 'confirmed', userId: 'alice', groupId: null, start: '2026-12-07T10:00:00.000Z', end: '2026-12-07T12:00:00.000Z', moved: null, seriesId: null } as const;
const none = new Set<string>();
const moved = { from: '2026-12-07T09:30:00.000Z', to: '2026-12-07T10:00:00.000Z', decisionId: 'd1', accepted: false };

it('offers another time, more of it and to take it back before it begins', () => {
  expect(actionsOf(coming, alice, none, now)).toEqual(['reschedule', 'extend', 'cancel']);
});

it('offers to take back the whole series of one that repeats', () => {
  expect(actionsOf({ ...coming, seriesId: 's1' }, alice, none, now)).toEqual(['reschedule', 'extend', 'cancel', 'cancel-series']);
});

it('asks first what one thinks of the new time of a moved one, until one has said so', () => {
  expect(actionsOf({ ...coming, moved }, alice, none, now)[0]).toBe('accept');
  expect(actionsOf({ ...coming, moved: { ...moved, accepted: true } }, alice, none, now)[0]).toBe('reschedule');
});

it('does not ask about a move after which another time was chosen', () => {
  expect(isMovedAnew({ ...coming, start: '2026-12-07T11:00:00.000Z', moved }, now)).toBe(false);
});

it('offers to claim and to give back the rest of one that has begun', () => {
  const begun = { ...coming, state: 'active', start: '2026-12-07T08:00:00.000Z' } as const;
  expect(actionsOf(begun, alice, new Set(['r1']), now)).toEqual(['claim', 'extend', 'release']);
});

it.each(['released', 'expired', 'cancelled', 'refused'] as const)('offers nothing for one that is %s', (state) => {
  expect(actionsOf({ ...coming, state }, alice, none, now)).toEqual([]);
});

it('lets members claim and no more, and the teacher of the group and operators change it', () => {
  const ofGroup = { ...coming, userId: 'bob', groupId: 'g1' };
  expect(actionsOf(ofGroup, alice, new Set(['r1']), now)).toEqual(['claim']);
  expect(actionsOf(ofGroup, { ...alice, role: 'teacher', ownedGroupIds: ['g1'] }, none, now)).toContain('cancel');
  expect(actionsOf(ofGroup, { ...alice, role: 'operator' }, none, now)).toContain('cancel');
});
