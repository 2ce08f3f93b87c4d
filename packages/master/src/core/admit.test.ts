import fc from 'fast-check';
import { admit } from './admit';
import { asking, halfBooked, hourMs, oversubscribed, siteRules, withoutReservation, written, type BookedSite } from './booked-site.model';
import type { Admission, HeldReservation, ReservationRequest } from './reservation-request';
import { at, booking, room, running, slave, world } from './small-world.model';
import type { SlaveView } from './snapshot';

const now = at(9);
const empty = (slaves: readonly SlaveView[]): BookedSite => ({ world: world(slaves), held: [] });
const ask = (site: BookedSite, request: ReservationRequest, when = now): Admission => admit(site.world, site.held, request, when);
/** A site on which these were admitted one after the other, each a millisecond later. */
const siteOf = (slaves: readonly SlaveView[], ...requests: readonly ReservationRequest[]): BookedSite =>
  requests.reduce((site, request, n) => {
    const admission = ask(site, request);
    if (admission.kind === 'refused') throw new Error(`${request.id}: ${admission.reason.sentence}`);
    return written(site, request, admission, now + n);
  }, empty(slaves));
const slavesOf = (admission: Admission): unknown => (admission.kind === 'admitted' ? admission.bookings.map(({ slaveId }) => slaveId) : admission.reason);
const movesOf = (admission: Admission): unknown => (admission.kind === 'admitted' ? admission.moves.map(({ reservationId, to }) => [reservationId, new Date(to.start).getUTCHours()]) : admission.reason);
const refusal = (admission: Admission): Extract<Admission, { kind: 'refused' }> => {
  if (admission.kind === 'admitted') throw new Error('It was admitted.');
  return admission;
};

