import fc from 'fast-check';
import { newId } from '@paravcl/shared/ids';
import { HandClock } from '../../test/it/hand-clock';
import { ConsoleTickets } from './console-tickets';

const instanceId = newId(1);
const people = [{ userId: newId(2), sessionId: newId(3) }, { userId: newId(2), sessionId: newId(4) }, { userId: newId(5), sessionId: newId(6) }] as const;

test('opens once, within 30 s, and for the session it was given to alone', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ waitMs: fc.nat(40_000), by: fc.nat(2) }), { minLength: 1, maxLength: 5 }), fc.nat(2), (shown, owner) => {
      const clock = new HandClock();
      const tickets = new ConsoleTickets(clock);
      const of = people[owner] ?? people[0];
      const { ticket } = tickets.issue(of, { instanceId, kind: 'serial' });
      let ageMs = 0;
      shown.forEach(({ waitMs, by }, index) => {
        clock.pass(waitMs);
        ageMs += waitMs;
        const opens = index === 0 && ageMs < 30_000 && by === owner;
        expect(tickets.redeem(people[by] ?? people[0], ticket)).toEqual(opens ? { instanceId, kind: 'serial' } : null);
      });
    }),
  );
});

test('keeps the newest 20 of a person, whatever others ask for, and forgets those that are over', () => {
  const clock = new HandClock();
  const tickets = new ConsoleTickets(clock);
  const [one, , other] = people;
  const first = tickets.issue(other, { instanceId, kind: 'screen' });
  const own = Array.from({ length: 25 }, () => tickets.issue(one, { instanceId, kind: 'screen' }).ticket);
  expect(tickets.size).toBe(21);
  expect(tickets.redeem(one, own[4] ?? '')).toBeNull();
  expect(tickets.redeem(one, own[5] ?? '')).not.toBeNull();
  expect(tickets.redeem(other, first.ticket)).not.toBeNull();
  clock.pass(30_000);
  tickets.issue(one, { instanceId, kind: 'screen' });
  expect(tickets.size).toBe(1);
});
