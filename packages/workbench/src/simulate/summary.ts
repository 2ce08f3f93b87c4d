import type { SimulationOutcome } from '@paravcl/master/core/simulation/simulation-outcome';
import type { PolicyName } from './compare-policies';
import { dayMs, type Term } from './term';

/** What one policy made of a term, in the numbers that are told. Waiting is in seconds. */
export interface PolicySummary {
  readonly policy: PolicyName;
  readonly requests: number;
  /** Started the moment they were asked for. */
  readonly startedAtOnce: number;
  readonly waits: { readonly mean: number; readonly median: number; readonly p90: number; readonly p99: number; readonly longest: number };
  /** They wait when the simulation ends. */
  readonly stillWaiting: number;
  /** Times somebody was told to go, and by what. */
  readonly suspensions: { readonly priority: number; readonly claim: number; readonly recall: number };
  /** Requests that were suspended at least once. */
  readonly suspendedRequests: number;
  readonly saves: number;
  readonly reservations: { readonly admitted: number; readonly refused: number; readonly moved: number };
  readonly claims: {
    readonly claimed: number;
    readonly turnedAway: number;
    /** More than a minute. */
    readonly late: number;
    /** Of these: promised, and only best-effort was in their way. */
    readonly lateThoughRoomExisted: number;
    readonly longestWait: number;
  };
  readonly cores: { readonly capacity: number; readonly meanInUse: number; readonly busiestHour: number };
}

/** The term in numbers, as one policy served it. */
export function summaryOf(policy: PolicyName, { requests, reservations, suspensions, utilisation, capacityCores, counts }: SimulationOutcome): PolicySummary {
  const waits = requests.map(({ totalWaitMs }) => totalWaitMs / 1000).sort((a, b) => a - b);
  const claims = reservations.flatMap((reservation) => reservation.claims);
  const answered = (answer: 'admitted' | 'refused'): number => reservations.filter((reservation) => reservation.answer === answer).length;
  const caused = (cause: 'priority' | 'claim' | 'recall'): number => suspensions.filter((suspension) => suspension.cause === cause).length;
  const inUse = utilisation.map(({ bestEffortCores, reservedCores }) => bestEffortCores + reservedCores);
  return {
    policy,
    requests: requests.length,
    startedAtOnce: requests.filter(({ firstStartAt, submittedAt }) => firstStartAt === submittedAt).length,
    waits: { mean: round(mean(waits)), median: round(quantile(waits, 0.5)), p90: round(quantile(waits, 0.9)), p99: round(quantile(waits, 0.99)), longest: round(quantile(waits, 1)) },
    stillWaiting: requests.filter((request) => request.waits).length,
    suspensions: { priority: caused('priority'), claim: caused('claim'), recall: caused('recall') },
    suspendedRequests: requests.filter((request) => request.suspensions > 0).length,
    saves: counts.saves,
    reservations: { admitted: answered('admitted'), refused: answered('refused'), moved: reservations.filter(({ moved }) => moved !== null).length },
    claims: {
      claimed: claims.length,
      turnedAway: reservations.reduce((sum, { turnedAway }) => sum + turnedAway, 0),
      late: claims.filter(({ late }) => late).length,
      lateThoughRoomExisted: claims.filter(({ promised, late, roomExisted }) => promised && late && roomExisted).length,
      longestWait: round(Math.max(0, ...claims.map(({ waitMs }) => waitMs / 1000))),
    },
    cores: { capacity: capacityCores, meanInUse: round(mean(inUse)), busiestHour: round(Math.max(0, ...inUse)) },
  };
}

/** How many of these moments fall on each day of the term. */
export function perDay({ beginsAt, days }: Term, moments: readonly number[]): readonly number[] {
  const counts = Array.from({ length: days }, () => 0);
  for (const moment of moments) {
    const day = Math.min(days - 1, Math.floor((moment - beginsAt) / dayMs));
    counts[day] = (counts[day] ?? 0) + 1;
  }
  return counts;
}

/** The value below which that share of them lies; 0 of none. In order already. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0;
}

const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length);
const round = (value: number): number => Math.round(value * 10) / 10;
