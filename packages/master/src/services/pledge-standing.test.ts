import type { PledgeRecord } from '../repositories/pledge-repository';
import { brokenPledgeSentence, pledgeStanding } from './pledge-standing';

const day = 86_400_000;
const pledge = (madeAt: number, state: PledgeRecord['state']): PledgeRecord => ({ id: `p${String(madeAt)}`, userId: 'alice', joinTokenId: 't', madeAt, untilAt: madeAt + day, state });

test('who promised nothing stands well', () => {
  expect(pledgeStanding([], 0)).toEqual({ awaitedUntil: null, brokenAt: null });
});

test('an open promise is awaited, and counts as broken from the moment its time is over, whenever the books say so', () => {
  expect(pledgeStanding([pledge(0, 'open')], day - 1)).toEqual({ awaitedUntil: day, brokenAt: null });
  expect(pledgeStanding([pledge(0, 'open')], day)).toEqual({ awaitedUntil: null, brokenAt: day });
});

test('a broken promise is made good by a later one that was kept, not by an earlier one', () => {
  expect(pledgeStanding([pledge(5 * day, 'kept'), pledge(0, 'broken')], 9 * day).brokenAt).toBeNull();
  expect(pledgeStanding([pledge(5 * day, 'broken'), pledge(0, 'kept')], 9 * day).brokenAt).toBe(6 * day);
});

test('the sentence says since when and what to do, in the site’s zone', () => {
  expect(brokenPledgeSentence(Date.parse('2026-10-13T08:00:00Z'), 3_600_000, 'Europe/Berlin', Date.parse('2026-10-20T08:00:00Z'))).toBe(
    'You promised a machine and it was not online by Tue 13 Oct 10:00, so a new promise does not raise your priority. Enrol a machine and leave it on: after 1 h online it counts again.',
  );
});
