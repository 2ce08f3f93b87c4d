import { setTimeout as pause } from 'node:timers/promises';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { decisionOf, policyName } from '../core/decision-of-plan';
import { idleSinceAfter } from '../core/aging';
import type { InstanceRecord, PlacedRecord } from '../core/instance-record';
import { endAfter } from '../core/instance-time';
import type { KeptRound } from '../core/kept-round';
import { nextGeneration } from '../core/next-generation';
import { plan, type Decision } from '../core/plan';
import type { RoundInputs } from '../core/replay';
import type { Snapshot, WaitingInstance } from '../core/snapshot';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import { MemoryWasWrong } from '../repositories/launch-ledger';
import type { FleetRepository } from '../repositories/fleet-repository';
import type { Repositories } from '../repositories/repositories';
import { Batches } from './batches';
import { shareCalendar } from './calendar-lock';
import { desiredStates } from './desired-state';
import type { InputsChain } from './inputs-chain';
import { deadlineAt, type InstanceSettings, type SchedulingSettings } from './instance-settings';
import { launched, nonePlaced, rowsOfLaunches, writeRows, writeWaiting, type Launched, type PlacedLaunch, type PreparedLaunch } from './launch-writing';
import type { AgentPort, Launches } from './ports';
import type { StampedPromise, WorkingWorld } from './working-world';
import { waitingInstances } from './world-loader';

export interface LaunchingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly world: WorkingWorld;
  readonly keptRound: KeptRound;
  readonly inputs: Pick<InputsChain, 'keep' | 'step' | 'ready'>;
  /** A round is under way. */
  readonly isDeciding: () => boolean;
  /** Somebody was written who waits for a round. */
  readonly wake: () => void;
  readonly onFault: (error: unknown) => void;
}

/** For room: nobody; those whom no round has looked at yet; or somebody whom one could not place. */
export type WhoWaits = 'nobody' | 'newcomers' | 'somebody';

type Place = Extract<Decision, { kind: 'place' }>;

/** A launch for which a slave was chosen in memory. */
interface ChosenLaunch {
  readonly instance: PlacedRecord;
  readonly slaveName: string;
  readonly decision: Place;
}

/** Room that was promised in memory and is not written yet. */
interface PromisedRoom {
  readonly chosen: readonly ChosenLaunch[];
  readonly stamped: StampedPromise;
  readonly calendar: string | null;
  readonly inputs: RoundInputs;
}

/** Launches that are written together: more of them in one transaction cost as much each, and the first waits longer. */
const together = 16;
/** One such transaction is decided while another is written. */
const atOnce = 2;
const mostWaiting = 10_000;
/** So often launches are decided in memory, when it was not as the books are. After that the next round looks: everybody else waits behind whoever waits for that. */
const attempts = 3;
/** A round over thousands of slaves takes a fraction of it. */
const longestForRoundMs = 2000;
/** Slaves are told no more often. */
const tellEveryMs = 50;

/**
 * Places launches as they come, where the pool is kept in memory and nobody waits: `core/plan` decides, the room is promised
 * in memory, and instance, placement, decision and history are written in one transaction. The stamp of each slave's newest
 * promise says whether memory was right; where it was not, launches that are written together are decided again. Whatever cannot be
 * placed so is written as one that waits, and the scheduler's next round looks at it.
 */
export class Launching implements Launches {
  private readonly batches: Batches<PreparedLaunch, Launched>;
  /** A launch that comes now is not served before them. */
  private waiting: WhoWaits = 'newcomers';
  private readonly roundEnds = new Set<() => void>();
  /** Somebody was written since the newest round began. */
  private hasNewcomers = false;
  /** Placed, and their slaves do not know of it. */
  private untold: PlacedRecord[] = [];
  private telling: Promise<void> | null = null;

  constructor(private readonly deps: LaunchingDeps) {
    this.batches = new Batches((launches) => this.launchAll(launches), {
      most: together, atOnce, mostWaiting, keyOf: ({ instance: { id } }) => id, isWanted: () => true, isFaultOfOne: isDuplicateKey,
      // Whoever asks again once the batch before is answered asks in the same turn.
      begin: (take) => void setImmediate(take),
    });
  }

  /** Writes it, placed where that can be; answers after the commit. Throws a duplicate-key error when its name is taken. */
  async launch(prepared: PreparedLaunch): Promise<Launched> {
    const done = await this.batches.add(prepared);
    return done ?? launched(prepared, nonePlaced);
  }

  /** Resolves when everybody's slave was told. */
  async idle(): Promise<void> {
    while (this.telling !== null) await this.telling;
  }

  /** Said by every round before it looks at who waits. */
  roundBegun(): void {
    this.hasNewcomers = false;
  }

  /** Said by every round: who waits after it, of those that it knows of. */
  roundEnded(waiting: WhoWaits): void {
    this.waiting = waiting === 'nobody' && this.hasNewcomers ? 'newcomers' : waiting;
    for (const goOn of this.roundEnds) goOn();
  }

