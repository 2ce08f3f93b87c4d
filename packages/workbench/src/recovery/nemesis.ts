import { setTimeout as delay } from 'node:timers/promises';
import type { LabHost } from '../lab/lab-host';
import { cellOf, isOfHost, kindFor, leastMet, nextAtAnyTime, type Aim, type Cell, type FaultKind, type Tally } from './fault-plan';
import { inject, targetsOf, type Patient } from './faults';
import type { Injected } from './injected';
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
/** So long it waits until an instance has a host, when a fault needs one. */
const placedWithinMs = 1500;
/** Upper end of the wait between the first sight of a stage and the fault: about as long as the stage lasts. */
const stageLastsMs: Readonly<Record<Stage, number>> = { preparing: 500, booting: 3000, suspending: 1500, resuming: 600, stopping: 1000, deleting: 500 };

/** An aim that never meets its stage is given up after so many tries; the fault comes at another time. */
const missesAtMost = 12;

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
    let misses = 0;
    for (let injected = 0; injected < count; ) {
      if (this.fault !== null || enough?.aborted === true) break;
      await delay(random.between(20, 800));
      const aim = wished[0] ?? null;
      const hit = await this.one(aim);
      if (!hit && aim?.stage != null) {
        const standing = await this.parts.books.standing().catch(() => 'unknown');
        this.parts.say(`      ${aim.kind} met no instance that is ${aim.stage}: try ${misses + 1} of ${missesAtMost}; instances: ${standing}`);
      }
      misses = hit ? 0 : misses + 1;
      if (hit) injected += 1;
      if (hit || misses === missesAtMost) wished.shift();
      // Mostly one fault at a time; now and then the next comes before it is healed.
      if (!random.chance(0.25)) await Promise.all(this.broken.values());
    }
    await Promise.all(this.broken.values());
    this.parts.workload.wish(null);
    if (this.fault !== null) throw this.fault;
  }

  /** True when something was broken, and, of one that was aimed, in its stage. */
  private async one(aim: Aim | null): Promise<boolean> {
    const { random, kinds } = this.parts;
    const anyTime = aim === null ? nextAtAnyTime(random, this.tally, kinds) : aim.stage === null ? aim.kind : null;
    if (anyTime !== null) return this.breakIt(anyTime, this.anyHost(), null);
    const seen = await this.meet(aim?.stage ?? null);
    const choose = (stage: Stage): FaultKind => aim?.kind ?? kindFor(random, stage, this.tally, kinds);
    const strike = seen === null ? null : await this.aimAt(seen, choose);
    if (strike !== null && (aim === null || strike.victim.stage === aim.stage)) return this.breakIt(strike.kind, strike.host, strike.victim);
    // An aim is taken again until it meets its stage; what was not aimed strikes at what is there.
    return aim === null && seen === null ? this.breakIt(random.pick(kinds), this.anyHost(), null) : false;
  }

  /**
   * The victim as it is now, with the host that has it, and what to break; null when it is at rest, when it cannot be told,
   * or when no host has it yet and one is needed: then nothing would be met.
   */
  private async aimAt(seen: Moving, choose: (stage: Stage) => FaultKind): Promise<{ readonly kind: FaultKind; readonly host: LabHost; readonly victim: Moving } | null> {
    let wanted: FaultKind | null = null;
    for (let looks = 0; looks < placedWithinMs / lookEveryMs; looks += 1) {
      const victim = (await this.moving()).find(({ instanceId }) => instanceId === seen.instanceId);
      if (victim === undefined) return null;
      const kind: FaultKind = wanted ?? choose(victim.stage);
      const host = victim.slaveId === null ? undefined : this.parts.hosts.get(victim.slaveId);
      if (host !== undefined || !isOfHost(kind)) {
        const somewhere = host ?? this.anyHost();
        const busy = targetsOf(kind, somewhere).flatMap((target) => this.broken.get(target) ?? []);
        if (busy.length === 0) return { kind, host: somewhere, victim };
        // It takes seconds to heal: what is there then is looked at anew.
        await Promise.all(busy);
      } else await delay(lookEveryMs);
      wanted = victim.stage === seen.stage ? kind : null;
    }
    return null;
  }

  /** True when something was broken. With a victim it is what the fault meets, in its present stage, or in that of the moment it took effect. */
  private async breakIt(kind: FaultKind, host: LabHost, victim: Moving | null): Promise<boolean> {
    const { patient, random } = this.parts;
    const targets = targetsOf(kind, host);
    await Promise.all(targets.map((target) => this.broken.get(target)));
    const injected = await inject(kind, host, patient, random);
    if (injected === null) return false;
    const met = injected.cameLater === true ? await this.asItIsNow(victim) : victim;
    this.note(kind, injected, met);
    const healing = this.heal(injected).finally(() => targets.forEach((target) => this.broken.delete(target)));
    for (const target of targets) this.broken.set(target, healing);
    return true;
  }

  /** Null when it is at rest by now, or cannot be told. */
  private async asItIsNow(victim: Moving | null): Promise<Moving | null> {
    return victim === null ? null : ((await this.moving()).find(({ instanceId }) => instanceId === victim.instanceId) ?? null);
  }

  private anyHost(): LabHost {
    return this.parts.random.pick([...this.parts.hosts.values()]);
  }

  private get tally(): Tally {
    return { met: this.met, done: this.done };
  }

  private note(kind: FaultKind, { what }: Injected, victim: Moving | null): void {
    const stage = victim?.stage ?? null;
    const fault: Fault = { number: this.faults.length + 1, utc: new Date().toISOString(), kind, what, stage };
    this.faults.push(fault);
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
    if (stage !== null) this.met.set(cellOf(kind, stage), (this.met.get(cellOf(kind, stage)) ?? 0) + 1);
    const during = victim === null ? '' : ` while ${victim.instanceId} is ${victim.stage}`;
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
    const wanted = asked === null ? leastMet(this.tally, kinds) : [asked];
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
        // The wish stays: left to chance while the fault heals, people would stop and delete what the next one needs.
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
