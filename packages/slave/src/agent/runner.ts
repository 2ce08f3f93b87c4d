import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Logger } from 'pino';
import { DiskStoreError } from '../disks/disk-store';
import { HypervisorError } from '../hypervisor/driver';
import { steadyMs } from './disk-error';
import { failedAgain, failedOnceMore, type Failure, type FailureCode } from './failures';
import { nothingRecollected, type HostFacts, type Recollection } from './host-facts';
import { instanceEnd, type HostTime } from './instance-end';
import { InstanceHolds } from './instance-holds';
import type { Journal } from './journal';
import { JournalFullError } from './journal-room';
import { noInstance, type JournaledInstance } from './journal-state';
import { reconcile, unknownInstance } from './reconcile';
import { stepKey, stepPolicies, type Executors, type Step, type StepKind } from './steps';
import { Slots } from './slots';
import { stepWords } from './step-words';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';

/**
 * Brings every instance to what is desired, one plan at a time.
 *
 * Invariants:
 *  1. At most one plan of an instance is being carried out; what wakes it meanwhile makes one more round. Nor is one
 *     while somebody holds the instance (`hold`): what wakes it then makes a round when the hold has ended. So every
 *     order, a deletion too, may wait for one hold, which lasts as long as its work; that the work ends is the
 *     promise of the tools it uses, as with steps.
 *  2. Every round starts by reading the host for that instance alone; no plan is made from older facts.
 *  3. A step is begun only while the order its plan was made for is still in force: its generation is the
 *     newest, and the time of the instance has not ended since.
 *  4. A step holds its instance's turn until its executor has really ended, so nothing ever runs beside its
 *     own retry; that it ends is the executors' promise, whose tools are killed below the step's deadline. A
 *     step past it is told in the log and waited for. A fetch alone gives the turn back early, at its
 *     deadline or for a newer order: it is shared by all who need the image, and goes on for them.
 *     A step holds its slot as long, but one that starts or saves for two minutes at most: a call that hangs
 *     in the hypervisor keeps its own instance waiting, and another no longer than that. A look at the host
 *     takes no slot. So an instance whose steps need no hypervisor never waits for one that does. A save waits for its
 *     slot no longer than the step says, so that a guest paused meanwhile is continued in time.
 *  5. A step that fails, or that changes nothing, is not tried again before its back-off has passed.
 *  6. An instance that is settled costs nothing until something wakes it: an order, an event, its timer,
 *     or the resync.
 *  7. An instance is kept in memory while the journal knows it, while the host may have a domain of ours for it, and
 *     during its rounds; no longer, for every return of something that was waited for reads the host for all that are kept.
 */
export interface RunnerParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: Journal;
  readonly executors: Executors;
  readHost(instanceId: string, known: JournaledInstance): Promise<HostFacts>;
  observe(observed: ObservedInstance): void;
  /** The host's clocks now; the ends of instances are judged by them. */
  hostTime(): HostTime;
  /** A read or a step failed with this. */
  failed(error: unknown): void;
  /** The instance was read and judged once more. */
  looked(instanceId: string): void;
  /** How many starts and saves may run at the same time, and how many makings of overlays. */
  readonly diskSlots: number;
  readonly fetchSlots: number;
}

interface Instance {
  working: boolean;
  again: boolean;
  /** Whether the host may have a domain of ours for it: somebody said so, or the last reading found one. */
  maybeOnHost: boolean;
  generation: number | null;
  /** Whether its time was over when its present order was taken. */
  timeOver: boolean;
  recollection: Recollection & { failures: Map<string, Failure> };
  /** Steps of the round before that returned quietly. */
  quiet: ReadonlySet<string>;
  readFailures: number;
  /** As it was read last: guests that its absence paused find it by and by. */
  mirrorIsBack: boolean;
  cancelTimer: Cancel | null;
  /** Called by a newer order: ends waits for a slot and for a fetch. */
  readonly interrupts: Set<() => void>;
  /** Steps that are being carried out, or wait for their slot. */
  readonly doing: Set<Step>;
  /** As it was told last. */
  diskEpoch: number | undefined;
  readonly progress: Map<string, number>;
}

const readDeadlineMs = 60_000;
const longestReadDelayMs = 5000;
/** As long as the RAM of an ordinary guest takes; after that what holds the slot is huge, or hangs. */
export const diskSlotMs = 2 * 60_000;

