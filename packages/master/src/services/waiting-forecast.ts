import type { WaitingForecast } from '@paravcl/shared/api/replay';
import { policyName } from '../core/decision-of-plan';
import type { Policies } from '../core/plan';
import type { TriedPolicy } from '../core/replay';
import { simulationSteps } from '../core/simulation/simulate-site';
import type { SimulationOutcome } from '../core/simulation/simulation-outcome';
import type { RunTrace } from './run-trace';

/** So many of those who would wait longer are told by name. */
const mostTold = 50;

const assumptions: readonly string[] = [
  'People come when they came, and stay as long as they really had their machine; who runs or waits on at the end stays as long as asked for.',
  'Who gave up before it ran is left out. Nobody comes earlier, later or again because the policy is another.',
  'Hosts that took part at any time are there all the time, and none fails. Each save takes as long as predicted.',
  'Reservations are as they ended up, and their people come when they came; what differs for them is not told here.',
  'A day after the last decision the forecast ends.',
];

/** Both sides of a run played forward. */
export interface ForecastPolicies {
  /** Of the run; null when this master does not have them. */
  readonly recorded: Policies | null;
  readonly tried: TriedPolicy;
  readonly preemptionsPerDay: number;
}

/** Why a run is not played forward; null where it is. */
export function whyNoForecast(trace: RunTrace, { recorded, tried }: ForecastPolicies): string | null {
  const { size } = trace.machines();
  if (size === 0) return 'Nobody had or wanted a machine in this time.';
  if (recorded === null) return 'Who would wait longer is not told: the policy of the run is not to be had.';
  if (policyName(recorded) === tried.name) return 'Nobody would wait longer: the policy is the same.';
  return null;
}

/**
 * The same run simulated under its own policy and under the one that is tried: who waits how long. `pause` is called from moment to
 * moment of the simulated time, for others to have their turn; what it throws ends the forecast.
 */
export async function waitingForecast(trace: RunTrace, stays: ReadonlyMap<string, number | null>, { recorded, tried, preemptionsPerDay }: ForecastPolicies & { readonly recorded: Policies }, pause: () => Promise<void>): Promise<WaitingForecast | null> {
  const run = async (policies: Policies, rules: TriedPolicy['rules']): Promise<SimulationOutcome | null> => {
    const site = trace.site(stays, policies, preemptionsPerDay, rules);
    return site === null ? null : played(simulationSteps(site), pause);
  };
  const now = await run(recorded, {});
  const then = await run(tried.policies, tried.rules);
  if (now === null || then === null) return null;
  const machines = trace.machines();
  const after = new Map(then.requests.map((request) => [request.id, request.totalWaitMs]));
  const waits = now.requests.flatMap(({ id, totalWaitMs }) => {
    const about = machines.get(id);
    const would = after.get(id);
    return about === undefined || would === undefined ? [] : [{ instanceId: id, ...about, ...differenceOf(totalWaitMs, would) }];
  });
  const longer = waits.filter(({ differenceSeconds }) => differenceSeconds > 0).sort(byHarm((one) => one.instanceId));
  return {
    sentence: `A forecast by simulation, not a measurement: the people and machines of this time, played forward under ${policyName(recorded)} and under ${tried.name} by the scheduler's own code.`,
    assumptions: [...assumptions],
    instances: waits.length,
    longer: longer.length,
    shorter: waits.filter(({ differenceSeconds }) => differenceSeconds < 0).length,
    now: spread(waits.map(({ waitsSeconds }) => waitsSeconds), now),
    tried: spread(waits.map(({ wouldWaitSeconds }) => wouldWaitSeconds), then),
    people: people(waits),
    machines: longer.slice(0, mostTold),
  };
}

async function played(steps: ReturnType<typeof simulationSteps>, pause: () => Promise<void>): Promise<SimulationOutcome> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await pause();
  }
}

interface Waits {
  readonly waitsSeconds: number;
  readonly wouldWaitSeconds: number;
  readonly differenceSeconds: number;
}

function differenceOf(waitMs: number, wouldWaitMs: number): Waits {
  const [waitsSeconds, wouldWaitSeconds] = [Math.round(waitMs / 1000), Math.round(wouldWaitMs / 1000)];
  return { waitsSeconds, wouldWaitSeconds, differenceSeconds: wouldWaitSeconds - waitsSeconds };
}

/** Everybody who would wait longer over all their machines together. */
function people(waits: readonly (Waits & { readonly userId: string })[]): WaitingForecast['people'] {
  const byUser = new Map<string, Waits & { readonly userId: string; readonly instances: number }>();
  for (const { userId, waitsSeconds, wouldWaitSeconds, differenceSeconds } of waits) {
    const before = byUser.get(userId) ?? { userId, instances: 0, waitsSeconds: 0, wouldWaitSeconds: 0, differenceSeconds: 0 };
    byUser.set(userId, {
      userId,
      instances: before.instances + 1,
      waitsSeconds: before.waitsSeconds + waitsSeconds,
      wouldWaitSeconds: before.wouldWaitSeconds + wouldWaitSeconds,
      differenceSeconds: before.differenceSeconds + differenceSeconds,
    });
  }
  return [...byUser.values()].filter(({ differenceSeconds }) => differenceSeconds > 0).sort(byHarm((one) => one.userId)).slice(0, mostTold);
}

const byHarm =
  <T extends Waits>(id: (one: T) => string) =>
  (a: T, b: T): number =>
    b.differenceSeconds - a.differenceSeconds || (id(a) < id(b) ? -1 : 1);

function spread(seconds: readonly number[], { suspensions }: SimulationOutcome): WaitingForecast['now'] {
  const sorted = [...seconds].sort((a, b) => a - b);
  /** Nearest rank: the least that so many of a hundred do not exceed. */
  const percentile = (percent: number): number => sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
  return { medianSeconds: percentile(50), p95Seconds: percentile(95), preemptions: suspensions.length };
}
