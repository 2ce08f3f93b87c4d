import { admit } from '@paravcl/master/core/admit';
import { overlaps, Timeline, type Lease, type Window } from '@paravcl/master/core/calendar';
import { KeptRound } from '@paravcl/master/core/kept-round';
import { orderingPolicies } from '@paravcl/master/core/ordering';
import { plan, type Plan } from '@paravcl/master/core/plan';
import { placementPolicies } from '@paravcl/master/core/rank';
import type { Admission, ReservationRequest } from '@paravcl/master/core/reservation-request';
import { keepTimeline } from '@paravcl/master/core/slave-timeline';
import { add, noRoom, subtract, within, type SlaveView, type Snapshot } from '@paravcl/master/core/snapshot';
import { SeededRandom } from '../../recovery/seeded-random';
import { usualRules } from '../../simulate/simulated-hosts';
import { describeHost, median, type BenchReport, type Figure } from '../report';
import { durablePlacements } from './durable-placements';
import { at, drawLargePool, fortnightMs, newcomer, smallNeed } from './large-pool';
import { lateReservations } from './late-reservations';

const hourMs = 3_600_000;
const policies = { ordering: orderingPolicies.para, placement: placementPolicies.para };
const rules = { ...usualRules, criticalShare: 0 };
const seed = 7;
const size = { slaves: 5000, guests: 20 };
const leasesOfOne = 100_000;
const checksOfARun = 200_000;
const lateReservationsOf = 10_000;
const warmUps = 30;
/** Of which a run says the median: beside one that makes all anew, what that leaves to collect is not its own. */
const admissionsOfARun = 21;

/**
 * How fast the scheduler places, durably, and decides over 5,000 hosts and 100,000 instances, and whether a simulated reservation is ever late.
 * But for the placements (`durable-placements`) everything is the master's own core, called as its services call it. For who gives way, the round is kept
 * from call to call, and slaves about which nothing changed are the same values, as its scheduler has them in a large pool.
 */
export async function benchScheduler(runs: number, say: (line: string) => void): Promise<BenchReport> {
  const placements = await durablePlacements(runs, say);
  const calendar = calendarChecks(runs, say);
  const admission = poolAdmission(runs, say);
  const preemption = preemptionDecision(runs, say);
  say(`simulating ${String(lateReservationsOf)} reservations`);
  const late = lateReservations(lateReservationsOf, seed, { onSite: ({ reservations }) => { if (reservations % 1000 < 40) say(`${String(reservations)} reservations`); } });
  say(`${String(late.promisedClaims)} claims were promised, ${String(late.saves)} guests were saved; ${String(late.behindReserved)} waited for guests of the reservation before`);
  const lateFigure: Figure = {
    name: 'late_reservations_of_10000', value: late.late, unit: 'reservations', runs: 1, baseline: null, ratio: null, must: 0, aim: 0, better: 'lower', holds: late.late === 0,
  };
  return { bench: 'scheduler', host: await describeHost('none'), figures: [...placements, calendar, admission, ...preemption, lateFigure] };
}

/** Windows of one host that has 100,000 leases to come, a second; the baseline looks through the list of leases. */
function calendarChecks(runs: number, say: (line: string) => void): Figure {
  const random = new SeededRandom(seed);
  const someWindow = (): Window => {
    const start = at + random.between(0, fortnightMs - 1);
    return { start, end: start + hourMs * (1 + random.between(0, 3)) };
  };
  const leases = Array.from({ length: leasesOfOne }, (): Lease => ({ ...someWindow(), need: smallNeed }));
  const capacity = { vcpus: 2000, ramMiB: 1_000_000, diskMiB: 5_000_000, bandwidthMbps: 1000 };
  const timeline = Timeline.of(capacity, leases);
  const windows = Array.from({ length: checksOfARun }, someWindow);
  const few = windows.slice(0, 20);
  if (few.some((window) => timeline.fits(window, smallNeed) !== fitsByTheList(capacity, leases, window))) throw new Error('The calendar and the list of its leases do not agree.');
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run++) {
    let fitting = 0;
    ours.push(checksOfARun / seconds(() => { for (const window of windows) if (timeline.fits(window, smallNeed)) fitting++; }));
    bare.push(few.length / seconds(() => few.forEach((window) => fitsByTheList(capacity, leases, window))));
    say(`calendar, run ${String(run + 1)}: ${rounded(ours.at(-1))} checks/s of which ${String(fitting)} fit; through the list ${rounded(bare.at(-1))}/s`);
  }
  return figure('calendar_checks_per_s', 'checks/s', ours, { name: 'looking through the leases', values: bare }, { must: 50_000, aim: 200_000, better: 'higher' });
}

