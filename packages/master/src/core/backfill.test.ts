import fc from 'fast-check';
import { now as anyMoment, round, site } from '../../test/core/any-world';
import { forecast } from './forecast';
import { minuteMs } from './local-time';
import { plan, type Decision, type Plan } from './plan';
import { slaveNow, takesPart } from './room-now';
import { at, booking, fifo, para, priority, room, running, saved, slave, waiting, world } from './small-world.model';
import { add, compute, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

const now = at(9);
const told = (decision: Decision): readonly string[] => [decision.instance.id, decision.kind, 'slaveId' in decision ? decision.slaveId : decision.reason.code];
const decideAll = (slaves: readonly SlaveView[], queue: readonly WaitingInstance[], facts: Parameters<typeof world>[1] = {}) => plan(world(slaves, facts), queue, para, now).decisions;
const toldAll = (...asked: Parameters<typeof decideAll>) => decideAll(...asked).map(told);

/** Eight cores, six of which are free at eleven; the head needs them all. */
const busy = slave('a', { running: [running('r', 6, { pi: 9, endsAt: at(11) })] });
const head = waiting('head', 8, { priority: priority(9) });
const later = (id: string, vcpus: number, hours: number | null, facts: Partial<WaitingInstance> = {}): WaitingInstance => waiting(id, vcpus, { runMs: hours === null ? null : hours * 60 * minuteMs, ...facts });

describe('whoever stands behind the first that waits for room', () => {
  it('starts in a gap that is over before the first one starts', () => {
    expect(toldAll([busy], [head, later('short', 2, 2)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['short', 'place', 'a']]);
  });

  it('waits where the first would start later for it, is told until when, and how it could start now', () => {
    const decisions = decideAll([busy], [head, later('long', 2, 3), later('endless', 1, null)]);
    expect(decisions.map(told)).toEqual([['head', 'queue', 'NotEnoughCores'], ['endless', 'queue', 'KeptForNext'], ['long', 'queue', 'KeptForNext']]);
    expect(decisions[2]).toMatchObject({ reason: { sentence: '3rd in the queue. What a has free is kept for the next in the queue, which starts there Mon 11:00. What is over by then could start now. It starts by itself once that one has and there is room beside it.' } });
  });

  it('starts beside it, on what the first does not need', () => {
    expect(toldAll([busy], [waiting('head', 7, { priority: priority(9) }), later('beside', 1, null), later('too much', 1, null)]).map(([id, kind]) => [id, kind])).toEqual([['head', 'queue'], ['beside', 'place'], ['too much', 'queue']]);
  });

  it('starts on another slave, unless that is where the first starts', () => {
    const other = slave('b', { running: [running('q', 7, { pi: 9, endsAt: at(12) })] });
    expect(toldAll([busy, other], [head, later('long', 1, null), later('second', 1, null)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['long', 'place', 'b'], ['second', 'queue', 'KeptForNext']]);
    expect(toldAll([busy, other], [saved('head', 8, 'b', { priority: priority(9) }), later('long', 2, null)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['long', 'place', 'a']]);
  });

  it('may take one of two places where the first starts as early, and not the other', () => {
    const twin: SlaveView = { ...busy, id: 'b', name: 'b' };
    expect(toldAll([busy, twin], [head, later('one', 2, 3, { id: 'one' }), later('two', 2, 3, { id: 'two' })]).map(([id, kind]) => [id, kind])).toEqual([['head', 'queue'], ['one', 'place'], ['two', 'queue']]);
  });

  it('leaves what the first waits for beside the critical limit, wherever in the pool that is', () => {
    const slaves = [slave('a'), slave('b', { running: [running('r', 6, { pi: 9, endsAt: at(11) })] })];
    const first = waiting('head', 4, { priority: priority(9) });
    // Eight of sixteen cores are always kept: of ten that are free two may be taken, and from eleven on eight.
    const facts = { criticalShare: 0.5 };
    expect(toldAll(slaves, [first, later('short', 2, 2)], facts)).toEqual([['head', 'queue', 'CriticalLimit'], ['short', 'place', 'a']]);
    expect(toldAll(slaves, [first, later('long', 2, 3)], facts).map(([id, kind]) => [id, kind])).toEqual([['head', 'queue'], ['long', 'place']]);
    const large = waiting('head', 7, { priority: priority(9) });
    expect(toldAll(slaves, [large, later('long', 2, 3)], facts)).toEqual([['head', 'queue', 'CriticalLimit'], ['long', 'queue', 'KeptForNext']]);
    expect(toldAll(slaves, [large, later('short', 2, 2)], facts)).toEqual([['head', 'queue', 'CriticalLimit'], ['short', 'place', 'a']]);
  });

  it('leaves the disk that the first will need', () => {
    const small = slave('a', { running: [running('r', 6, { pi: 9, endsAt: at(11), need: room(6, { diskMiB: 60_000 }) })] });
    const first = waiting('head', 8, { priority: priority(9), need: room(8, { diskMiB: 39_000 }) });
    expect(toldAll([small], [first, later('short', 1, 1)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['short', 'queue', 'KeptForNext']]);
  });

  it('has nobody give way where the first would start later for it', () => {
    const weak = slave('a', { running: [running('r', 4, { pi: 9.5, endsAt: at(11) }), running('weak', 4, { pi: 7, endsAt: at(11) })] });
    // It has waited for ten hours, and Pi alone says who gives way.
    const first = waiting('head', 8, { priority: priority(7), waitsSince: at(-1) });
    expect(toldAll([weak], [first, later('strong', 4, 3)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['strong', 'queue', 'NotEnoughCores']]);
    expect(toldAll([weak], [first, later('strong', 4, 2)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['strong', 'preempt', 'a']]);
  });

  it('leaves the room of those who are leaving to the first', () => {
    const leaving = slave('a', { running: [running('r', 4, { leaving: true, observed: 'suspending' })] });
    const decisions = decideAll([leaving], [head, later('short', 1, 1)]);
    expect(decisions.map(told)).toEqual([['head', 'queue', 'NotEnoughCores'], ['short', 'queue', 'KeptForNext']]);
    expect(decisions[1]).toMatchObject({ reason: { sentence: expect.stringContaining('which starts there as soon as those who leave are saved.') as string } });
  });

  it('is not held back where no end of the first one’s waiting is in sight', () => {
    const endless = slave('a', { running: [running('r', 6, { pi: 9 })] });
    expect(toldAll([endless], [head, later('endless', 2, null)])).toEqual([['head', 'queue', 'NotEnoughCores'], ['endless', 'place', 'a']]);
    const silent = slave('b', { liveness: 'suspect' });
    expect(toldAll([endless, silent], [saved('head', 8, 'b', { priority: priority(9) }), later('endless', 2, null)])).toEqual([['head', 'queue', 'SlaveOffline'], ['endless', 'place', 'a']]);
  });

  it('is not held back by one that is too large for every slave; the next that waits is the first', () => {
    expect(toldAll([busy], [waiting('huge', 9, { priority: priority(9.5) }), head, later('long', 2, 3)])).toEqual([['huge', 'queue', 'NoSlaveFits'], ['head', 'queue', 'NotEnoughCores'], ['long', 'queue', 'KeptForNext']]);
  });
});

/** A world as it is once the decisions are carried out: whoever was sent away is gone, and whoever it is for runs. */
function carriedOut({ slaves, ...rest }: Snapshot, decisions: readonly Decision[], moment: number): Snapshot {
  const gone = new Set(decisions.flatMap((decision) => (decision.kind === 'preempt' ? decision.victims.map(({ instance }) => instance.id) : [])));
  const begun = decisions.flatMap((decision) => {
    const slaveId = 'slaveId' in decision ? decision.slaveId : decision.kind === 'queue' ? decision.nominatedTo : null;
    return slaveId === null ? [] : [{ slaveId, takesDisk: decision.kind === 'place' || decision.kind === 'resume', instance: decision.instance }];
  });
  const joined = (id: string): readonly RunningInstance[] =>
    begun.filter(({ slaveId, instance }) => slaveId === id && !gone.has(instance.id)).map(({ instance: { runMs, priority: { pi }, ...facts } }) => ({ ...facts, observed: 'preparing', pi, since: moment, endsAt: runMs === null ? null : moment + runMs, leaving: false, sparedUntil: null }));
  return {
    ...rest,
    slaves: slaves.map((view) => {
      const diskMiB = begun.filter(({ slaveId, takesDisk }) => slaveId === view.id && takesDisk).reduce((sum, { instance }) => sum + instance.need.diskMiB, 0);
      const promised = joined(view.id).reduce((sum, { need }) => add(sum, compute(need)), view.promised);
      return {
        ...view,
        running: [...view.running.filter(({ id }) => !gone.has(id)), ...joined(view.id)],
        promised: { ...promised, diskMiB: promised.diskMiB + diskMiB },
        poolAvailableMiB: view.poolAvailableMiB - diskMiB,
      };
    }),
  };
}

const starts = (decision: Decision): boolean => decision.kind === 'place' || decision.kind === 'resume' || decision.kind === 'preempt';
const isNominated = (decision: Decision): boolean => decision.kind === 'queue' && decision.nominatedTo !== null;

/** What it was before its turn: others were told to go for it, and it waits for them there. */
function asNominated({ instance }: Decision): Decision | [] {
  const { nominatedTo, reason } = instance;
  return nominatedTo === null ? [] : { kind: 'queue', instance, place: 1, reason: reason ?? { code: 'MakingRoom', sentence: '' }, nominatedTo, considered: { asked: 0, refused: [], top: [], roomLater: [] } };
}

/** The first that waits for room and whose start can be foreseen, as the round stood when it was its turn: those nominated behind it have their room already. */
function headOf({ snapshot, decisions, moment }: { readonly snapshot: Snapshot; readonly decisions: readonly Decision[]; readonly moment: number }): { readonly index: number; readonly start: number; readonly slaveIds: ReadonlySet<string> } | null {
  for (const [index, decision] of decisions.entries()) {
    const { kind, instance, considered } = decision;
    if (kind !== 'queue' || instance.type === 'AR' || isNominated(decision) || considered.refused.some(({ code }) => code === 'PreparingOthers')) continue;
    const stood = carriedOut(snapshot, [...decisions.slice(0, index), ...decisions.slice(index + 1).flatMap(asNominated)], moment);
    const comesBack = (id: string): boolean => stood.slaves.filter((view) => view.id === id).some((view) => takesPart(view) && Object.values(slaveNow(view).freeing).some((amount) => amount > 0));
    // Where there is room and nobody leaves, it waits for what no forecast knows.
    const slaveIds = new Set(considered.roomLater.flatMap(({ slave: { view: { id: slaveId } }, code }) => {
      const start = startOf(stood, instance, new Set([slaveId]), moment);
      const leavers = code === 'CriticalLimit' ? stood.slaves.map(({ id }) => id) : [slaveId];
      return start !== null && (start > moment || leavers.some(comesBack)) ? slaveId : [];
    }));
    const start = startOf(stood, instance, slaveIds, moment);
    if (start !== null) return { index, start, slaveIds };
  }
  return null;
}

/** The first moment at which the forecast says "now", and the pool has its size beside the critical limit. */
function startOf({ slaves, rules, ...rest }: Snapshot, instance: WaitingInstance, slaveIds: ReadonlySet<string>, moment: number): number | null {
  const endOf = ({ endsAt }: RunningInstance): number => (endsAt === null ? Infinity : Math.max(moment + 1, endsAt));
  const ends = slaves.flatMap(({ running, bookings }) => [...running.map(endOf), ...bookings.map(({ end }) => end)]);
  const moments = [moment, ...ends.filter((end) => end > moment && end <= moment + rules.horizonMs)].sort((a, b) => a - b);
  const start = moments.find((then) => {
    const left = slaves.map((view) => ({ ...view, running: view.running.filter((guest) => !guest.leaving && endOf(guest) > then) }));
    const asked = { ...rest, rules, slaves: left.filter(({ id }) => slaveIds.has(id)) };
    if (forecast(asked, [instance], then).get(instance.id) !== then) return false;
    return (['vcpus', 'ramMiB'] as const).every((dimension) => {
      const taking = left.filter(takesPart);
      const kept = Math.floor(taking.reduce((sum, { capacity }) => sum + capacity[dimension], 0) * rules.criticalShare);
      const free = taking.reduce((sum, { capacity, running }) => sum + Math.max(0, capacity[dimension] - running.reduce((taken, { need }) => taken + need[dimension], 0)), 0);
      return free - instance.need[dimension] >= kept;
    });
  });
  return start ?? null;
}

/** Asserts that none behind the head moves it, and counts those who start behind one and those who are held back. */
function judge(snapshot: Snapshot, { decisions, recalls }: Plan, moment: number, counts: { started: number; held: number }): void {
  const recalled = new Set(recalls.flatMap(({ victims }) => victims.map(({ instance }) => instance.id)));
  const called = { ...snapshot, slaves: snapshot.slaves.map((view) => ({ ...view, running: view.running.filter(({ id }) => !recalled.has(id)) })) };
  const found = headOf({ snapshot: called, decisions, moment });
  const instance = found === null ? undefined : decisions[found.index]?.instance;
  if (found === null || instance === undefined) return;
  const behind = decisions.slice(found.index + 1);
  if (behind.some(starts)) counts.started++;
  if (behind.some((decision) => decision.kind === 'queue' && decision.reason.code === 'KeptForNext')) counts.held++;
  expect(startOf(carriedOut(called, decisions, moment), instance, found.slaveIds, moment) ?? Infinity).toBeLessThanOrEqual(found.start);
}

const several = <T>(most: number, one: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(one, { maxLength: most });
const inQuarters = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max }).map((quarters) => quarters * 15 * minuteMs);

/** Up to three slaves of eight cores that are well, with guests that mostly end, and a queue of all sizes and times. */
const likely: fc.Arbitrary<{ readonly snapshot: Snapshot; readonly queue: readonly WaitingInstance[] }> = fc
  .record({
    slaves: fc.array(
      fc.record({
        guests: several(6, fc.record({ vcpus: fc.integer({ min: 1, max: 4 }), pi: fc.constantFrom(7, 8, 9), endsIn: fc.option(inQuarters(1, 12), { nil: null, freq: 6 }), leaving: fc.constantFrom(false, false, false, true) })),
        slots: several(2, fc.record({ vcpus: fc.integer({ min: 1, max: 4 }), startsIn: inQuarters(-1, 12), lasts: inQuarters(1, 8) })),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    waits: fc.array(fc.record({ vcpus: fc.integer({ min: 1, max: 8 }), pi: fc.constantFrom(7, 8, 9), waited: inQuarters(0, 40), lasts: fc.option(inQuarters(1, 12), { nil: null, freq: 6 }) }), { minLength: 2, maxLength: 7 }),
    criticalShare: fc.constantFrom(0, 0, 0.2),
  })
  .map(({ slaves, waits, criticalShare }) => ({
    snapshot: world(
      slaves.map(({ guests, slots }, index) => {
        const id = `s${String(index)}`;
        // As many as have room there.
        const fitting = guests.filter((_, upTo) => guests.slice(0, upTo + 1).reduce((sum, { vcpus }) => sum + vcpus, 0) <= 8);
        return slave(id, {
          running: fitting.map(({ vcpus, pi, endsIn, leaving }, guest) => running(`${id}-${String(guest)}`, vcpus, { pi, endsAt: endsIn === null ? null : now + endsIn, leaving })),
          bookings: slots.map(({ vcpus, startsIn, lasts }, slot) => booking(`${id}-r${String(slot)}`, vcpus, now + startsIn, now + startsIn + lasts, { slot })),
        });
      }),
      { criticalShare },
    ),
    queue: waits.map(({ vcpus, pi, waited, lasts }, index) => waiting(`w${String(index)}`, vcpus, { priority: priority(pi), createdAt: now - waited, runMs: lasts })),
  }));

describe('behind the first that waits nobody who starts, or has others go, makes its forecast later', () => {
  it('in a likely world, where many start all the same, and many are held back', () => {
    const counts = { started: 0, held: 0 };
    const numRuns = fc.readConfigureGlobal().numRuns ?? 300;
    fc.assert(fc.property(likely, fc.constantFrom('para' as const, 'fifo' as const), ({ snapshot, queue }, ordering) => judge(snapshot, plan(snapshot, queue, { para, fifo }[ordering], now), now, counts)), { numRuns });
    expect(counts.started).toBeGreaterThan(numRuns / 50);
    expect(counts.held).toBeGreaterThan(numRuns / 50);
  });

  it('in any world at all', () => {
    fc.assert(fc.property(site, (one) => judge(one.snapshot, round(one), anyMoment, { started: 0, held: 0 })), { numRuns: fc.readConfigureGlobal().numRuns ?? 300 });
  });
});