describe('a reservation that fits', () => {
  it('gets a slave for each slot: dedicated first, then fewest promised cores, then name', () => {
    const slaves = [slave('d', { kind: 'volunteer', contributing: true }), slave('b'), slave('a', { bookings: [booking('other', 4, at(10), at(12))] }), slave('c')];
    expect(slavesOf(ask(empty(slaves), asking('r', 3, 2, at(10), 2)))).toEqual(['b', 'c', 'b']);
    expect(slavesOf(ask(empty(slaves), asking('r', 11, 2, at(10), 2)))).toEqual(['b', 'c', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c', 'd']);
    // Cores that are promised at another time say nothing.
    expect(slavesOf(ask(empty(slaves), asking('r', 1, 2, at(13), 2)))).toEqual(['a']);
  });

  it('counts on no slave that has left, is lost or cannot run guests', () => {
    const slaves = [slave('a', { liveness: 'lost' }), slave('b', { admission: 'draining' }), slave('c', { kind: 'volunteer' }), slave('d')];
    expect(slavesOf(ask(empty(slaves), asking('r', 4, 2, at(10), 1)))).toEqual(['d', 'd', 'd', 'd']);
    expect(ask(empty(slaves), asking('r', 5, 2, at(10), 1)).kind).toBe('refused');
  });

  it('is packed onto hosts that are as fast as it needs, and said how fast they are when there are not enough', () => {
    const ofSpeed = (id: string, speed: number): SlaveView => slave(id, { capacity: { ...slave(id).capacity, speed } });
    const pool = empty([ofSpeed('a-slow', 0.6), ofSpeed('b', 1), ofSpeed('c', 1.2)]);
    const asked = (count: number, speed: number): ReservationRequest => {
      const request = asking('r', count, 4, at(10), 1);
      return { ...request, need: { ...request.need, speed } };
    };
    expect(slavesOf(ask(pool, asked(4, 1)))).toEqual(['b', 'c', 'b', 'c']);
    expect(slavesOf(ask(pool, asked(3, 0.5)))).toEqual(['a-slow', 'b', 'c']);
    expect(refusal(ask(pool, asked(5, 1))).reason).toMatchObject({ code: 'NoSlaveFits', sentence: expect.stringContaining('even in the empty pool, 4 machines of that size find room') as string });
    expect(refusal(ask(pool, asked(1, 2))).reason).toMatchObject({ code: 'TooSlow', sentence: expect.stringMatching(/^Cannot reserve 4 cores: no host that is large enough has speed 2; the fastest has 1\.2\. Ask for less\./) as string });
  });

  it('does not care for best-effort that can be suspended, and does for its disk', () => {
    const busy = slave('a', { running: [running('be', 8)] });
    expect(ask(empty([busy]), asking('r', 4, 2, at(10), 1)).kind).toBe('admitted');
    const full = slave('a', { running: [running('be', 1, { need: room(1, { diskMiB: 99_000 }) })] });
    expect(refusal(ask(empty([full]), asking('r', 1, 1, at(10), 1))).reason).toMatchObject({ code: 'NotEnoughDisk' });
  });

  it('moves nobody, however weak', () => {
    const site = siteOf([slave('a')], asking('weak', 2, 2, at(10), 1, { pi: 1 }));
    expect(movesOf(ask(site, asking('r', 2, 2, at(10), 1, { pi: 9 })))).toEqual([]);
  });
});

describe('a reservation that is in the way of a stronger one', () => {
  it('moves one step later within its hours, with new slots for all its machines', () => {
    const site = siteOf([slave('a')], asking('weak', 2, 4, at(10), 1, { pi: 7 }));
    const admission = ask(site, asking('strong', 1, 8, at(10), 1, { pi: 9 }));
    expect(admission).toEqual({
      kind: 'admitted',
      bookings: [{ slot: 1, slaveId: 'a' }],
      moves: [{
        reservationId: 'weak', ownerName: 'weak', from: { start: at(10), end: at(11) }, to: { start: at(11), end: at(12) },
        bookings: [{ slot: 1, slaveId: 'a' }, { slot: 2, slaveId: 'a' }],
      }],
    });
  });

  it('stays when its priority is equal at six decimals', () => {
    const site = siteOf([slave('a')], asking('first', 1, 8, at(10), 1, { pi: 8 }));
    const { reason } = refusal(ask(site, asking('second', 1, 8, at(10), 1, { pi: 8.0000004 })));
    expect(reason.code).toBe('LowerPriority');
    expect(reason.sentence).toContain('Cannot reserve 8 cores, Mon 10:00 to 11:00: the room is reserved by first, with the same priority (8.00), and who came first stays.');
    expect(movesOf(ask(site, asking('second', 1, 8, at(10), 1, { pi: 8.000001 })))).toEqual([['first', 11]]);
  });

  it('stays when it was moved once, has begun, or has nowhere to go', () => {
    const site = siteOf([slave('a')], asking('weak', 1, 8, at(10), 1, { pi: 7 }));
    const strong = asking('strong', 1, 8, at(10), 1, { pi: 9 });
    const said = (facts: Partial<HeldReservation>): string => refusal(ask({ ...site, held: site.held.map((one) => ({ ...one, ...facts })) }, strong)).reason.sentence;
    expect(said({ moved: true })).toContain('reserved by weak, which was moved once already and is not moved again.');
    expect(said({ state: 'active' })).toContain('reserved by weak, which has begun and is not moved.');
    expect(said({ rules: { ...siteRules, closesAtMinute: 660 } })).toContain('reserved by weak, and there is nowhere to move that to.');
    // The hour after is taken by one that is as strong.
    const behind = siteOf([slave('a')], asking('weak', 1, 8, at(10), 1, { pi: 7 }), asking('equal', 1, 8, at(11), 1, { pi: 9 }));
    expect(ask(behind, strong).kind).toBe('refused');
  });

  it('is moved by as many steps as the rules of its own owner say, the nearest first', () => {
    const site = siteOf([slave('a')], asking('weak', 1, 8, at(10), 1, { pi: 7, rules: { ...siteRules, moveSteps: 3 } }), asking('other', 1, 8, at(11), 1, { pi: 9 }));
    expect(movesOf(ask(site, asking('strong', 1, 8, at(10), 1, { pi: 9 })))).toEqual([['weak', 12]]);
  });

  it('is the weakest of several, the newest of equals, and nobody moves for nothing', () => {
    const site = siteOf([slave('a')], asking('old', 1, 4, at(10), 1, { pi: 7 }), asking('new', 1, 4, at(10), 1, { pi: 7 }));
    expect(movesOf(ask(site, asking('strong', 1, 4, at(10), 1, { pi: 9 })))).toEqual([['new', 11]]);
    expect(movesOf(ask(site, asking('strong', 1, 8, at(10), 1, { pi: 9 })))).toEqual([['new', 11], ['old', 11]]);
    const uneven = siteOf([slave('a'), slave('b')], asking('small', 1, 2, at(10), 1, { pi: 6 }), asking('large', 1, 8, at(10), 1, { pi: 7 }));
    expect(movesOf(ask(uneven, asking('strong', 1, 8, at(10), 1, { pi: 9 })))).toEqual([['small', 11]]);
    // The weakest is taken first and given back at last, for the other alone suffices.
    const both = siteOf([slave('a')], asking('small', 1, 2, at(10), 1, { pi: 6 }), asking('large', 1, 6, at(10), 1, { pi: 7 }));
    expect(movesOf(ask(both, asking('strong', 1, 6, at(10), 1, { pi: 9 })))).toEqual([['large', 11]]);
  });

  it('is moved beside everybody who is there before the request begins', () => {
    const site = siteOf([slave('a'), slave('b')], asking('early', 1, 8, at(11), 1, { pi: 9 }), asking('late', 1, 4, at(12), 1, { pi: 9 }), asking('weak', 1, 4, at(10), 3, { pi: 5 }));
    // One step later it would be on a from 11:00 on, which is full until the request begins.
    expect(ask(site, asking('strong', 1, 8, at(12), 1)).kind).toBe('refused');
  });

  it('keeps its place when it finds none beside the request, and another gives way', () => {
    // The weakest would move into an hour that the request needs too.
    const site = siteOf([slave('a')], asking('weakest', 1, 4, at(10), 1, { pi: 6 }), asking('weak', 1, 4, at(11), 1, { pi: 7 }));
    expect(refusal(ask(site, asking('strong', 1, 8, at(10), 2, { pi: 9 }))).reason.code).toBe('KeptForReservation');
    const wide = siteOf([slave('a')], asking('weakest', 1, 4, at(10), 2, { pi: 6 }), asking('weak', 1, 4, at(10), 1, { pi: 7 }));
    expect(movesOf(ask(wide, asking('strong', 1, 4, at(10), 2, { pi: 9 })))).toEqual([['weakest', 11]]);
  });
});

describe('a reservation that changes', () => {
  const site = siteOf([slave('a'), slave('b')], asking('mine', 2, 4, at(10), 1), asking('next', 1, 8, at(11), 1));

  it('is not in its own way at another time', () => {
    expect(slavesOf(ask(site, asking('mine', 4, 4, at(10), 1)))).toEqual(['a', 'b', 'a', 'b']);
  });

  it('is extended with every claimed slot where it is, its disk not asked for again', () => {
    const begun: BookedSite = {
      held: site.held.map((one) => (one.id === 'mine' ? { ...one, state: 'active' as const } : one)),
      world: world([
        slave('a', {
          running: [running('guest', 4, { type: 'AR', endsAt: at(11), need: room(4, { diskMiB: 100_000 }) })],
          bookings: [booking('mine', 4, at(10), at(11), { slot: 1, instanceId: 'guest', need: room(4, { diskMiB: 0 }) })],
        }),
        slave('b', { bookings: [booking('mine', 4, at(10), at(11), { slot: 2 }), booking('next', 8, at(11), at(12))] }),
      ]),
    };
    const fixed = [{ slot: 1, slaveId: 'a', promisedDiskMiB: room(4).diskMiB, heldUntil: at(11) }];
    // The second machine could go nowhere but to a, whose disk is full.
    expect(refusal(ask(begun, asking('mine', 2, 4, at(10), 2, { fixed }), at(10, 30))).offers).toEqual([]);
    expect(slavesOf(ask(begun, asking('mine', 1, 4, at(10), 2, { fixed }), at(10, 30)))).toEqual(['a']);
    expect(ask(begun, asking('mine', 1, 4, at(10), 2, { fixed: [{ slot: 1, slaveId: 'b', promisedDiskMiB: room(4).diskMiB, heldUntil: at(11) }] }), at(10, 30)).kind).toBe('refused');
  });

  it('is not extended over somebody who counts on the disk that comes back at its end', () => {
    const disk = (reservation: string, from: number, to: number, diskMiB: number, change = {}) => booking(reservation, 1, at(from), at(to), { need: room(1, { diskMiB }), ...change });
    const begun = (next: number): BookedSite =>
      empty([
        slave('a', {
          running: [running('guest', 1, { type: 'AR', endsAt: at(11), need: room(1, { diskMiB: 60_000 }) })],
          bookings: [disk('mine', 10, 11, 0, { slot: 1, instanceId: 'guest' }), disk('next', 11, 12, next)],
        }),
      ]);
    const fixed = [{ slot: 1, slaveId: 'a', promisedDiskMiB: 60_000, heldUntil: at(11) }];
    const longer = asking('mine', 1, 1, at(10), 2, { fixed, need: room(1, { diskMiB: 60_000 }) });
    expect(ask(begun(40_000), longer, at(10, 30)).kind).toBe('admitted');
    expect(refusal(ask(begun(41_000), longer, at(10, 30))).reason).toMatchObject({ code: 'KeptForReservation' });
  });

  it('keeps a claimed slot on a slave that takes nothing new', () => {
    const draining = world([slave('a', { admission: 'draining', bookings: [booking('mine', 4, at(10), at(11), { slot: 1, instanceId: 'guest', need: room(4, { diskMiB: 0 }) })] })]);
    expect(slavesOf(admit(draining, [], asking('mine', 1, 4, at(10), 2, { fixed: [{ slot: 1, slaveId: 'a', promisedDiskMiB: room(4).diskMiB, heldUntil: at(11) }] }), at(10, 30)))).toEqual(['a']);
  });
});

describe('any sequence of requests, cancellations and other times', () => {
  const anySlaves = fc.array(fc.record({ vcpus: fc.integer({ min: 3, max: 8 }), ramGiB: fc.integer({ min: 4, max: 12 }), diskMiB: fc.integer({ min: 6000, max: 30_000 }), bandwidthMbps: fc.constantFrom(0, 10, 10), volunteer: fc.boolean() }), { minLength: 1, maxLength: 2 }).map(
    (list) => list.map(({ vcpus, ramGiB, diskMiB, bandwidthMbps, volunteer }, n) => {
      const capacity = { vcpus, ramMiB: ramGiB * 1024, diskMiB, bandwidthMbps };
      return slave(`s${n}`, { capacity, poolAvailableMiB: diskMiB, ...(volunteer ? { kind: 'volunteer', contributing: true } : {}) });
    }),
  );
  const anyRequest = fc.record({
    count: fc.integer({ min: 1, max: 3 }), vcpus: fc.integer({ min: 1, max: 4 }), ramGiB: fc.integer({ min: 1, max: 2 }), diskMiB: fc.constantFrom(100, 100, 3000), bandwidthMbps: fc.constantFrom(0, 0, 0, 4),
    hour: fc.integer({ min: 10, max: 11 }), hours: fc.integer({ min: 1, max: 2 }), pi: fc.integer({ min: 1, max: 9 }), moveSteps: fc.integer({ min: 0, max: 3 }), closes: fc.constantFrom(13, 15, 20),
  });
  const anyAct = fc.oneof({ weight: 6, arbitrary: anyRequest.map((asked) => ({ kind: 'ask' as const, asked })) }, { weight: 1, arbitrary: fc.nat(20).map((which) => ({ kind: 'cancel' as const, which })) }, { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(20), hour: fc.integer({ min: 10, max: 13 }) }) });
  const requestOf = (id: string, asked: typeof anyRequest extends fc.Arbitrary<infer T> ? T : never): ReservationRequest =>
    asking(id, asked.count, asked.vcpus, at(asked.hour), asked.hours, {
      need: { vcpus: asked.vcpus, ramMiB: asked.ramGiB * 1024, diskMiB: asked.diskMiB, bandwidthMbps: asked.bandwidthMbps },
      pi: asked.pi, rules: { ...siteRules, moveSteps: asked.moveSteps, closesAtMinute: asked.closes * 60 },
    });
  const anyActs = fc.array(anyAct, { minLength: 1, maxLength: 16, size: 'max' });

  /** Plays the acts; `judge` sees every answer with the site before and after it. */
  const play = (slaves: readonly SlaveView[], acts: readonly (typeof anyAct extends fc.Arbitrary<infer T> ? T : never)[], judge: (before: BookedSite, request: ReservationRequest, answer: Admission, after: BookedSite) => void): BookedSite => {
    let site = empty(slaves);
    acts.forEach((act, n) => {
      const chosen = act.kind === 'ask' ? undefined : site.held[act.which % Math.max(1, site.held.length)];
      if (act.kind === 'cancel' && chosen !== undefined) site = withoutReservation(site, chosen.id);
      const request = act.kind === 'ask' ? requestOf(`r${n}`, act.asked) : act.kind === 'again' && chosen !== undefined ? { ...chosen, fixed: [], start: at(act.hour), end: at(act.hour) + (chosen.end - chosen.start) } : null;
      if (request === null) return;
      const answer = ask(site, request);
      const after = written(site, request, answer, now + n);
      judge(site, request, answer, after);
      site = after;
    });
    return site;
  };

  it('never books more on a slave than it has at any instant, in any dimension, and nothing by half', () => {
    fc.assert(
      fc.property(anySlaves, anyActs, (slaves, acts) => {
        play(slaves, acts, (_before, _request, _answer, after) => {
          expect(oversubscribed(after)).toEqual([]);
          expect(halfBooked(after)).toEqual([]);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('moves only weaker ones, each at most once, later, within its own rules, and touches nobody else', () => {
    let moves = 0;
    fc.assert(
      fc.property(anySlaves, anyActs, (slaves, acts) => {
        play(slaves, acts, (before, request, answer, after) => {
          const moved = answer.kind === 'admitted' ? answer.moves : [];
          moves += moved.length;
          expect(new Set(moved.map(({ reservationId }) => reservationId)).size).toBe(moved.length);
          for (const { reservationId, from, to } of moved) {
            const held = before.held.find(({ id }) => id === reservationId);
            if (held === undefined) throw new Error('It moved what was not there.');
            expect(held.pi).toBeLessThan(request.pi);
            expect(held.moved).toBe(false);
            const steps = (to.start - from.start) / hourMs;
            expect(steps).toBeGreaterThanOrEqual(1);
            expect(steps).toBeLessThanOrEqual(held.rules.moveSteps);
            expect(to.end - to.start).toBe(held.end - held.start);
            expect(new Date(to.end - 1).getUTCHours() * 60).toBeLessThan(held.rules.closesAtMinute);
          }
          const touched = new Set([request.id, ...moved.map(({ reservationId }) => reservationId)]);
          const others = (site: BookedSite): unknown => site.world.slaves.map(({ id, bookings }) => [id, bookings.filter(({ reservationId }) => !touched.has(reservationId))]);
          expect(others(after)).toEqual(others(before));
        });
      }),
      { numRuns: 200 },
    );
    // A run that moves nobody would prove nothing.
    expect(moves).toBeGreaterThan(20);
  });

  it('gives the same answer whatever the order in which slaves, slots and reservations are listed', () => {
    fc.assert(
      fc.property(anySlaves, anyActs, anyRequest, fc.nat(), (slaves, acts, asked, turn) => {
        const site = play(slaves, acts, () => undefined);
        const request = requestOf('last', asked);
        const turned = <T>(list: readonly T[]): readonly T[] => [...list.slice(turn % (list.length + 1)), ...list.slice(0, turn % (list.length + 1))].reverse();
        const other = admit({ ...site.world, slaves: turned(site.world.slaves).map((one) => ({ ...one, bookings: turned(one.bookings) })) }, turned(site.held), request, now);
        expect(other).toEqual(ask(site, request));
      }),
      { numRuns: 200 },
    );
  });

  it('offers only what is admitted, without anybody giving way, when it is asked for at once', () => {
    const offered = { time: 0, size: 0, 'best-effort': 0 };
    fc.assert(
      fc.property(anySlaves, anyActs, (slaves, acts) => {
        play(slaves, acts, (before, request, answer) => {
          for (const { kind, start, end, count, vcpus } of answer.kind === 'refused' ? answer.offers : []) {
            offered[kind]++;
            if (kind === 'best-effort') continue;
            const again = ask(before, { ...request, start, end, count, need: { ...request.need, vcpus: vcpus / count } });
            expect(movesOf(again)).toEqual([]);
            if (kind === 'size') expect([start, end]).toEqual([request.start, request.end]);
            // One more machine would not have fitted.
            if (kind === 'size' && count + 1 < request.count) expect(movesOf(ask(before, { ...request, count: count + 1 }))).not.toEqual([]);
          }
        });
      }),
      { numRuns: 200 },
    );
    expect(Math.min(...Object.values(offered))).toBeGreaterThan(20);
  });

  it('refuses only what does not fit beside everybody as they stand', () => {
    fc.assert(
      fc.property(anySlaves, anyActs, (slaves, acts) => {
        play(slaves, acts, (before, request, answer) => {
          if (answer.kind === 'admitted' && answer.moves.length === 0) return;
          const fits = before.world.slaves.reduce((sum, { capacity, bookings }) => {
            const others = bookings.filter(({ reservationId }) => reservationId !== request.id);
            const hours = Array.from({ length: (request.end - request.start) / hourMs }, (_, n) => request.start + n * hourMs);
            const worst = (dimension: 'vcpus' | 'ramMiB' | 'diskMiB' | 'bandwidthMbps'): number => {
              if (request.need[dimension] === 0) return Infinity;
              const taken = hours.map((hour) => others.filter(({ start, end }) => start <= hour && hour < end).reduce((all, { need }) => all + need[dimension], 0));
              return Math.floor((capacity[dimension] - Math.max(...taken)) / request.need[dimension]);
            };
            return sum + Math.max(0, Math.min(worst('vcpus'), worst('ramMiB'), worst('diskMiB'), worst('bandwidthMbps')));
          }, 0);
          expect(fits).toBeLessThan(request.count);
        });
      }),
      { numRuns: 200 },
    );
  });
});