  /**
   * The same of one launch within the caller's transaction, which wakes the scheduler after it when there is no slave yet. Memory is taken as it is: let it
   * catch up before (`catchUp`).
   */
  async launchWithin(repositories: Repositories, prepared: PreparedLaunch): Promise<Launched> {
    const { clock, inputs } = this.deps;
    const at = clock.now();
    const promise = this.promise([prepared], at);
    let kept = nonePlaced;
    let isUndone = false;
    // Told at the end of the transaction; whoever was not placed waits from then on.
    repositories.run?.whenOver((committed) => {
      if (isUndone) return;
      if (committed && kept.size === 0) this.oneMoreWaits();
      if (promise !== null) this.over(promise, committed ? kept : nonePlaced);
    });
    const step = promise === null ? null : await inputs.step(promise.inputs);
    if (promise === null || step === null) return writeWaiting(repositories, prepared);
    const calendar = await shareCalendar(repositories);
    const slaves = await repositories.fleet.lockPromises([...promise.stamped.from.keys()]);
    if (!holds(promise, calendar, slaves)) return writeWaiting(repositories, prepared);
    const { row: { hash, body, keptAt }, committed: goOn } = step;
    const placed = this.placed(promise.chosen, hash, at);
    try {
      await writeRows(repositories, rowsOfLaunches([prepared], placed, at));
    } catch (error) {
      // The transaction may go on, and launch it under another name: nothing but these rows may be written before.
      isUndone = true;
      this.over(promise, nonePlaced);
      throw error;
    }
    await repositories.fleet.promise([...slaves.keys()], promise.stamped.stamp);
    await repositories.decisions.keepInputs(hash, body, keptAt);
    repositories.run?.whenOver((committed) => { if (committed) goOn(); });
    kept = placed;
    return launched(prepared, kept);
  }

  /** Follows what was committed since, and sees to it that inputs can be told; before a transaction, for it needs a connection of its own. */
  async catchUp(): Promise<void> {
    const { world, clock, inputs, scheduling, onFault } = this.deps;
    await this.newcomersPlaced();
    if (this.waiting !== 'nobody') return;
    const at = clock.now();
    // What memory does not know yet, or inputs that cannot be told, only make launches wait for a round.
    try {
      await world.catchUp(at);
      const known = world.known();
      if (known !== null) await inputs.ready(at, () => ({ at, snapshot: known.snapshot(), waiting: [], policy: policyName(scheduling) }));
    } catch (error) {
      onFault(error);
    }
  }

