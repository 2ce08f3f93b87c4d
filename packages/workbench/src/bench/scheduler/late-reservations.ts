import type { ReservationRules } from '@paravcl/master/core/reservation-rules';
import { orderingPolicies } from '@paravcl/master/core/ordering';
import { placementPolicies } from '@paravcl/master/core/rank';
import { simulateSite } from '@paravcl/master/core/simulation/simulate-site';
import type { SimulatedRequest, SimulatedReservation, SimulatedSite } from '@paravcl/master/core/simulation/simulated-site';
import { roomFor } from '@paravcl/master/core/snapshot';
import { priorityOf } from '@paravcl/shared/priority';
import { SeededRandom } from '../../recovery/seeded-random';
import { drawHosts, drawnSaveFactor, usualRules } from '../../simulate/simulated-hosts';

const minuteMs = 60_000;
const quarterMs = 15 * minuteMs;
const dayMs = 86_400_000;

/** How so many simulated reservations were kept. */
export interface LateReservations {
  /** Admitted ones. */
  readonly reservations: number;
  readonly claims: number;
  /** Of those who claimed in time what was booked early enough. */
  readonly promisedClaims: number;
  /** Of these, got their room more than a minute late although only best-effort was in their way: what must be 0. */
  readonly late: number;
  /** More than a minute late, because the guests of the reservation before were still being saved at its end. */
  readonly behindReserved: number;
  /** More than a minute late without such a promise: claimed after the grace, or booked at short notice. */
  readonly unpromisedLate: number;
  readonly saves: number;
  readonly suspensions: number;
}

const nothing: LateReservations = { reservations: 0, claims: 0, promisedClaims: 0, late: 0, behindReserved: 0, unpromisedLate: 0, saves: 0, suspensions: 0 };

/**
 * Plays small, crowded sites one after the other, each for eight days, until so many reservations were admitted. Every
 * save takes 0.5 to `longestSave` times as long as predicted (2: what the lead allows for). Best-effort fills every host, so that nearly every claim needs somebody
 * to have been saved in time. The same seed gives the same answer.
 */
export function lateReservations(reservations: number, seed: number, { longestSave = 2, onSite }: { readonly longestSave?: number; readonly onSite?: (soFar: LateReservations) => void } = {}): LateReservations {
  const random = new SeededRandom(seed);
  let sum = nothing;
  while (sum.reservations < reservations) {
    sum = playedBeside(sum, drawSite(random.fork(), longestSave));
    onSite?.(sum);
  }
  return sum;
}

function playedBeside(sum: LateReservations, site: SimulatedSite): LateReservations {
  const outcome = simulateSite(site);
  const [broken] = outcome.oversubscribed;
  if (broken !== undefined) throw new Error(`The simulated site promised what it does not have: ${broken}.`);
  const claims = outcome.reservations.flatMap((reservation) => reservation.claims);
  const promised = claims.filter((claim) => claim.promised);
  return {
    reservations: sum.reservations + outcome.reservations.filter(({ answer }) => answer === 'admitted').length,
    claims: sum.claims + claims.length,
    promisedClaims: sum.promisedClaims + promised.length,
    late: sum.late + promised.filter(({ late, roomExisted }) => late && roomExisted).length,
    behindReserved: sum.behindReserved + promised.filter(({ late, roomExisted }) => late && !roomExisted).length,
    unpromisedLate: sum.unpromisedLate + claims.filter((claim) => claim.late && !claim.promised).length,
    saves: sum.saves + outcome.counts.saves,
    suspensions: sum.suspensions + outcome.suspensions.length,
  };
}

/** Always open, by the quarter of an hour, so that much happens in a day. */
const quarterly: ReservationRules = {
  timeZone: 'UTC', opensAtMinute: 0, closesAtMinute: 1440, latestStartMinute: null, stepMinutes: 15, minMinutes: 15, maxMinutes: 240, firstDay: 0, lastDay: 14, mostOpen: 1000, moveSteps: 2,
};

const sizes = [
  { vcpus: 1, ramMiB: 512, diskMiB: 2000 },
  { vcpus: 1, ramMiB: 1024, diskMiB: 4000 },
  { vcpus: 2, ramMiB: 2048, diskMiB: 4000 },
  { vcpus: 2, ramMiB: 4096, diskMiB: 8000 },
  { vcpus: 4, ramMiB: 6144, diskMiB: 8000 },
] as const;

const siteDays = 8;
const beginsAt = Date.UTC(2026, 10, 23);

function drawSite(random: SeededRandom, longestSave: number): SimulatedSite {
  const slaves = drawHosts(random.between(1, 3), random.seed);
  const cores = slaves.reduce((sum, { capacity }) => sum + capacity.vcpus, 0);
  return {
    beginsAt,
    until: beginsAt + siteDays * dayMs,
    slaves,
    rules: usualRules,
    policies: { ordering: random.pick(Object.values(orderingPolicies)), placement: random.pick(Object.values(placementPolicies)) },
    // Where two a day is the limit, most are spared by noon and little is called back after it.
    preemptionsPerDay: random.pick([2, 1000]),
    requests: Array.from({ length: cores * 2 }, (_, n) => drawRequest(n, random)),
    reservations: Array.from({ length: cores * 5 }, (_, n) => drawReservation(n, random)),
    saveFactor: drawnSaveFactor(random.seed, longestSave),
  };
}

/** A quarter without end, from the beginning: they fill the site. The others come and go. */
function drawRequest(n: number, random: SeededRandom): SimulatedRequest {
  const endless = random.chance(1 / 4);
  const size = random.pick(sizes);
  const hours = random.between(1, 5);
  const id = `i-${String(n).padStart(4, '0')}`;
  const runMs = endless ? null : hours * 60 * minuteMs;
  return {
    id, name: id, userId: 'somebody', groupId: null, need: roomFor({ ...size, bandwidthMbps: null }),
    priority: priorityOf({ pfv: random.between(0, 5), ras: random.chance(0.1), mon: random.chance(0.5), ramMiB: size.ramMiB, minutes: endless ? 20_160 : hours * 60 }),
    at: beginsAt + (endless ? 0 : random.between(0, siteDays * 86_400 - 1) * 1000),
    runMs,
    staysMs: runMs === null || random.chance(0.3) ? Infinity : Math.round(runMs * random.next()),
  };
}

function drawReservation(n: number, random: SeededRandom): SimulatedReservation {
  const size = random.pick(sizes);
  const count = random.between(1, 5);
  const askedAt = beginsAt + random.between(0, (siteDays - 2) * 96) * quarterMs;
  // From the next quarter on: some come at shorter notice than any save needs.
  const start = askedAt + random.between(1, random.chance(0.5) ? 8 : 120) * quarterMs;
  const lengthMs = random.between(2, 12) * quarterMs;
  const id = `r-${String(n).padStart(4, '0')}`;
  return {
    id, ownerName: id, groupId: null, askedAt, start, end: start + lengthMs, count, need: roomFor({ ...size, bandwidthMbps: null }),
    priority: priorityOf({ pfv: random.between(0, 5), ras: false, mon: true, ramMiB: size.ramMiB, minutes: lengthMs / minuteMs }),
    rules: quarterly,
    claims: Array.from({ length: random.between(0, count) }, (_, each) => ({
      userId: `student-${String(each)}`,
      // Most wait at the door, some come later.
      afterStartMs: random.chance(0.7) ? random.between(0, 30) * 1000 : random.between(0, 40) * minuteMs,
      staysMs: random.chance(0.1) ? Infinity : Math.round(lengthMs * (0.1 + 0.8 * random.next())),
    })),
  };
}
