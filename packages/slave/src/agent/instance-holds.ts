import type { Cancel, Clock } from '@paravcl/shared/clock';

export interface InstanceHoldsParts {
  readonly clock: Clock;
  /** Whether a round of the instance is under way; its end is told with `roundEnded`. */
  isInRound(instanceId: string): boolean;
  /** What is being done with it, in words. */
  doing(instanceId: string): string;
  /** One hold of it has ended: begins the round that was asked for meanwhile, and answers whether there was one. */
  beginRound(instanceId: string): boolean;
}

interface Ask {
  has: boolean;
  readonly give: () => void;
}

/**
 * Who has an instance for himself, so that no round of it begins: what is done about its disk beside its rounds.
 *
 * Who asks for an instance gets it when the round under way has ended, in the order of asking; but a round that was
 * asked for during a hold comes before the next hold, so orders wait for one hold at most. Who asks for several
 * instances stands in line for all of them in the same moment: whoever is before another in one line is so in all, so
 * two who ask for the same ones never wait for each other.
 */
export class InstanceHolds {
  private readonly lines = new Map<string, Ask[]>();

  constructor(private readonly parts: InstanceHoldsParts) {}

  /** Somebody holds it, or waits for it. */
  isAskedFor(instanceId: string): boolean {
    return this.lines.has(instanceId);
  }

  /**
   * Runs `work` while no round of these instances begins. Waits for them together, `withinMs` at most; those that
   * were not to be had by then are `busy`, each with what went on instead, and are not held.
   */
  async hold<T>(instanceIds: readonly string[], withinMs: number, work: (busy: ReadonlyMap<string, string>) => Promise<T>): Promise<T> {
    const asks = new Map([...new Set(instanceIds)].map((instanceId) => [instanceId, this.ask(instanceId)]));
    try {
      await this.within(withinMs, Promise.all([...asks.values()].map(({ given }) => given)));
      const busy = new Map<string, string>();
      for (const [instanceId, { ask }] of asks) if (!ask.has) busy.set(instanceId, this.saysOf(instanceId));
      // They need not stay in line for what was given up.
      for (const instanceId of busy.keys()) this.leave(instanceId, asks.get(instanceId)?.ask);
      return await work(busy);
    } finally {
      for (const [instanceId, { ask }] of asks) this.leave(instanceId, ask);
    }
  }

  /** In the same turn as the round's last look at `isAskedFor`. */
  roundEnded(instanceId: string): void {
    this.giveToFirst(instanceId);
  }

  private ask(instanceId: string): { readonly ask: Ask; readonly given: Promise<void> } {
    let give: () => void = () => undefined;
    const given = new Promise<void>((resolve) => (give = resolve));
    const ask: Ask = { has: false, give };
    this.lines.set(instanceId, [...(this.lines.get(instanceId) ?? []), ask]);
    if (!this.parts.isInRound(instanceId)) this.giveToFirst(instanceId);
    return { ask, given };
  }

  private giveToFirst(instanceId: string): void {
    const first = this.lines.get(instanceId)?.[0];
    if (first === undefined || first.has) return;
    first.has = true;
    first.give();
  }

  private leave(instanceId: string, ask: Ask | undefined): void {
    const line = this.lines.get(instanceId) ?? [];
    if (ask === undefined || !line.includes(ask)) return;
    const left = line.filter((other) => other !== ask);
    if (left.length > 0) this.lines.set(instanceId, left);
    else this.lines.delete(instanceId);
    if (ask.has && !this.parts.beginRound(instanceId)) this.giveToFirst(instanceId);
  }

  private saysOf(instanceId: string): string {
    return this.lines.get(instanceId)?.[0]?.has === true ? 'another snapshot of it is being made' : this.parts.doing(instanceId);
  }

  private async within(withinMs: number, all: Promise<unknown>): Promise<void> {
    let cancel: Cancel = () => undefined;
    const passed = new Promise<void>((resolve) => (cancel = this.parts.clock.after(withinMs, resolve)));
    await Promise.race([all, passed]);
    cancel();
  }
}
