import fc from 'fast-check';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { ParavclError } from '@paravcl/shared/errors';
import type { Principal } from '@paravcl/shared/domain/people';
import { verbs, type Verb } from '../../src/core/verbs';
import { openRig, type Rig } from './instance-rig';

type State = ObservedInstance['state'];

/** A slave as the protocol describes it: keeps desired states, refuses older generations, takes one step at a time. */
class ModelSlave {
  readonly desired = new Map<string, DesiredInstance>();
  readonly states = new Map<string, State>();
  /** Booted here, so that the model can tell when the same guest ran in two places. */
  readonly ran = new Set<string>();
  online = true;

  constructor(readonly id: string) {}

  take(desired: DesiredInstance): void {
    const known = this.desired.get(desired.instanceId);
    if (known === undefined || known.generation <= desired.generation) this.desired.set(desired.instanceId, desired);
  }

  /** One step of one instance towards what is desired; `fails` when the launch does not work. */
  step(instanceId: string, fails: boolean): ObservedInstance | null {
    const desired = this.desired.get(instanceId);
    if (desired === undefined) return null;
    const state = this.states.get(instanceId) ?? null;
    const next = ModelSlave.next(state, desired.desired, fails);
    this.states.set(instanceId, next);
    if (next === 'running') this.ran.add(instanceId);
    return { instanceId, generation: desired.generation, state: next, reason: this.reasonOf(next, desired), progressPercent: null };
  }

  private reasonOf(next: State, { instanceId, desired }: DesiredInstance): ObservedInstance['reason'] {
    if (next === 'failed') return { code: 'LaunchFailed', sentence: 'It would not start.' };
    // As the agent says of what was never up.
    return next === 'stopped' && desired === 'suspended' && !this.ran.has(instanceId) ? { code: 'StoppedByUser', sentence: 'It was not running when it was to be suspended.' } : null;
  }

  private static next(state: State | null, desired: DesiredInstance['desired'], fails: boolean): State {
    switch (desired) {
      case 'deleted':
        return 'deleted';
      case 'running':
        if (state === null) return fails ? 'failed' : 'preparing';
        return ({ preparing: fails ? 'failed' : 'booting', booting: fails ? 'failed' : 'running', suspended: 'resuming', stopped: 'booting', failed: 'failed' } as Partial<Record<State, State>>)[state] ?? 'running';
      case 'suspended':
        // As the agent: what does not run has no RAM to keep, and nothing is started to be saved.
        if (state === null || state === 'preparing') return 'stopped';
        return state === 'running' || state === 'booting' || state === 'resuming' ? 'suspending' : state === 'suspending' ? 'suspended' : state;
      case 'stopped':
        return state === 'running' || state === 'booting' || state === 'resuming' ? 'stopping' : 'stopped';
      case 'sent':
      case 'received':
        throw new Error('Nobody empties a host here.');
    }
  }

  inventory(): readonly ObservedInstance[] {
    return [...this.states].map(([instanceId, state]) => ({ instanceId, generation: this.desired.get(instanceId)?.generation ?? 1, state, reason: null, progressPercent: null }));
  }

  forget(instanceId: string): void {
    this.desired.delete(instanceId);
    this.states.delete(instanceId);
  }
}

type Move =
  | { readonly kind: 'launch'; readonly minutes: number; readonly vcpus: number }
  | { readonly kind: 'verb'; readonly verb: Verb; readonly which: number }
  | { readonly kind: 'step'; readonly slave: number; readonly which: number; readonly fails: boolean }
  | { readonly kind: 'unplug' | 'plug'; readonly slave: number }
  | { readonly kind: 'restart' };

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  // Of two priorities and two sizes, so that some have to give way to others.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('launch' as const), minutes: fc.constantFrom(60, 300), vcpus: fc.constantFrom(1, 2) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('verb' as const), verb: fc.constantFrom(...verbs), which: fc.nat(3) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('step' as const), slave: fc.nat(1), which: fc.nat(3), fails: fc.constantFrom(false, false, false, true) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('unplug' as const, 'plug' as const), slave: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** The services against model slaves: links break, launches fail, the master restarts, and it all converges. */
class Play {
  private pushed = 0;
  private forgotten = 0;
  private services: ReturnType<Rig['compose']>;
  readonly launched: string[] = [];
  /** Suspended for others at least once. */
  readonly gaveWay = new Set<string>();

