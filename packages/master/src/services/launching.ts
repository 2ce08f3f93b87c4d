import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { policyName } from '../core/decision-of-plan';
import { idleSinceAfter } from '../core/aging';
import type { InstanceRecord } from '../core/instance-record';
import { endAfter } from '../core/instance-time';
import { nextGeneration } from '../core/next-generation';
import { plan } from '../core/plan';
import type { Snapshot, WaitingInstance } from '../core/snapshot';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { Batches } from './batches';
import { shareCalendar } from './calendar-lock';
import { desiredStates } from './desired-state';
import { deadlineAt, type InstanceSettings, type SchedulingSettings } from './instance-settings';
import { writeLaunches, type Place, type PlacedLaunch, type PreparedLaunch } from './launch-writing';
import type { AgentPort } from './ports';
import type { PlacedRecord, WorkingWorld } from './working-world';
import { waitingInstances } from './world-loader';

/** What a decision is made of. */
export interface RoundInputs {
  readonly at: EpochMs;
  readonly snapshot: Snapshot;
  readonly waiting: readonly WaitingInstance[];
  readonly policy: string;
}

export interface LaunchingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly world: WorkingWorld;
  /** Keeps what a decision was made of; answers its hash. */
  readonly keepInputs: (inputs: RoundInputs) => Promise<string>;
  /** Somebody was written who waits for a round. */
  readonly wake: () => void;
  readonly onFault: (error: unknown) => void;
}

/** What came of a launch. */
export interface Launched {
  /** With its slave; without when it waits for the scheduler. */
  readonly instance: InstanceRecord;
  readonly decisionId: string | null;
}

/** Room that was promised in memory and is not written yet. */
interface Proposal {
  readonly at: EpochMs;
  readonly placed: ReadonlyMap<string, PlacedLaunch>;
  /** How often room will have been promised on each slave once this is written. */
  readonly counts: ReadonlyMap<string, number>;
  readonly calendar: string | null;
  readonly inputsHash: string;
}

/** Launches that are written together: more of them in one transaction cost as much each, and the first waits longer. */
const together = 32;
/** One such transaction is decided while another is written. */
const atOnce = 2;
const mostWaiting = 10_000;

/**
 * Places launches as they come, where the pool is kept in memory and nobody waits: `core/plan` decides, the room is promised
 * in memory, and instance, placement, decision and history are written in one transaction, with those that came meanwhile. The
 * count of each slave's promises says whether memory was right; of one where it was not, and of whatever else cannot be placed at
 * once, the launch is written as one that waits, and the scheduler's next round looks at it.
 */
export class Launching {
  private readonly batches: Batches<PreparedLaunch, Launched>;
  /** Somebody waits: a launch that comes now is not served before them. */
  private someoneWaits = true;

  constructor(private readonly deps: LaunchingDeps) {
    this.batches = new Batches((launches) => this.launchAll(launches), {
      most: together, atOnce, mostWaiting, keyOf: ({ instance: { id } }) => id, isWanted: () => true, isFaultOfOne: isDuplicateKey,
    });
  }

  /** Writes it, placed where that can be; answers after the commit. Throws a duplicate-key error when its name is taken. */
  async launch(prepared: PreparedLaunch): Promise<Launched> {
    const launched = await this.batches.add(prepared);
    return launched ?? { instance: prepared.instance, decisionId: null };
  }

  /** Said by every round: whether somebody waits after it. */
  roundEnded(someoneWaits: boolean): void {
    this.someoneWaits = someoneWaits;
  }