export class Runner {
  private readonly instances = new Map<string, Instance>();
  private readonly slots: Readonly<Record<'disk' | 'files' | 'fetch', Slots>>;
  private readonly holds: InstanceHolds;
  private stopped = false;
  private atWork = 0;
  private idle: (() => void)[] = [];

  constructor(private readonly parts: RunnerParts) {
    this.slots = { disk: new Slots(parts.diskSlots), files: new Slots(parts.diskSlots), fetch: new Slots(parts.fetchSlots) };
    this.holds = new InstanceHolds({
      clock: parts.clock,
      isInRound: (instanceId) => this.instances.get(instanceId)?.working === true,
      doing: (instanceId) => this.doing(instanceId),
      beginRound: (instanceId) => this.beginRound(instanceId),
    });
  }

  /** Something about the instance may have changed. Returns at once. */
  wake(instanceId: string): void {
    if (this.stopped) return;
    const instance = this.instanceOf(instanceId);
    instance.maybeOnHost = true;
    this.lookAgain(instanceId, instance);
  }

  /**
   * What these failures waited for is there again: their steps, and reads, are tried at once and as if for the
   * first time. Every instance looks again, for some wait for the same thing without having tried.
   */
  forgive(codes: readonly FailureCode[], kinds: readonly StepKind[] = []): void {
    if (this.stopped) return;
    for (const [instanceId, instance] of this.instances) {
      const { recollection } = instance;
      for (const [key, { code }] of recollection.failures) if (codes.includes(code) || kinds.some((kind) => kind === key)) recollection.failures.delete(key);
      this.lookAgain(instanceId, instance);
    }
  }

  /**
   * Runs `work` while no step of these instances is carried out and none begins; then each looks at once at what woke it
   * meanwhile. Waits for them together, `withinMs` at most; those that had not ended by then are `busy`, each with what
   * goes on there in words, and are not held.
   */
  async hold<T>(instanceIds: readonly string[], withinMs: number, work: (busy: ReadonlyMap<string, string>) => Promise<T>): Promise<T> {
    this.atWork += 1;
    try {
      return await this.holds.hold(instanceIds, withinMs, (busy) => {
        if (this.stopped) throw new Error('The agent of this host is being stopped; ask again when it is back.');
        return work(busy);
      });
    } finally {
      this.workEnded();
    }
  }

  /** Drops what is recollected of an instance that is gone. */
  forget(instanceId: string): void {
    const instance = this.instances.get(instanceId);
    if (instance === undefined) return;
    instance.maybeOnHost = false;
    // One that is at work stays until its round has ended, lest a second round of it begins beside the first.
    if (!instance.working) this.drop(instanceId, instance);
  }

  /** Resolves when no instance is being worked on. */
  settled(): Promise<void> {
    return this.atWork === 0 ? Promise.resolve() : new Promise((resolve) => this.idle.push(resolve));
  }

  /** Begins no more steps. What runs goes on in the hypervisor; the next start of the agent finds it. */
  stop(): void {
    this.stopped = true;
    for (const instance of this.instances.values()) {
      instance.cancelTimer?.();
      for (const interrupt of [...instance.interrupts]) interrupt();
    }
  }

  onProgress(instanceId: string, sha256: string, percent: number): void {
    const instance = this.instances.get(instanceId);
    // A fetch goes on for others after this instance stopped waiting for it.
    if (instance?.progress.has(sha256) !== true) return;
    instance.progress.set(sha256, Math.min(100, Math.max(0, percent)));
    const values = [...instance.progress.values()];
    const mean = Math.floor(values.reduce((sum, value) => sum + value, 0) / values.length);
    if (mean === instance.recollection.progressPercent) return;
    instance.recollection = { ...instance.recollection, progressPercent: mean };
    const { desired } = this.known(instanceId);
    if (desired === null || desired.generation !== instance.generation) return;
    this.parts.observe({ instanceId, generation: desired.generation, state: 'preparing', reason: null, progressPercent: mean, ...(instance.diskEpoch === undefined ? {} : { diskEpoch: instance.diskEpoch }) });
  }