  constructor(private readonly rig: Rig, private readonly slaves: readonly ModelSlave[], private readonly alice: Principal, private readonly imageId: string) {
    this.services = rig;
  }

  async do(move: Move): Promise<void> {
    switch (move.kind) {
      case 'launch':
        if (this.launched.length < 4) this.launched.push((await this.services.instances.create(this.alice, { imageId: this.imageId, minutes: move.minutes, vcpus: move.vcpus })).instance.id);
        break;
      case 'verb': {
        const id = this.launched[move.which];
        if (id !== undefined) await this.services.instances.operate(this.alice, id, { verb: move.verb }).catch(onlyConflicts);
        break;
      }
      case 'step':
        await this.step(this.slaves[move.slave], this.launched[move.which], move.fails);
        break;
      case 'unplug':
      case 'plug':
        await this.link(this.slaves[move.slave], move.kind === 'plug');
        break;
      case 'restart':
        await this.services.scheduler.stop();
        this.services = this.rig.compose();
        for (const slave of this.slaves) if (slave.online) await this.link(slave, true);
        break;
    }
    await this.deliver();
    await this.check();
  }

  /** Everything is plugged in and nothing fails any more: all must reach what is desired. */
  async converge(): Promise<void> {
    for (const slave of this.slaves) await this.link(slave, true);
    for (let round = 0; round < 12; round++) {
      await this.services.resend.run();
      await this.deliver();
      for (const slave of this.slaves) for (const id of [...slave.desired.keys()]) await this.step(slave, id, false);
      await this.deliver();
    }
    for (const id of this.launched) {
      const { observed, desired, reason, queuedAt } = await this.services.instances.get(this.alice, id);
      // A launch that failed everywhere and one that waits for room have their reason; all else is as desired.
      if (observed === 'failed' || observed === 'queued' || queuedAt !== null) expect(reason).not.toBeNull();
      else expect({ observed }).toEqual({ observed: desired });
    }
    const { read } = this.rig.unit;
    expect(await read.placements.cleaning(null)).toEqual([]);
    for (const id of this.launched) {
      const instance = await read.instances.find(id);
      for (const slave of this.slaves) if (slave.id !== instance?.slaveId) expect(slave.states.get(id) ?? 'deleted').toBe('deleted');
    }
    expect(this.rig.faults).toEqual([]);
    await this.services.scheduler.stop();
  }

  private async step(slave: ModelSlave | undefined, id: string | undefined, fails: boolean): Promise<void> {
    if (slave === undefined || id === undefined) return;
    const report = slave.step(id, fails && !slave.ran.has(id));
    if (report !== null && slave.online) await this.services.observations.observed(slave.id, [report]);
  }

  private async link(slave: ModelSlave | undefined, online: boolean): Promise<void> {
    if (slave === undefined) return;
    slave.online = online;
    const { slaves } = this.rig.unit.read;
    if (online) {
      this.rig.agents.connected.add(slave.id);
      await slaves.moveLiveness(slave.id, 'lost', 'online');
      for (const desired of await this.services.observations.connected(slave.id, slave.inventory(), true)) slave.take(desired);
    } else {
      this.rig.agents.connected.delete(slave.id);
      await slaves.moveLiveness(slave.id, 'online', 'lost');
      await this.services.observations.fleetChanged(slave.id);
    }
  }

