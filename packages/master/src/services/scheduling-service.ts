import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Reason } from '@paravcl/shared/domain/reasons';
import type { InstanceRecord } from '../core/instance-record';
import { endAfter } from '../core/instance-time';
import { nextGeneration } from '../core/next-generation';
import { plan, type Decision } from '../core/plan';
import { placementPolicies } from '../core/rank';
import type { Snapshot, WaitingInstance } from '../core/snapshot';
import type { UnitOfWork } from '../db/unit-of-work';
import type { SlaveRecord } from '../repositories/slave-record';
import { desiredStates } from './desired-state';
import { slaveView } from './fleet-view';
import { changeInstance } from './instance-changes';
import type { InstanceSettings, SchedulingSettings } from './instance-settings';
import type { AgentPort, FleetFigures, SchedulerWake } from './ports';
import type { OnRecovery } from './recovery-paths';
import { missingRoom } from './room-check';

export interface SchedulingServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'pushDesired'>;
  readonly figures: FleetFigures;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  /** Told when a round or one decision of it failed; the next wake or pass tries again. */
  readonly onFault: (error: unknown) => void;
  readonly onRecovery: OnRecovery;
}

interface World {
  readonly snapshot: Snapshot;
  readonly waiting: readonly WaitingInstance[];
  readonly records: ReadonlyMap<string, InstanceRecord>;
  readonly slaves: ReadonlyMap<string, SlaveRecord>;
}

/**
 * The one loop that places instances: load the world, let `plan` decide, commit each decision if it is
 * still true, then tell the slave. Whatever is lost between commit and push is told again at the slave's
 * next hello and by the resend job, so the loop keeps nothing in memory.
 */
export class SchedulingService implements SchedulerWake {
  private wanted = false;
  private running: Promise<void> | null = null;
  private cancelPass: Cancel | null = null;
  private stopped = true;
  private passed = false;

  constructor(private readonly deps: SchedulingServiceDeps) {}

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

  /** Resolves when no round runs and none is wanted. For tests and for an orderly stop. */
  async idle(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  /** Whether every waiting instance has been looked at since the start. */
  get hasPassed(): boolean {
    return this.passed;
  }

  private pass(): void {
    if (this.stopped) return;
    this.wake();
    this.cancelPass = this.deps.clock.after(this.deps.scheduling.passMs, () => this.pass());
  }

  private async drain(): Promise<void> {
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      try {
        await this.round();
        this.passed = true;
      } catch (error) {
        this.deps.onFault(error);
      }
    }
  }

  /** One round: load, decide, commit if still true, push. */
  private async round(): Promise<void> {
    const world = await this.load();
    if (world === null) return;
    const { clock, scheduling } = this.deps;
    const decisions = plan(world.snapshot, world.waiting, placementPolicies[scheduling.policy], clock.now());
    for (const decision of decisions) {
      const before = world.records.get(decision.instance.id);
      if (before === undefined) continue;
      try {
        await this.carryOut(decision, before, world.slaves);
      } catch (error) {
        // One that cannot be written must not keep the others waiting.
        this.deps.onFault(error);
      }
    }
  }

  private async load(): Promise<World | null> {
    const { unitOfWork, agents, figures, scheduling } = this.deps;
    const { read } = unitOfWork;
    const records = await read.instances.waiting();
    if (records.length === 0) return null;
    const [slaves, usage, attempts] = await Promise.all([
      read.fleet.unretired(),
      read.placements.usage(),
      read.placements.attempts(records.map(({ id }) => id)),
    ]);
    return {
      snapshot: {
        // Figures and clocks as of the last heartbeat: those stored are older by a round of the store job, or by all the time the database was away.
        slaves: slaves.map((slave) => ({ ...slave, describe: { ...slave.describe, ...figures.latest(slave.id)?.describe } })).map((slave) => slaveView(slave, usage.get(slave.id), agents.isConnected(slave.id), scheduling)),
        criticalShare: scheduling.criticalShare,
      },
      waiting: records.map(({ id, name, generation, vcpus, ramMiB, diskMiB, createdAt, minutes }) => ({
        id, name, generation, vcpus, ramMiB, diskMiB, createdAt, hasEnd: minutes !== null, attempts: attempts.get(id) ?? [],
      })),
      records: new Map(records.map((record) => [record.id, record])),
      slaves: new Map(slaves.map((slave) => [slave.id, slave])),
    };
  }

  private async carryOut(decision: Decision, before: InstanceRecord, slaves: ReadonlyMap<string, SlaveRecord>): Promise<void> {
    switch (decision.kind) {
      case 'place':
        return this.place(before, decision.slaveId, slaves.get(decision.slaveId)?.name ?? 'a slave');
      case 'queue':
        return this.say(before, 'queued', decision.reason);
      case 'refuse':
        return this.say(before, 'failed', decision.reason);
    }
  }

  private async place(before: InstanceRecord, slaveId: string, slaveName: string): Promise<void> {
    const { unitOfWork, agents, clock, settings, scheduling } = this.deps;
    let raced = false;
    const placed = await unitOfWork.transaction(async (repositories) => {
      const now = clock.now();
      const current = await repositories.instances.lock(before.id);
      raced = current?.generation !== before.generation || current.observed !== before.observed;
      if (current === null || raced) return null;
      if ((await repositories.fleet.lock(slaveId))?.admission !== 'approved') return null;
      // A resume may have taken the room since the world was loaded: the slave's row is the lock for promises.
      if ((await missingRoom(repositories, slaveId, before, scheduling)) !== null) return null;
      const generation = nextGeneration(current, await repositories.placements.ofInstance(before.id));
      await repositories.placements.insert({ instanceId: before.id, slaveId, generation, state: 'active' }, now);
      return changeInstance(repositories, before, { observed: 'preparing', slaveId, generation, reason: null, endsAt: endAfter(before.minutes, now) }, { by: 'scheduler', now, slaveName, settings });
    });
    if (raced) this.lostRace(before);
    if (placed === null) {
      // The world moved on while we decided: look at it once more, but leave the loop to others first.
      this.wanted = true;
      return;
    }
    agents.pushDesired(slaveId, await desiredStates(unitOfWork.read, [placed], settings.guestUser, this.deps.onFault));
  }

  private async say(before: InstanceRecord, observed: 'queued' | 'failed', reason: Reason): Promise<void> {
    const said = before.observed === observed && before.reason?.code === reason.code && before.reason.sentence === reason.sentence;
    if (said) return;
    const { unitOfWork, clock, settings } = this.deps;
    const changed = await unitOfWork.transaction((repositories) =>
      changeInstance(
        repositories,
        before,
        // The master itself answers for an instance that no slave holds.
        { observed, reason, ...(observed === 'failed' ? { observedGeneration: before.generation } : {}) },
        { by: 'scheduler', now: clock.now(), slaveName: null, settings },
      ),
    );
    if (changed === null) this.lostRace(before);
  }

  private lostRace({ id, generation }: InstanceRecord): void {
    this.deps.onRecovery('lost-race', { part: 'scheduling', instance: id, generation });
  }
}