function fitsByTheList(capacity: Snapshot['slaves'][number]['capacity'], leases: readonly Lease[], window: Window): boolean {
  const there = leases.filter((lease) => overlaps(lease, window));
  const moments = [window.start, ...there.map(({ start }) => start).filter((start) => start > window.start)].sort((a, b) => a - b);
  // Room is least where something begins.
  let next = 0;
  const byStart = [...there].sort((a, b) => a.start - b.start);
  const ends: Lease[] = [];
  let taken = noRoom;
  for (const moment of moments) {
    for (; next < byStart.length && (byStart[next]?.start ?? Infinity) <= moment; next++) {
      const lease = byStart[next] as Lease;
      taken = add(taken, lease.need);
      ends.push(lease);
    }
    for (let one = ends.length - 1; one >= 0; one--) {
      const lease = ends[one] as Lease;
      if (lease.end > moment) continue;
      taken = subtract(taken, lease.need);
      ends.splice(one, 1);
    }
    if (!within(add(taken, smallNeed), capacity)) return false;
  }
  return true;
}

/**
 * A reservation of forty machines over the whole pool, whose calendars are kept as `WorkingWorld` has them: those on which something was booked since
 * the one before are made anew. The baseline makes every host's for it.
 */
function poolAdmission(runs: number, say: (line: string) => void): Figure {
  let slaves = drawLargePool({ ...size, bookings: 20, freeVcpus: 12 }, seed);
  for (const slave of slaves) keepTimeline(slave, at);
  const rules: ReservationRequest['rules'] = { timeZone: 'UTC', opensAtMinute: 0, closesAtMinute: 1440, latestStartMinute: null, stepMinutes: 60, minMinutes: 60, maxMinutes: 240, firstDay: 0, lastDay: 14, mostOpen: 1000, moveSteps: 1 };
  const ask = (pool: readonly SlaveView[], number: number): Admission => {
    const start = at + hourMs * (30 + (number % 200));
    return admit(world(pool), [], { id: 'asked', start, end: start + 3 * hourMs, count: 40, need: smallNeed, pi: 7, fixed: [], rules }, at);
  };
  const book = (admission: Admission): void => {
    if (admission.kind !== 'admitted') throw new Error('There is room for forty machines, and they were refused.');
    const changed = new Set(admission.bookings.map(({ slaveId }) => slaveId));
    slaves = slaves.map((slave) => (changed.has(slave.id) ? keptAnew(slave) : slave));
  };
  // As in a master that has run for a while.
  for (let round = 0; round < warmUps; round++) book(ask(slaves, round));
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run++) {
    const kept: number[] = [];
    for (let number = 1; number < admissionsOfARun; number++) {
      const asked = timed(() => ask(slaves, number));
      kept.push(asked.ms);
      book(asked.value);
    }
    const [last, made] = [timed(() => ask(slaves, 0)), timed(() => ask(slaves.map((slave) => ({ ...slave })), 0))];
    if (JSON.stringify(last.value) !== JSON.stringify(made.value)) throw new Error('The kept calendar does not answer as one that is made anew.');
    ours.push(median([...kept, last.ms]));
    bare.push(made.ms);
    say(`admission, run ${String(run + 1)}: ${rounded(ours.at(-1))} ms, the median of ${String(admissionsOfARun)}; with every calendar made anew ${rounded(made.ms)} ms`);
  }
  return figure('pool_admission_ms', 'ms', ours, { name: 'every calendar made anew', values: bare }, { must: 20, aim: 2, better: 'lower' });
}