  private async deliver(): Promise<void> {
    await this.services.scheduler.idle();
    const { pushes, forgotten } = this.rig.agents;
    for (; this.pushed < pushes.length; this.pushed++) {
      const push = pushes[this.pushed];
      const slave = this.slaves.find(({ id }) => id === push?.slaveId);
      if (push !== undefined && slave?.online === true) slave.take(push.desired);
    }
    for (; this.forgotten < forgotten.length; this.forgotten++) {
      const told = forgotten[this.forgotten];
      const slave = this.slaves.find(({ id }) => id === told?.slaveId);
      if (told !== undefined && slave?.states.get(told.instanceId) === 'deleted') slave.forget(told.instanceId);
    }
  }

  private async check(): Promise<void> {
    const usage = await this.rig.unit.read.placements.usage();
    for (const slave of this.slaves) expect(usage.get(slave.id)?.vcpus ?? 0).toBeLessThanOrEqual(2);
    for (const id of this.launched) {
      expect(this.slaves.filter(({ ran }) => ran.has(id)).length).toBeLessThanOrEqual(1);
      if ((await this.services.instances.get(this.alice, id)).preemptionsToday > 0) this.gaveWay.add(id);
    }
  }
}

function onlyConflicts(error: unknown): void {
  if (!(error instanceof ParavclError) || error.code !== 'conflict') throw error;
}

/** Found by chance once: a launch that its slave was never told to end is to be saved when the slave is back. */
const saveOfWhatNeverRan: Move[] = [
  { kind: 'launch', minutes: 120, vcpus: 1 },
  { kind: 'unplug', slave: 0 },
  { kind: 'verb', verb: 'suspend', which: 0 },
  { kind: 'step', slave: 0, which: 0, fails: false },
  { kind: 'restart' },
];

/** Both slaves are full of long ones when a short one comes. */
const oneGivesWay: Move[] = [
  { kind: 'launch', minutes: 300, vcpus: 2 },
  { kind: 'launch', minutes: 300, vcpus: 2 },
  ...Array.from({ length: 3 }, () => [0, 1].flatMap((slave) => [0, 1].map((which): Move => ({ kind: 'step', slave, which, fails: false })))).flat(),
  { kind: 'launch', minutes: 60, vcpus: 1 },
];

/** Found by chance once: one that is stopped and asked to start again is reported as off twice while it waits for room. */
const waitsAndIsToldAgain: Move[] = [
  { kind: 'launch', minutes: 300, vcpus: 1 },
  { kind: 'launch', minutes: 300, vcpus: 2 },
  { kind: 'step', slave: 0, which: 0, fails: true },
  { kind: 'verb', verb: 'stop', which: 1 },
  { kind: 'verb', verb: 'start', which: 0 },
  { kind: 'launch', minutes: 60, vcpus: 1 },
  { kind: 'verb', verb: 'start', which: 1 },
  { kind: 'restart' },
  { kind: 'step', slave: 0, which: 0, fails: false },
];

describe('instances under whatever happens', () => {
  it('end as desired, never run in two places, and never hold more than their slaves have', async () => {
    let gaveWay = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyMove, { minLength: 5, maxLength: 30 }), fc.boolean(), async (moves, isKept) => {
        // As a large pool, which the scheduler keeps in memory between its rounds, or as a small one.
        const rig = await openRig(isKept ? { readWholeUpTo: 0 } : {});
        try {
          const alice = await rig.person('student', 'alice');
          const imageId = await rig.image();
          const slaves = [new ModelSlave(await rig.slave('lab-1', { cores: 2 })), new ModelSlave(await rig.slave('lab-2', { cores: 2 }))];
          const play = new Play(rig, slaves, alice, imageId);
          for (const move of moves) await play.do(move);
          await play.converge();
          gaveWay += play.gaveWay.size;
          expect(rig.drifts).toEqual([]);
        } finally {
          await rig.close();
        }
      }),
      { numRuns: 25, examples: [[saveOfWhatNeverRan, false], [oneGivesWay, true], [waitsAndIsToldAgain, true]] },
    );
    expect(gaveWay).toBeGreaterThan(0);
  }, 240_000);
});