  private lookAgain(instanceId: string, instance: Instance): void {
    instance.again = true;
    if (!this.isInForce(instanceId, instance)) for (const interrupt of [...instance.interrupts]) interrupt();
    if (!instance.working && !this.holds.isAskedFor(instanceId)) void this.work(instanceId, instance);
  }

  private beginRound(instanceId: string): boolean {
    const instance = this.instances.get(instanceId);
    if (instance?.again !== true || instance.working || this.stopped) return false;
    void this.work(instanceId, instance);
    return true;
  }

  private doing(instanceId: string): string {
    const words = new Set([...(this.instances.get(instanceId)?.doing ?? [])].map(({ kind }) => stepWords[kind]));
    return words.size === 0 ? 'the hypervisor is being asked about it' : [...words].join(' and ');
  }

  private async work(instanceId: string, instance: Instance): Promise<void> {
    instance.working = true;
    this.atWork += 1;
    try {
      // Who waits to hold it comes after this round, not after all that wake each other.
      for (let isFirst = true; instance.again && !this.stopped && (isFirst || !this.holds.isAskedFor(instanceId)); isFirst = false) {
        instance.again = false;
        instance.cancelTimer?.();
        instance.cancelTimer = null;
        const wakeAtMs = await this.round(instanceId, instance);
        if (instance.again || wakeAtMs === null || this.stopped) continue;
        const delayMs = Math.max(0, wakeAtMs - this.parts.clock.monotonicMs());
        instance.cancelTimer = this.parts.clock.after(delayMs, () => this.wake(instanceId));
      }
    } finally {
      // In the same turn as the last look at `again`: what wakes it before is seen there, and what does after begins anew.
      instance.working = false;
      if (!instance.maybeOnHost && this.known(instanceId) === noInstance) this.drop(instanceId, instance);
      this.holds.roundEnded(instanceId);
      this.workEnded();
    }
  }

  private workEnded(): void {
    this.atWork -= 1;
    if (this.atWork === 0) for (const resolve of this.idle.splice(0)) resolve();
  }

  private drop(instanceId: string, instance: Instance): void {
    instance.cancelTimer?.();
    this.instances.delete(instanceId);
  }

  /** Reads, plans, acts. Answers when to look again; sets `again` when something was done. */
  private async round(instanceId: string, instance: Instance): Promise<number | null> {
    const { clock, log } = this.parts;
    const known = this.known(instanceId);
    this.takeOrder(instance, known);
    let facts: HostFacts;
    try {
      facts = await this.within(readDeadlineMs, this.parts.readHost(instanceId, known));
      instance.readFailures = 0;
      instance.maybeOnHost = facts.domain !== null;
    } catch (error) {
      instance.readFailures += 1;
      this.parts.failed(error);
      const delayMs = Math.min(longestReadDelayMs, 250 * 2 ** Math.min(instance.readFailures, 8));
      log.warn({ instanceId, err: error, delayMs }, 'the host could not be read; nothing is done until it can');
      return clock.monotonicMs() + delayMs;
    }
    this.recollect(instance, known, facts);
    const nowMs = clock.monotonicMs();
    const newest = this.known(instanceId);
    // An order that came while the host was read is obeyed now, by the next round, not after this one's steps.
    if (!this.isInForce(instanceId, instance)) {
      instance.again = true;
      return null;
    }
    const plan = reconcile(newest.desired === null ? unknownInstance : { ...newest, timeOver: instance.timeOver }, facts, instance.recollection, nowMs);
    if (plan.observed !== null) this.parts.observe(plan.observed);
    instance.diskEpoch = plan.observed?.diskEpoch;
    this.parts.looked(instanceId);
    if (plan.steps.length === 0) {
      instance.quiet = new Set();
      return plan.wakeAtMs;
    }
    const outcomes = await Promise.all(plan.steps.map((step) => this.carryOut(instanceId, instance, step)));
    instance.quiet = new Set(plan.steps.filter((_, index) => outcomes[index] === 'quiet').map(stepKey));
    instance.again = true;
    return null;
  }

