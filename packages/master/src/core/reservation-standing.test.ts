import { claimableSentence, standingSentence } from './reservation-standing';

const zone = 'Europe/Berlin';
const now = Date.parse('2026-03-02T08:00:00Z');
const start = Date.parse('2026-03-03T09:00:00Z');
const end = Date.parse('2026-03-03T12:00:00Z');
const reservation = { start, end, count: 12, moved: null } as const;

test('a reservation says what it is and where it stands', () => {
  expect(standingSentence({ ...reservation, state: 'confirmed' }, 'CL II', zone, now)).toBe('12 machines for CL II, Tue 3 Mar 10:00 to 13:00.');
  expect(standingSentence({ ...reservation, state: 'active' }, 'CL II', zone, start)).toBe('Open until Tue 3 Mar 13:00: 12 machines for CL II to claim.');
  expect(standingSentence({ ...reservation, state: 'no-show' }, 'CL II', zone, start)).toBe(
    'None of its machines is claimed, so its room is lent. Whoever claims before Tue 3 Mar 13:00 still gets it.',
  );
  expect(standingSentence({ ...reservation, count: 1, state: 'cancelled' }, 'alice', zone, now)).toBe('Taken back at Mon 2 Mar 09:00, before it began. It was 1 machine for alice, Tue 3 Mar 10:00 to 13:00.');
});

test('a moved one says from where, why, and that it stays now', () => {
  const moved = { from: start - 3_600_000, to: start, decisionId: '', accepted: false };
  expect(standingSentence({ ...reservation, moved, state: 'confirmed' }, 'CL II', zone, now)).toBe(
    '12 machines for CL II, Tue 3 Mar 10:00 to 13:00: moved from Tue 3 Mar 09:00, because a request with a higher priority needed the room. It is not moved again.',
  );
});

test('one that its people chose another time for says that one, and that it stays', () => {
  const moved = { from: start, to: start + 3_600_000, decisionId: '', accepted: true };
  expect(standingSentence({ ...reservation, moved, state: 'confirmed' }, 'CL II', zone, now)).toBe('12 machines for CL II, Tue 3 Mar 10:00 to 13:00. It gave way once, and is not moved again.');
});

test('who may claim is told how many are taken and what could be resumed', () => {
  expect(claimableSentence(reservation, 'CL II', 3, ['i-ubuntu-9af'], zone, start)).toBe('CL II has 12 machines until Tue 13:00; 3 are taken. Start one, or resume i-ubuntu-9af.');
  expect(claimableSentence({ ...reservation, count: 1 }, 'alice', 0, [], zone, start)).toBe('alice has 1 machine until Tue 13:00; none is taken. Start one.');
});