/** As one that was read anew. */
function keptAnew(slave: SlaveView): SlaveView {
  const anew = { ...slave };
  keepTimeline(anew, at);
  return anew;
}

/** Who gives way for one machine where 5,000 hosts are full; and what it costs to know a host anew of which one guest changed. */
function preemptionDecision(runs: number, say: (line: string) => void): readonly Figure[] {
  const slaves = drawLargePool({ ...size, bookings: 0, freeVcpus: 0 }, seed);
  const [ours, bare, upkeep]: [number[], number[], number[]] = [[], [], []];
  const round = new KeptRound();
  const ask = (pool: readonly SlaveView[], number: number, kept?: KeptRound): Plan => plan(world(pool), [newcomer(number)], policies, at, kept);
  // As in a master that has run for a while.
  for (let warmUp = 0; warmUp < warmUps; warmUp++) ask(slaves, warmUp, round);
  for (let run = 0; run < runs; run++) {
    ask(slaves, run, round);
    const kept = timed(() => ask(slaves, run, round));
    const fresh = slaves.map((slave) => ({ ...slave, running: [...slave.running] }));
    const made = timed(() => ask(fresh, run));
    const [decision] = kept.value.decisions;
    if (decision?.kind !== 'preempt' || JSON.stringify(decision.victims) !== JSON.stringify(victimsOf(made.value))) throw new Error('Kept hosts do not answer as hosts that are known anew.');
    const changed = slaves.map((slave, number) => (number % 50 === run ? { ...slave, running: slave.running.slice(1) } : slave));
    const after = timed(() => ask(changed, run, round));
    ours.push(kept.ms);
    bare.push(made.ms);
    upkeep.push((1000 * (after.ms - kept.ms)) / (slaves.length / 50));
    say(`preemption, run ${String(run + 1)}: ${rounded(kept.ms)} ms; with every host known anew ${rounded(made.ms)} ms; ${rounded(upkeep.at(-1))} µs for each host that changed`);
  }
  return [
    figure('preemption_ms', 'ms', ours, { name: 'every host known anew', values: bare }, { must: 10, aim: 1, better: 'lower' }),
    figure('preemption_upkeep_us', 'µs a changed host', upkeep, null, { must: null, aim: null, better: 'lower' }),
  ];
}

const victimsOf = ({ decisions: [first] }: Plan) => (first?.kind === 'preempt' ? first.victims : null);
const world = (slaves: readonly SlaveView[]): Snapshot => ({ slaves, rules, lastPlacedOn: null });

interface Bounds {
  readonly must: number | null;
  readonly aim: number | null;
  readonly better: Figure['better'];
}

function figure(name: string, unit: string, values: readonly number[], baseline: { readonly name: string; readonly values: readonly number[] } | null, { must, aim, better }: Bounds): Figure {
  const value = median(values);
  const base = baseline === null ? null : median(baseline.values);
  return {
    name, value: Number(value.toPrecision(4)), unit, runs: values.length,
    baseline: baseline === null || base === null ? null : { name: baseline.name, value: Number(base.toPrecision(4)) },
    ratio: base === null ? null : Number((value / base).toPrecision(3)),
    must, aim, better,
    holds: must === null || (better === 'lower' ? value <= must : value >= must),
  };
}

function timed<T>(work: () => T): { readonly value: T; readonly ms: number } {
  const begun = performance.now();
  const value = work();
  return { value, ms: performance.now() - begun };
}

const seconds = (work: () => void): number => timed(work).ms / 1000;
const rounded = (value: number | undefined): string => (value ?? 0).toPrecision(4);