  private async carryOut(instanceId: string, instance: Instance, step: Step): Promise<'quiet' | 'failed' | 'dropped'> {
    const { clock, log } = this.parts;
    const { deadlineMs, slots } = stepPolicies[step.kind];
    const generation = instance.generation;
    const interruption = interruptible(instance.interrupts);
    instance.doing.add(step);
    const slot = slots === null ? null : this.slots[slots].take();
    let done: Promise<void> = Promise.resolve();
    let endLoan: Cancel = () => undefined;
    try {
      if (slot !== null) {
        const turn = this.hasPassed(step.kind === 'save' ? step.turnByMs : null);
        const what = await Promise.race([slot, interruption.happened, turn.passed]).finally(turn.end);
        if (what === 'interrupted') return 'dropped';
        if (what === 'passed') throw new NoTurnError('the saves of others took so long that it did not have its turn while it was to be kept paused');
      }
      if (this.stopped || !this.isInForce(instanceId, instance)) return 'dropped';
      if (step.kind === 'shutdown') {
        instance.recollection = { ...instance.recollection, stopping: { askedAtMs: clock.monotonicMs(), destroyAtMs: step.destroyAtMs } };
      }
      if (step.kind === 'fetch-image') instance.progress.set(step.image.sha256, 0);
      if (slots === 'disk') endLoan = clock.after(diskSlotMs, () => void slot?.then((giveBack) => giveBack()));
      const beganMs = clock.monotonicMs();
      done = execute(this.parts.executors, instanceId, step);
      if (step.kind === 'fetch-image') {
        if ((await this.within(deadlineMs, Promise.race([done, interruption.happened]))) === 'interrupted') return 'dropped';
      } else {
        const late = clock.after(deadlineMs, () => log.error({ instanceId, generation, step: step.kind, deadlineMs }, 'a step has not ended by its deadline; nothing else is done for its instance before it ends'));
        await done.finally(late);
      }
      // Somebody may hold the instance before it is looked at again.
      if (step.kind === 'pause') instance.recollection = { ...instance.recollection, pausedSinceMs: clock.monotonicMs() };
      log.info({ instanceId, generation, step: step.kind, ms: Math.round(clock.monotonicMs() - beganMs) }, 'step done');
      this.remember(instance, step, instance.quiet.has(stepKey(step)) ? 'no-effect' : null, 'it was done twice and the host did not change');
      return 'quiet';
    } catch (error) {
      const { code, message } = classify(error);
      log.warn({ instanceId, generation, step: step.kind, code, err: error }, 'step failed');
      this.parts.failed(error);
      this.remember(instance, step, code, message);
      return 'failed';
    } finally {
      interruption.end();
      instance.doing.delete(step);
      void Promise.allSettled([slot, done]).then(() => {
        endLoan();
        return slot?.then((giveBack) => giveBack());
      });
    }
  }

  private remember(instance: Instance, step: Step, code: FailureCode | null, message: string): void {
    const { failures } = instance.recollection;
    const key = stepKey(step);
    const nowMs = this.parts.clock.monotonicMs();
    // Continuing after a disk error counts even when it works: the disk may be full again in a moment.
    if (step.kind === 'resume-disk') {
      const failed = code ?? 'no-effect';
      failures.set(key, instance.mirrorIsBack ? failedOnceMore(failed, message, nowMs) : failedAgain(failures.get(key), failed, message, nowMs));
    }
    // Asking a guest to shut down changes nothing that can be seen at once.
    else if (code === null || (code === 'no-effect' && (step.kind === 'shutdown' || step.kind === 'note'))) failures.delete(key);
    else failures.set(key, failedAgain(failures.get(key), code, message, nowMs));
  }

  private takeOrder(instance: Instance, known: JournaledInstance): void {
    const generation = known.desired?.generation ?? null;
    const timeOver = this.isTimeOver(known);
    if (instance.generation === generation && instance.timeOver === timeOver) return;
    instance.generation = generation;
    instance.timeOver = timeOver;
    const { bootingSinceMs, pausedSinceMs } = instance.recollection;
    instance.recollection = { ...nothingRecollected, failures: new Map(), bootingSinceMs, pausedSinceMs };
    instance.quiet = new Set();
    instance.progress.clear();
  }

