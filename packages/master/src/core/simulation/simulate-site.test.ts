import { priorityOf } from '@paravcl/shared/priority';
import { siteRules } from '../booked-site.model';
import { minuteMs } from '../local-time';
import { at, fifo, para, room, rules, running, slave } from '../small-world.model';
import { simulateSite } from './simulate-site';
import type { SimulatedRequest, SimulatedReservation, SimulatedSite } from './simulated-site';
import type { RequestOutcome, SimulationOutcome } from './simulation-outcome';

const asked = (id: string, vcpus: number, from: number, facts: Partial<SimulatedRequest> = {}): SimulatedRequest => ({
  id, name: id, userId: id, groupId: null, need: room(vcpus), priority: priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: vcpus * 1024, minutes: 60 }), at: from, runMs: 60 * minuteMs, staysMs: 60 * minuteMs,
  ...facts,
});

const reserved = (id: string, count: number, start: number, end: number, facts: Partial<SimulatedReservation> = {}): SimulatedReservation => ({
  id, ownerName: id, groupId: null, askedAt: at(8), start, end, count, need: room(1), priority: priorityOf({ pfv: 1, ras: false, mon: true, ramMiB: 1024, minutes: (end - start) / minuteMs }),
  rules: siteRules, claims: Array.from({ length: count }, (_, n) => ({ userId: `student-${String(n)}`, afterStartMs: 0, staysMs: 50 * minuteMs })),
  ...facts,
});

const site = (facts: Partial<SimulatedSite>): SimulatedSite => ({
  beginsAt: at(8), until: at(20), slaves: [slave('lab-1')], rules, policies: para, preemptionsPerDay: 2, requests: [], reservations: [], saveFactor: () => 1,
  ...facts,
});

const of = (outcome: SimulationOutcome, id: string): RequestOutcome => {
  const found = outcome.requests.find((request) => request.id === id);
  if (found === undefined) throw new Error(`There is no request ${id}.`);
  return found;
};

