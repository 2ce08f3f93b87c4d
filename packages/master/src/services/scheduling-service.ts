import type { Cancel, Clock, EpochMs } from '@paravcl/shared/clock';
import { policyName } from '../core/decision-of-plan';
import { KeptRound } from '../core/kept-round';
import { plan, waitsInVain } from '../core/plan';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { seeCalendar } from './calendar-lock';
import { InputsChain } from './inputs-chain';
import type { InstanceSettings, SchedulingSettings } from './instance-settings';
import type { Launched, PreparedLaunch } from './launch-writing';
import { Launching } from './launching';
import { PlanExecution, type RoundFacts } from './plan-execution';
import type { AgentPort, Launches, SchedulerWake } from './ports';
import type { OnRecovery } from './recovery-paths';
import { RoundRecords } from './round-records';
import type { WorkingWorld } from './working-world';
import { waitingInstances } from './world-loader';

/** How exactly a recall begins when it is due. */
const tickMs = 1000;

export interface SchedulingServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf' | 'pushDesired'>;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly world: WorkingWorld;
  /** Told when a round or one decision of it failed; the next wake or pass tries again. */
  readonly onFault: (error: unknown) => void;
  readonly onRecovery: OnRecovery;
  /** How long a round took. */
  readonly onRound?: (seconds: number) => void;
}

/**
 * Says what runs where. A launch is placed as it comes where that can be (`Launching`); all else, and whoever has to wait, is
 * decided by one loop: load the world, let `plan` decide, commit each decision if it is still true (`PlanExecution`), then tell
 * the slaves. Everything it decides with is in the database, so a master that was killed goes on where it was; what is in
 * memory of it (`WorkingWorld`) is read anew at the start.
 */
export class SchedulingService implements SchedulerWake, Launches {
  private wanted = false;
  private running: Promise<void> | null = null;
  private cancelPass: Cancel | null = null;
  private stopped = true;
  private passed = false;
  private nextPassMs = 0;
  /** When the newest plan wants to be made anew though nothing happens: a reservation's room has to be called back. */
  private dueAt: EpochMs | null = null;
  private readonly execution: PlanExecution;
  private readonly launching: Launching;
  private readonly inputs: InputsChain;
  private readonly keptRound = new KeptRound();

  constructor(private readonly deps: SchedulingServiceDeps) {
    const { read } = deps.unitOfWork;
    this.execution = new PlanExecution(deps);
    this.inputs = new InputsChain(read.decisions);
    this.launching = new Launching({ ...deps, keptRound: this.keptRound, inputs: this.inputs, isDeciding: () => this.running !== null, wake: () => { this.wake(); } });
  }

  /** See `Launching.launch`. */
  launch(prepared: PreparedLaunch): Promise<Launched> {
    return this.launching.launch(prepared);
  }

  /** See `Launching.launchWithin`. */
  launchWithin(repositories: Repositories, prepared: PreparedLaunch): Promise<Launched> {
    return this.launching.launchWithin(repositories, prepared);
  }

  /** See `Launching.catchUp`. */
  catchUp(): Promise<void> {
    return this.launching.catchUp();
  }

  /** Begins to answer wakes, and makes a first pass. */
  start(): void {
    this.stopped = false;
    this.pass();
  }

  /** Ends when the round that runs is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelPass?.();
    await this.running;
    await this.launching.idle();
  }

  /** Many wakes while a round runs cost one more round. */
  wake(): void {
    this.wanted = true;
    if (this.stopped || this.running !== null) return;
    this.running = this.drain().finally(() => {
      this.running = null;
      if (this.wanted) this.wake();
    });
  }

  /** Resolves when no round runs and none is wanted, and slaves know of what was launched. For tests and for an orderly stop. */
  async idle(): Promise<void> {
    while (this.running !== null) await this.running;
    await this.launching.idle();
  }

  /** Whether every waiting instance has been looked at since the start. */
  get hasPassed(): boolean {
    return this.passed;
  }