  /** What follows from the facts for the agent's own memory. */
  private recollect(instance: Instance, known: JournaledInstance, facts: HostFacts): void {
    const state = facts.domain?.state;
    const nowMs = this.parts.clock.monotonicMs();
    const { recollection } = instance;
    instance.mirrorIsBack = facts.mirror === 'back';
    const booting = state === 'running' && known.marks.up !== 'yes';
    const trouble = recollection.failures.get('resume-disk');
    // A guest that ran for a while after its disk error starts with a fresh back-off at the next one.
    if (state === 'running' && trouble !== undefined && nowMs >= trouble.retryAtMs + steadyMs) recollection.failures.delete('resume-disk');
    instance.recollection = {
      ...recollection,
      bootingSinceMs: booting ? (recollection.bootingSinceMs ?? nowMs) : null,
      pausedSinceMs: state === 'paused' ? (recollection.pausedSinceMs ?? nowMs) : null,
      // True until its steps are begun: that is in the same turn.
      savesAtOnce: this.slots.disk.isFree,
      stopping: state === 'running' || state === 'shutting-down' ? recollection.stopping : null,
      progressPercent: facts.missingImages.length > 0 ? recollection.progressPercent : null,
    };
  }

  /** When the clock has come to `atMs` (monotonic), or never. One that is over loses against what is there already. */
  private hasPassed(atMs: number | null): { readonly passed: Promise<'passed'>; readonly end: () => void } {
    let end: Cancel = () => undefined;
    const passed = new Promise<'passed'>((resolve) => {
      if (atMs !== null) end = this.parts.clock.after(Math.max(0, atMs - this.parts.clock.monotonicMs()), () => resolve('passed'));
    });
    return { passed, end };
  }

  /** Rejects with a `hung` error when `work` has not ended by then. */
  private async within<T>(deadlineMs: number, work: Promise<T>): Promise<T> {
    let cancel: Cancel | null = null;
    const deadline = new Promise<never>((_, reject) => {
      cancel = this.parts.clock.after(deadlineMs, () => reject(new HungError(`no end after ${Math.round(deadlineMs / 1000)} s`)));
    });
    try {
      return await Promise.race([work, deadline]);
    } finally {
      (cancel as Cancel | null)?.();
    }
  }

  private instanceOf(instanceId: string): Instance {
    let instance = this.instances.get(instanceId);
    if (instance === undefined) {
      instance = {
        working: false,
        again: false,
        maybeOnHost: true,
        generation: null,
        timeOver: false,
        recollection: { ...nothingRecollected, failures: new Map() },
        quiet: new Set(),
        readFailures: 0,
        mirrorIsBack: false,
        cancelTimer: null,
        interrupts: new Set(),
        doing: new Set(),
        diskEpoch: undefined,
        progress: new Map(),
      };
      this.instances.set(instanceId, instance);
    }
    return instance;
  }

  private known(instanceId: string): JournaledInstance {
    return this.parts.journal.state.instances.get(instanceId) ?? noInstance;
  }

  private isTimeOver(known: JournaledInstance): boolean {
    return instanceEnd(known, this.parts.hostTime()).over;
  }

  /** What the instance works for is still what is wanted of it. */
  private isInForce(instanceId: string, instance: Instance): boolean {
    const known = this.known(instanceId);
    return instance.generation === (known.desired?.generation ?? null) && instance.timeOver === this.isTimeOver(known);
  }
}

class NoTurnError extends Error {
  override readonly name = 'NoTurnError';
}

class HungError extends Error {
  override readonly name = 'HungError';
}

function execute(executors: Executors, instanceId: string, step: Step): Promise<void> {
  // The table has an executor for every kind; that this one takes this step is what its type says.
  const executor = executors[step.kind] as (instanceId: string, step: Step) => Promise<void>;
  return executor(instanceId, step);
}

function interruptible(interrupts: Set<() => void>): { readonly happened: Promise<'interrupted'>; readonly end: () => void } {
  let interrupt: () => void = () => undefined;
  const happened = new Promise<'interrupted'>((resolve) => {
    interrupt = () => resolve('interrupted');
  });
  interrupts.add(interrupt);
  return { happened, end: () => interrupts.delete(interrupt) };
}

function classify(error: unknown): { readonly code: FailureCode; readonly message: string } {
  if (error instanceof HypervisorError || error instanceof DiskStoreError) return { code: error.code, message: error.message };
  if (error instanceof JournalFullError) return { code: 'state-full', message: error.message };
  if (error instanceof NoTurnError) return { code: 'no-turn', message: error.message };
  if (error instanceof HungError) return { code: 'hung', message: error.message };
  return { code: 'failed', message: error instanceof Error ? error.message : String(error) };
}
