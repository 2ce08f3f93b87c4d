import { setTimeout as delay } from 'node:timers/promises';
import type { LabHost } from '../lab/lab-host';
import { cellOf, kindFor, leastMet, nextAtAnyTime, type Aim, type Cell, type FaultKind } from './fault-plan';
import { inject, targetOf, type Injected, type Patient } from './faults';
import type { BooksReader, Moving } from './read-books';
import type { SeededRandom } from './seeded-random';
import type { Stage } from './stages';
import type { Workload } from './workload';

/** One injected fault and what it met. */
export interface Fault {
  readonly number: number;
  readonly utc: string;
  readonly kind: FaultKind;
  readonly what: string;
  /** The stage of the instance it was aimed at, at that moment; null when it came at a random time. */
  readonly stage: Stage | null;
}

export interface NemesisParts {
  readonly patient: Patient;
  /** Hosts by the id of their slave. */
  readonly hosts: ReadonlyMap<string, LabHost>;
  readonly books: BooksReader;
  readonly workload: Pick<Workload, 'wish'>;
  readonly random: SeededRandom;
  readonly kinds: readonly FaultKind[];
  readonly say: (line: string) => void;
}

/** So long it waits for a stage to come; then it strikes at what is there. */
const stageWithinMs = 15_000;
/** So long it waits for one that is only beginning. */
const patientMs = 4000;
/** So long it holds out for the stages that were met least: short ones, as resuming, come seldom by themselves. */
const anyAfterMs = 12_000;
const lookEveryMs = 15;
/** Upper end of the wait between the first sight of a stage and the fault: about as long as the stage lasts. */
const stageLastsMs: Readonly<Record<Stage, number>> = { preparing: 500, booting: 3000, suspending: 1500, resuming: 600, stopping: 1000, deleting: 500 };

/** Breaks the site, one thing after the other and sometimes two at a time, and heals everything it broke. */
export class Nemesis {
  readonly faults: Fault[] = [];
  readonly met = new Map<Cell, number>();
  private readonly done = new Map<FaultKind, number>();
  private readonly broken = new Map<string, Promise<void>>();
  private fault: unknown = null;

  constructor(private readonly parts: NemesisParts) {}

  /** Injects so many faults, beginning with `first`, and answers when the last is healed. Throws when one could not be healed. */
  async strike(count: number, { first = [], enough }: { readonly first?: readonly Aim[]; readonly enough?: AbortSignal } = {}): Promise<void> {
    const { random } = this.parts;
    const wished = [...first];
    for (let injected = 0; injected < count; ) {
      if (this.fault !== null || enough?.aborted === true) break;
      await delay(random.between(20, 800));
      if (await this.one(wished.shift() ?? null)) injected += 1;
      // Mostly one fault at a time; now and then the next comes before it is healed.
      if (!random.chance(0.25)) await Promise.all(this.broken.values());
    }
    await Promise.all(this.broken.values());
    this.parts.workload.wish(null);
    if (this.fault !== null) throw this.fault;
  }

  /** True when something was broken. */
  private async one(aim: Aim | null): Promise<boolean> {
    const { patient, hosts, random, books, kinds } = this.parts;
    const tally = { met: this.met, done: this.done };
    const anyTime = aim === null ? nextAtAnyTime(random, tally, kinds) : aim.stage === null ? aim.kind : null;
    const victim = anyTime !== null ? null : await this.meet(aim?.stage ?? null);
    const kind = anyTime ?? aim?.kind ?? (victim === null ? random.pick(kinds) : kindFor(random, victim.stage, tally, kinds));
    const host = (victim?.slaveId == null ? undefined : hosts.get(victim.slaveId)) ?? random.pick([...hosts.values()]);
    const target = targetOf(kind, host);
    await this.broken.get(target);
    const stage = victim === null ? null : await books.moving().then(
      (moving) => moving.find(({ instanceId }) => instanceId === victim.instanceId)?.stage ?? null,
      () => victim.stage,
    );
    const injected = await inject(kind, host, patient, random);
    if (injected === null) return false;
    this.note(kind, injected, stage, victim);
    const healing = this.heal(injected).finally(() => this.broken.delete(target));
    this.broken.set(target, healing);
    return true;
  }

  private note(kind: FaultKind, { what }: Injected, stage: Stage | null, victim: Moving | null): void {
    const fault: Fault = { number: this.faults.length + 1, utc: new Date().toISOString(), kind, what, stage };
    this.faults.push(fault);
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
    if (stage !== null) this.met.set(cellOf(kind, stage), (this.met.get(cellOf(kind, stage)) ?? 0) + 1);
    const during = stage === null || victim === null ? '' : ` while ${victim.instanceId} is ${stage}`;
    this.parts.say(`${String(fault.number).padStart(4)}  ${fault.utc.slice(11, 23)}  ${kind}: ${what}${during}`);
  }

  private async heal({ what, holdMs, heal }: Injected): Promise<void> {
    await delay(holdMs);
    try {
      await heal();
    } catch (error) {
      this.fault ??= new Error(`${what}: it could not be healed.`, { cause: error });
    }
  }

  /**
   * Waits until an instance enters a stage, and a random part of the time it stays there; null when none came. Asked
   * for no stage in particular it wishes for one that was met least often, holds out for those, and only in the end takes what comes.
   */
  private async meet(asked: Stage | null): Promise<Moving | null> {
    const { workload, random, kinds } = this.parts;
    const wanted = asked === null ? leastMet({ met: this.met, done: this.done }, kinds) : [asked];
    workload.wish(random.pick(wanted));
    const began = performance.now();
    const key = ({ instanceId, stage }: Moving): string => `${instanceId} ${stage}`;
    // What is there already may be at its end: one that enters is waited for, unless nothing else comes.
    const old = new Set((await this.moving()).map(key));
    for (;;) {
      const waitedMs = performance.now() - began;
      const now = await this.moving();
      for (const known of old) if (!now.some((one) => key(one) === known)) old.delete(known);
      const right = now.filter(({ stage }) => (asked === null && waitedMs > anyAfterMs) || wanted.includes(stage));
      const entered = right.filter((one) => !old.has(key(one)));
      const candidates = entered.length > 0 ? entered : waitedMs > patientMs ? right : [];
      if (candidates.length > 0) {
        workload.wish(null);
        const victim = random.pick(candidates);
        await delay(random.next() ** 2 * stageLastsMs[victim.stage]);
        return victim;
      }
      if (waitedMs > stageWithinMs) return null;
      await delay(lookEveryMs);
    }
  }

  private moving(): Promise<readonly Moving[]> {
    return this.parts.books.moving().catch(() => []);
  }
}