  private pass(): void {
    if (this.stopped) return;
    this.wake();
    this.nextPassMs = this.deps.clock.monotonicMs() + this.deps.scheduling.passMs;
    this.tick();
  }

  /** Looks at the clocks anew every second and keeps no longer timer, so that a clock that was set, or a machine that slept, is right in the next one. */
  private tick(): void {
    const { clock } = this.deps;
    this.cancelPass = clock.after(Math.min(tickMs, this.deps.scheduling.passMs), () => {
      if (this.stopped) return;
      if (clock.monotonicMs() >= this.nextPassMs) return this.pass();
      if (this.dueAt !== null && clock.now() >= this.dueAt) this.wake();
      this.tick();
    });
  }

  private async drain(): Promise<void> {
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      const begunMs = this.deps.clock.monotonicMs();
      try {
        await this.round();
        this.passed = true;
      } catch (error) {
        this.deps.onFault(error);
        // Whoever waits was not looked at.
        this.launching.roundEnded('newcomers');
      }
      this.deps.onRound?.((this.deps.clock.monotonicMs() - begunMs) / 1000);
    }
  }

  /** One round: load, decide, commit what is still true, push. */
  private async round(): Promise<void> {
    const { unitOfWork: { read }, clock, scheduling, onFault } = this.deps;
    const at = clock.now();
    const calendar = await seeCalendar(read);
    this.launching.roundBegun();
    const queue = await read.instances.queue();
    const world = await this.deps.world.now(at, queue.map(({ id }) => id));
    const attempts = await read.placements.attempts(queue.map(({ id }) => id));
    const waiting = waitingInstances(queue, attempts, world, scheduling, at);
    const decided = plan(world.snapshot, waiting, scheduling, at, this.keptRound);
    this.dueAt = decided.dueAt;

    const facts: RoundFacts = {
      records: new RoundRecords(queue, world),
      slaveNames: new Map(world.snapshot.slaves.map(({ id, name }) => [id, name])),
      at,
      calendar,
      keepInputs: once(() => this.inputs.keep({ at, snapshot: world.snapshot, waiting, policy: policyName(scheduling) })),
    };
    let [hasFailed, hasLostRace] = [false, false];
    const carryOut = async (id: string, slaveId: string | null, work: () => Promise<boolean>): Promise<void> => {
      try {
        if (await work()) return;
        this.deps.onRecovery('lost-race', { part: 'scheduling', instance: id, generation: facts.records.get(id)?.generation ?? 0 });
        hasLostRace = true;
        // The world moved on while we decided: look at it once more, but leave the loop to others first.
        this.deps.world.doubt(id, slaveId);
        this.wanted = true;
      } catch (error) {
        // One that cannot be written must not keep the others waiting.
        hasFailed = true;
        onFault(error);
      }
    };
    for (const recalled of decided.recalls) await carryOut(recalled.victims[0]?.instance.id ?? '', recalled.slaveId, () => this.execution.recall(recalled, facts));
    for (const decision of decided.decisions) await carryOut(decision.instance.id, 'slaveId' in decision ? decision.slaveId : null, () => this.execution.decide(decision, facts));
    const someoneWaits = decided.decisions.some((decision) => decision.kind === 'preempt' || (decision.kind === 'queue' && !waitsInVain(decision)));
    // Most of what wakes it frees room, and nobody waits for that.
    const looked = new Set(queue.map(({ id }) => id));
    const hasNewcomers = this.wanted && !someoneWaits && (await read.instances.queue()).some(({ id }) => !looked.has(id));
    this.launching.roundEnded(someoneWaits ? 'somebody' : hasFailed || hasLostRace || hasNewcomers ? 'newcomers' : 'nobody');
  }
}

/** Answers the same promise however often it is asked; one that failed is asked for anew. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () => {
    asked ??= work().catch((error: unknown) => {
      asked = null;
      throw error;
    });
    return asked;
  };
}