describe('a simulated site', () => {
  it('starts at once what has room, and ends it when its person leaves', () => {
    const outcome = simulateSite(site({ requests: [asked('a', 4, at(9), { staysMs: 30 * minuteMs })] }));
    expect(of(outcome, 'a')).toEqual({ id: 'a', submittedAt: at(9), firstStartAt: at(9), totalWaitMs: 0, suspensions: 0, endedAt: at(9, 30) + 500, ending: 'left', waits: false });
  });

  it('lets who finds no room wait for who leaves first', () => {
    const outcome = simulateSite(site({ policies: fifo, requests: [asked('a', 8, at(9), { staysMs: 20 * minuteMs }), asked('b', 8, at(9, 5))] }));
    expect(of(outcome, 'b')).toMatchObject({ firstStartAt: at(9, 20) + 500, totalWaitMs: 15 * minuteMs + 500, suspensions: 0 });
  });

  it('saves what is over, as long as the host needs for it, before its room is another’s', () => {
    // 8 GiB at 100 MiB/s and a second: 82.92 s.
    const outcome = simulateSite(site({ policies: fifo, requests: [asked('a', 8, at(9)), asked('b', 8, at(9, 30))] }));
    expect(of(outcome, 'a')).toMatchObject({ ending: 'time-over', endedAt: at(10) + 82_920 });
    expect(of(outcome, 'b').firstStartAt).toBe(at(10) + 82_920);
  });

  it('suspends a lower priority for a higher one, whose clock stands meanwhile', () => {
    const low = asked('low', 8, at(9), { priority: priorityOf({ pfv: 0, ras: false, mon: false, ramMiB: 8192, minutes: 60 }) });
    const high = asked('high', 8, at(9, 10), { priority: priorityOf({ pfv: 5, ras: false, mon: false, ramMiB: 8192, minutes: 60 }), staysMs: 10 * minuteMs });
    const outcome = simulateSite(site({ requests: [low, high] }));
    const gone = at(9, 10) + 82_920;
    expect(of(outcome, 'high')).toMatchObject({ firstStartAt: gone, endedAt: gone + 10 * minuteMs + 500 });
    const back = gone + 10 * minuteMs + 500;
    // Fifty of its sixty minutes are left.
    expect(of(outcome, 'low')).toMatchObject({ suspensions: 1, totalWaitMs: back - at(9, 10), endedAt: back + 50 * minuteMs + 82_920, ending: 'time-over' });
    expect(outcome.suspensions).toEqual([{ at: at(9, 10), instanceId: 'low', cause: 'priority' }]);
    expect(simulateSite(site({ requests: [low, high], policies: fifo })).suspensions).toEqual([]);
  });

  it('calls lent room back in time for a reservation, and lends it again once nobody comes', () => {
    const lent = asked('lent', 8, at(9), { runMs: null, staysMs: 300 * minuteMs });
    const outcome = simulateSite(site({ requests: [lent], reservations: [reserved('class', 4, at(10), at(12), { claims: [] })] }));
    // 10 s and twice 82.92 s before ten.
    expect(outcome.suspensions).toEqual([{ at: at(10) - 10_000 - 2 * 82_920, instanceId: 'lent', cause: 'recall' }]);
    expect(of(outcome, 'lent').totalWaitMs).toBe(10_000 + 2 * 82_920 + 15 * minuteMs);
  });

  it('gives who claims in time the room, though saving takes twice as long as predicted', () => {
    const outcome = simulateSite(site({ saveFactor: () => 2, requests: [asked('lent', 8, at(9), { runMs: null, staysMs: Infinity })], reservations: [reserved('class', 8, at(10), at(12))] }));
    const [answered] = outcome.reservations;
    expect(answered?.answer).toBe('admitted');
    expect(answered?.claims).toHaveLength(8);
    expect(answered?.claims.every(({ waitMs, promised, late }) => waitMs === 0 && promised && !late)).toBe(true);
  });

  it('tells who is late though there was room, and who comes when all is taken', () => {
    // Ten times as long as predicted is more than any lead allows for.
    const outcome = simulateSite(site({ saveFactor: () => 10, requests: [asked('lent', 8, at(9), { runMs: null, staysMs: Infinity })], reservations: [reserved('class', 1, at(10), at(12), { claims: [0, 1].map((n) => ({ userId: String(n), afterStartMs: n, staysMs: Infinity })) })] }));
    expect(outcome.reservations[0]).toMatchObject({ turnedAway: 1, claims: [{ promised: true, late: true, roomExisted: true }] });
  });

  it('does not call it the scheduler’s fault when the class before is still being saved', () => {
    const until = { staysMs: Infinity };
    const claims = (n: number): SimulatedReservation['claims'] => Array.from({ length: n }, (_, user) => ({ userId: String(user), afterStartMs: 0, ...until }));
    const outcome = simulateSite(site({ reservations: [reserved('first', 8, at(10), at(11), { claims: claims(8) }), reserved('second', 8, at(11), at(12), { claims: claims(8) })] }));
    const second = outcome.reservations[1]?.claims ?? [];
    expect(second.filter(({ late }) => late)).not.toEqual([]);
    expect(second.filter(({ late, roomExisted }) => late && roomExisted)).toEqual([]);
  });

  it('suspends nobody where that is forbidden, and lends reserved room to nobody who would stay into its window', () => {
    const outcome = simulateSite(site({ preemptionsPerDay: 0, requests: [asked('short', 8, at(8, 30), { runMs: 60 * minuteMs }), asked('long', 8, at(9, 45))], reservations: [reserved('class', 4, at(10), at(11))] }));
    expect(outcome.suspensions).toEqual([]);
    expect(of(outcome, 'short').firstStartAt).toBe(at(8, 30));
    expect(of(outcome, 'long').firstStartAt).toBeGreaterThanOrEqual(at(11));
    expect(outcome.reservations[0]?.claims.every(({ waitMs }) => waitMs === 0)).toBe(true);
  });

  it('goes on from what runs already, and from what is booked', () => {
    const busy = slave('lab-1', { running: [running('old', 4, { endsAt: at(9) }), running('claimed', 4, { type: 'AR', endsAt: at(10) })] });
    const outcome = simulateSite(
      site({
        slaves: [busy],
        requests: [asked('new', 4, at(8, 30))],
        reservations: [reserved('class', 1, at(8), at(10), { need: room(4), claims: [], booked: [{ slot: 1, slaveId: 'lab-1', instanceId: 'claimed' }] })],
      }),
    );
    // 4 GiB are saved in 41.96 s.
    expect(of(outcome, 'old')).toMatchObject({ ending: 'time-over', endedAt: at(9) + 41_960 });
    expect(of(outcome, 'new').firstStartAt).toBe(at(9) + 41_960);
    expect(outcome.oversubscribed).toEqual([]);
  });

  it('tells what was in use as means over its intervals', () => {
    const outcome = simulateSite(site({ until: at(11), requests: [asked('a', 4, at(9, 30), { staysMs: 30 * minuteMs - 500 })] }));
    expect(outcome.utilisation.map(({ bestEffortCores }) => bestEffortCores)).toEqual([0, 2, 0]);
    expect(outcome.capacityCores).toBe(8);
  });
});