  /**
   * Waits for the round that looks at those who only came at the wrong moment. Where others came and were written beside each round, one more would have to
   * wait after each, and nobody would be placed as they come for as long as that goes on.
   */
  private async newcomersPlaced(): Promise<void> {
    const { clock, isDeciding } = this.deps;
    const until = clock.monotonicMs() + longestForRoundMs;
    while (this.waiting === 'newcomers' && isDeciding() && clock.monotonicMs() < until) {
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          cancel();
          this.roundEnds.delete(goOn);
          resolve();
        };
        const cancel = clock.after(until - clock.monotonicMs(), goOn);
        this.roundEnds.add(goOn);
      });
    }
  }

  private oneMoreWaits(): void {
    this.hasNewcomers = true;
    if (this.waiting === 'nobody') this.waiting = 'newcomers';
  }

  private async launchAll(launches: readonly PreparedLaunch[]): Promise<readonly Launched[]> {
    for (let attempt = 1; ; attempt++) {
      const placed = await this.launchTogether(launches, attempt <= attempts);
      if (placed !== null) return launches.map((prepared) => launched(prepared, placed));
    }
  }

  /** Answers those that were placed; the others wait from now on. Null, with nothing written, where memory was wrong. */
  private async launchTogether(launches: readonly PreparedLaunch[], mayPlace: boolean): Promise<ReadonlyMap<string, PlacedLaunch> | null> {
    const { unitOfWork, clock, wake } = this.deps;
    await this.catchUp();
    const at = clock.now();
    const promise = mayPlace ? this.promise(launches, at) : null;
    let kept = nonePlaced;
    try {
      if (promise === null) await unitOfWork.transaction((repositories) => writeRows(repositories, rowsOfLaunches(launches, nonePlaced, at)));
      else kept = await this.writePromised(launches, promise, at);
      if (kept.size < launches.length) {
        this.oneMoreWaits();
        wake();
      }
      return kept;
    } catch (error) {
      if (error instanceof MemoryWasWrong) return null;
      throw error;
    } finally {
      if (promise !== null) this.over(promise, kept);
    }
  }

  /** Answers those that were placed. Throws MemoryWasWrong. */
  private async writePromised(launches: readonly PreparedLaunch[], { chosen, stamped, calendar, inputs }: PromisedRoom, at: EpochMs): Promise<ReadonlyMap<string, PlacedLaunch>> {
    const { unitOfWork, inputs: chain } = this.deps;
    const step = await chain.step(inputs);
    const placed = this.placed(chosen, step?.row.hash ?? (await chain.keep(inputs)), at);
    await unitOfWork.launches.write({ calendar, ...stamped }, step?.row ?? null, rowsOfLaunches(launches, placed, at));
    step?.committed();
    return placed;
  }

  /** With the decisions as they are told. */
  private placed(chosen: readonly ChosenLaunch[], inputsHash: string, at: EpochMs): ReadonlyMap<string, PlacedLaunch> {
    const made = { at: new Date(at).toISOString(), inputsHash };
    return new Map(chosen.map(({ instance, slaveName, decision }) => [instance.id, { instance, slaveName, decision: { id: newId(at), ...made, ...decisionOf(decision, this.deps.scheduling) } }]));
  }

  /** Room in memory is what was written, and slaves are told of theirs. */
  private over({ chosen }: PromisedRoom, kept: ReadonlyMap<string, PlacedLaunch>): void {
    this.deps.world.settle(chosen.map(({ instance }) => instance), new Set(chosen.flatMap(({ instance: { id } }) => (kept.has(id) ? [] : id))));
    if (kept.size > 0) this.tell([...kept.values()].map(({ instance }) => instance));
  }

  /** Decides in memory, and promises the room there before anything else can be decided. Null when nobody can be placed. */
  private promise(launches: readonly PreparedLaunch[], at: EpochMs): PromisedRoom | null {
    const { scheduling, world } = this.deps;
    const known = this.waiting === 'nobody' ? world.known() : null;
    if (known === null) return null;
    const { snapshot: look, nameOf, calendar, pastUsage } = known;
    const records = new Map(launches.flatMap(({ instance }) => (instance.type === 'BE' ? [[instance.id, instance] as const] : [])));
    const waiting = waitingInstances([...records.values()], new Map(), { bookings: [], deployments: new Map(), homes: new Map(), pastUsage }, scheduling, at);
    const { snapshot, places } = this.decide(look, waiting, at);
    if (places.length === 0) return null;
    const chosen = places.flatMap((decision) => {
      const record = records.get(decision.instance.id);
      return record === undefined ? [] : [{ decision, instance: this.placedRecord(record, decision.slaveId, at), slaveName: nameOf(decision.slaveId) }];
    });
    const stamped = world.promise(chosen.map(({ instance }) => instance), at);
    return { chosen, stamped, calendar, inputs: { at, snapshot, waiting, policy: policyName(scheduling) } };
  }

  /** Who can be placed now. Agents of those that are chosen are asked for what they told last: that is news now and then. */
  private decide(look: () => Snapshot, waiting: readonly WaitingInstance[], at: EpochMs): { readonly snapshot: Snapshot; readonly places: readonly Place[] } {
    for (;;) {
      const snapshot = look();
      const { decisions } = plan(snapshot, waiting, this.deps.scheduling, at, this.deps.keptRound);
      const places = decisions.filter((decision) => decision.kind === 'place');
      if (!this.deps.world.listen([...new Set(places.map(({ slaveId }) => slaveId))], at)) return { snapshot, places };
    }
  }

  private placedRecord(asked: InstanceRecord, slaveId: string, at: EpochMs): PlacedRecord {
    const after = {
      ...asked,
      slaveId,
      observed: 'preparing',
      generation: nextGeneration(asked, []),
      changedAt: at,
      deadlineAt: deadlineAt('preparing', at, this.deps.settings, asked.ramMiB),
      endsAt: endAfter(asked.minutes, at),
      observedDiskEpoch: asked.diskEpoch,
    } as const;
    return { ...after, idleSince: idleSinceAfter(asked, after, at) };
  }

  /** Slaves are told of many at once where many come. What is lost here is told at the slave's next hello, and by the resend job. */
  private tell(placed: readonly PlacedRecord[]): void {
    this.untold.push(...placed);
    this.telling ??= this.tellAll().finally(() => (this.telling = null));
  }

  private async tellAll(): Promise<void> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    while (this.untold.length > 0) {
      const now = this.untold;
      this.untold = [];
      try {
        const states = new Map((await desiredStates(unitOfWork.read, now, settings.guestUser, onFault)).map((state) => [state.instanceId, state]));
        for (const { id, slaveId } of now) {
          const state = states.get(id);
          if (state !== undefined) agents.pushDesired(slaveId, [state]);
        }
      } catch (error) {
        onFault(error);
      }
      await pause(tellEveryMs);
    }
  }
}

/** The books, whose slaves are locked from now on, are what memory took them for: nobody has promised room there since. */
function holds({ stamped: { from }, calendar }: PromisedRoom, found: string | null, slaves: Awaited<ReturnType<FleetRepository['lockPromises']>>): boolean {
  return found === calendar && [...from].every(([id, stamp]) => slaves.get(id)?.admission === 'approved' && slaves.get(id)?.promises === stamp);
}
