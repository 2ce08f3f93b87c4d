import type { DecisionReplay, Replay } from '@paravcl/shared/api/replay';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { setImmediate as others } from 'node:timers/promises';
import type { Policies } from '../core/plan';
import type { TriedPolicy } from '../core/replay';
import { realStayMs } from '../core/real-stay';
import type { UnitOfWork } from '../db/unit-of-work';
import type { SchedulingSettings } from './instance-settings';
import { KeptInputs } from './kept-inputs';
import { policiesOfRecord, policyTried, type PolicyNames } from './named-policies';
import { instanceReplay, reservationReplay } from './decision-replay';
import { authorise } from './policy';
import { fromAnotherVersion, notKept } from './replay-faults';
import { ReplayTally } from './replay-tally';
import { RunTrace } from './run-trace';
import { readInputs, readRound, roundsBetween } from './stored-rounds';
import { waitingForecast, whyNoForecast } from './waiting-forecast';

/** One answer takes no longer than that: then it says where to go on. */
const longestMs = 15_000;
/** Who would wait longer is played forward for no longer than that. */
const longestForecastMs = 10_000;
/** Decisions of one round are recorded within that. */
const roundSpanMs = 600_000;
/** Histories of so many machines are read at a time. */
const pageInstances = 500;
/** Who is refused because another replay runs may come back then. */
const comeBackSeconds = 5;

/** A forecast took longer than it may. */
class OutOfTime extends Error {}

export interface ReplayDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** The policies in force. */
  readonly scheduling: Policies & Pick<SchedulingSettings, 'preemptionsPerDay'>;
}

export interface ReplayRequest extends PolicyNames {
  readonly since: EpochMs;
  readonly until?: EpochMs | undefined;
  /** At most so many rounds. */
  readonly rounds: number;
}

/**
 * What was decided, decided again: to see that it could not have been otherwise, and what another policy would have
 * changed. Writes nothing. It shares its processor with the scheduler, so it runs once at a time and leaves the loop to others
 * after every round.
 */
export class ReplayService {
  private isBusy = false;

  constructor(private readonly deps: ReplayDeps) {}

  /** Everything between two moments. Throws `invalid-input` for a policy that there is not, `conflict` while another replay runs. */
  async replay({ since, until = this.deps.clock.now(), rounds, ...names }: ReplayRequest): Promise<Replay> {
    const { unitOfWork: { read }, clock, scheduling } = this.deps;
    const tried = policyTried(names, scheduling);
    if (until <= since) throw new ParavclError('invalid-input', 'A replay ends after it begins: say an earlier since, or a later until.', { field: 'until', limit: 'after since' });
    return this.alone(async () => {
      const begunMs = clock.monotonicMs();
      const tally = new ReplayTally(tried, scheduling);
      const trace = new RunTrace();
      const kept = new KeptInputs(read.decisions);
      const found = await roundsBetween(read, since, until, rounds + 1);
      let goOnAt: EpochMs | null = null;
      for (const [index, ids] of found.entries()) {
        const round = await readRound(read, kept, ids);
        // The first one is told however long it takes: whoever goes on gets further.
        const isLate = clock.monotonicMs() - begunMs > longestMs && index > 0;
        if (index >= rounds || isLate) {
          goOnAt = Date.parse(round.decisions[0]?.at ?? '');
          break;
        }
        const inputs = tally.add(round);
        if (inputs !== null) trace.add(inputs);
        await others();
      }
      const end = goOnAt ?? until;
      return { since: iso(since), until: iso(until), goOnAt: goOnAt === null ? null : iso(goOnAt), ...tally.result(), ...(await this.forecast(trace, tally.lastPolicies, tried, end)) };
    });
  }

  /** Who would wait longer, of what was replayed; or why that is not told. */
  private async forecast(trace: RunTrace, recorded: Policies | null, tried: TriedPolicy, until: EpochMs): Promise<Pick<Replay, 'forecast' | 'noForecast'>> {
    const { unitOfWork: { read }, clock, scheduling: { preemptionsPerDay } } = this.deps;
    const policies = { tried, preemptionsPerDay };
    const noForecast = whyNoForecast(trace, { ...policies, recorded });
    if (noForecast !== null || recorded === null) return { forecast: null, noForecast };
    const stays = new Map<string, number | null>();
    const ids = trace.instanceIds;
    for (let at = 0; at < ids.length; at += pageInstances) {
      const some = ids.slice(at, at + pageInstances);
      const changes = await read.transitions.changesOf(some);
      for (const id of some) stays.set(id, realStayMs(changes.get(id) ?? [], trace.from, until, trace.waitsAtEnd(id)));
    }
    const begunMs = clock.monotonicMs();
    try {
      const pause = async (): Promise<void> => {
        if (clock.monotonicMs() - begunMs > longestForecastMs) throw new OutOfTime();
        await others();
      };
      return { forecast: await waitingForecast(trace, stays, { ...policies, recorded }, pause), noForecast: null };
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      return { forecast: null, noForecast: `Who would wait longer is not told: to play ${String(trace.machines().size)} machines forward takes more than the ${String(longestForecastMs / 1000)} s that the master has for it beside its work. Ask for a shorter time.` };
    }
  }

  /**
   * One decision, with those of its round that another policy would change. Throws `not-found` also when its inputs are not kept
   * any more, `conflict` when they are of another version or another replay runs.
   */
  async one(principal: Principal, decisionId: string, names: PolicyNames): Promise<DecisionReplay> {
    const { unitOfWork: { read }, scheduling } = this.deps;
    const tried = policyTried(names, scheduling);
    const found = await read.decisions.find(decisionId);
    const what = `decision ${decisionId}`;
    if (found === null) throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
    authorise(principal, 'decision.replay', 'decision.see', { ownerUserId: found.userId, groupId: found.groupId }, what);
    const { decision } = found;
    return this.alone(async () => {
      const inputs = await readInputs(new KeptInputs(read.decisions), decision.inputsHash);
      if (inputs === null) throw new ParavclError('not-found', notKept);
      if (inputs.of === 'another-version') throw new ParavclError('conflict', fromAnotherVersion(inputs.field));
      if (inputs.of === 'reservation') return reservationReplay(decision, inputs.inputs, tried);
      const decided = await read.decisions.madeOfTheSame(decision, roundSpanMs);
      return instanceReplay(decision, inputs.inputs, decided, { recorded: policiesOfRecord(decision.policy, scheduling), tried });
    });
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.isBusy) throw new ParavclError('conflict', 'Another replay is running; one runs at a time. Ask again in some seconds.', { retryAfterSeconds: comeBackSeconds });
    this.isBusy = true;
    try {
      return await work();
    } finally {
      this.isBusy = false;
    }
  }
}

const iso = (at: EpochMs): string => new Date(at).toISOString();