  private async launchAll(launches: readonly PreparedLaunch[]): Promise<readonly Launched[]> {
    const { unitOfWork, clock, scheduling, world } = this.deps;
    const proposal = await this.propose(launches);
    const promised = [...(proposal?.placed.values() ?? [])].map(({ instance }) => instance);
    let written: ReadonlyMap<string, string> | null = null;
    let kept: ReadonlyMap<string, PlacedLaunch> = new Map();
    try {
      written = await unitOfWork.transaction(async (repositories) => {
        kept = proposal === null ? new Map() : await stillTrue(repositories, proposal);
        return writeLaunches(repositories, launches, kept, { policies: scheduling, inputsHash: proposal?.inputsHash ?? '', at: proposal?.at ?? clock.now() });
      });
    } finally {
      world.settle(promised, new Set(written === null ? promised.map(({ id }) => id) : promised.filter(({ id }) => !kept.has(id)).map(({ id }) => id)));
    }
    const decisions = written;
    const launched = launches.map(({ instance }) => ({ instance: kept.get(instance.id)?.instance ?? instance, decisionId: decisions.get(instance.id) ?? null }));
    if (kept.size < launches.length) {
      this.someoneWaits = true;
      this.deps.wake();
    }
    if (kept.size > 0) void this.tell([...kept.values()].map(({ instance }) => instance));
    return launched;
  }

  /** Decides in memory, and promises the room there. Null: all of them wait for the scheduler. */
  private async propose(launches: readonly PreparedLaunch[]): Promise<Proposal | null> {
    const { clock, scheduling, world, keepInputs } = this.deps;
    if (this.someoneWaits) return null;
    const at = clock.now();
    const known = await world.known(at);
    if (known === null || this.someoneWaits) return null;
    const waiting = waitingInstances(launches.map(({ instance }) => instance), new Map(), { bookings: [], deployments: new Map(), homes: new Map(), pastUsage: known.pastUsage }, scheduling, at);
    const { snapshot, places } = this.decide(known.snapshot, waiting, at);
    if (places.length === 0) return null;
    const names = new Map(snapshot.slaves.map(({ id, name }) => [id, name]));
    const records = new Map(launches.map(({ instance }) => [instance.id, instance]));
    const placed = places.flatMap((decision): readonly PlacedLaunch[] => {
      const record = records.get(decision.instance.id);
      return record === undefined ? [] : [{ decision, instance: this.placedRecord(record, decision.slaveId, at), slaveName: names.get(decision.slaveId) ?? 'its host' }];
    });
    // Before anything else can be decided.
    const inputs = keepInputs({ at, snapshot, waiting, policy: policyName(scheduling) });
    const counts = world.promise(placed.map(({ instance }) => instance), at);
    try {
      return { at, placed: new Map(placed.map((one) => [one.instance.id, one])), counts, calendar: known.calendar, inputsHash: await inputs };
    } catch (error) {
      world.settle(placed.map(({ instance }) => instance), new Set(placed.map(({ instance }) => instance.id)));
      throw error;
    }
  }

  /** Who can be placed now. Agents of those that are chosen are asked for what they told last: that is news now and then. */
  private decide(look: () => Snapshot, waiting: readonly WaitingInstance[], at: EpochMs): { readonly snapshot: Snapshot; readonly places: readonly Place[] } {
    for (;;) {
      const snapshot = look();
      const { decisions } = plan(snapshot, waiting, this.deps.scheduling, at);
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

  /** What is lost here is told at the slave's next hello, and by the resend job. */
  private async tell(placed: readonly PlacedRecord[]): Promise<void> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    try {
      const states = new Map((await desiredStates(unitOfWork.read, placed, settings.guestUser, onFault)).map((state) => [state.instanceId, state]));
      for (const { id, slaveId } of placed) {
        const state = states.get(id);
        if (state !== undefined) agents.pushDesired(slaveId, [state]);
      }
    } catch (error) {
      onFault(error);
    }
  }
}

/** Those of a proposal that hold against the books, whose slaves are locked from now on. */
async function stillTrue(repositories: Repositories, { placed, counts, calendar }: Proposal): Promise<ReadonlyMap<string, PlacedLaunch>> {
  if ((await shareCalendar(repositories)) !== calendar) return new Map();
  const promised = await repositories.fleet.promise([...counts.keys()]);
  const isTrue = (slaveId: string): boolean => {
    const slave = promised.get(slaveId);
    return slave?.admission === 'approved' && slave.promises === counts.get(slaveId);
  };
  return new Map([...placed].filter(([, { instance }]) => isTrue(instance.slaveId)));
}
