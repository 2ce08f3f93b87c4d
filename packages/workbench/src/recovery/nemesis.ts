import { setTimeout as delay } from 'node:timers/promises';
import type { LabHost } from '../lab/lab-host';
import { cellOf, nextAim, type Aim, type Cell, type FaultKind } from './fault-plan';
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

  /** Injects so many faults and answers when the last is healed. Throws when one could not be healed. */
  async strike(count: number, first: readonly Aim[] = []): Promise<void> {
    const { random } = this.parts;
    const wished = [...first];
    for (let injected = 0; injected < count; ) {
      if (this.fault !== null) break;
      await delay(random.between(50, 1200));
      const aim = wished.shift() ?? nextAim(random, this.met, this.parts.kinds, this.done);
      if (await this.one(aim)) injected += 1;
      // Mostly one fault at a time; now and then the next comes before it is healed.
      if (!random.chance(0.25)) await Promise.all(this.broken.values());
    }
    await Promise.all(this.broken.values());
    this.parts.workload.wish(null);
    if (this.fault !== null) throw this.fault;
  }

  /** True when something was broken. */
  private async one(aim: Aim): Promise<boolean> {
    const { patient, hosts, random, books } = this.parts;
    const victim = aim.stage === null ? null : await this.meet(aim.stage);
    const host = (victim?.slaveId == null ? undefined : hosts.get(victim.slaveId)) ?? random.pick([...hosts.values()]);
    const target = targetOf(aim.kind, host);
    await this.broken.get(target);
    const stage = victim === null ? null : await books.moving().then(
      (moving) => moving.find(({ instanceId }) => instanceId === victim.instanceId)?.stage ?? null,
      () => victim.stage,
    );
    const injected = await inject(aim.kind, host, patient, random);
    if (injected === null) return false;
    this.note(aim.kind, injected, stage, victim);
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

  /** Waits until an instance is in the stage, and a random part of the time it stays there; null when none came. */
  private async meet(stage: Stage): Promise<Moving | null> {
    const { books, workload, random } = this.parts;
    workload.wish(stage);
    const deadline = performance.now() + stageWithinMs;
    // What is there already may be at its end: the next that enters is waited for, unless nothing else comes.
    const before = new Set(await this.inStage(books, stage).then((moving) => moving.map(({ instanceId }) => instanceId)));
    while (performance.now() < deadline) {
      const now = await this.inStage(books, stage);
      for (const id of before) if (!now.some(({ instanceId }) => instanceId === id)) before.delete(id);
      const entered = now.filter(({ instanceId }) => !before.has(instanceId));
      const candidates = entered.length > 0 ? entered : performance.now() > deadline - stageWithinMs / 2 ? now : [];
      if (candidates.length > 0) {
        workload.wish(null);
        await delay(random.next() ** 2 * stageLastsMs[stage]);
        return random.pick(candidates);
      }
      await delay(lookEveryMs);
    }
    return null;
  }

  private inStage(books: BooksReader, stage: Stage): Promise<readonly Moving[]> {
    return books.moving().then(
      (moving) => moving.filter((one) => one.stage === stage),
      () => [],
    );
  }
}
