import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Describe, ForeignDomain, Trouble } from '@paravcl/shared/domain/slave';
import { maxHelloInventory } from '@paravcl/shared/protocol/agent-to-master';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { Logger } from 'pino';
import { isDeepStrictEqual } from 'node:util';
import { changedParts } from '../describe/describe-diff';
import type { MasterLink } from '../link/master-link';
import type { Observations } from './observations';

export interface ReportsParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly observations: Observations;
  link(): Pick<MasterLink, 'isUp' | 'clockOffsetMs' | 'send'>;
  describe(clockOffsetMs: number | null): Promise<Describe>;
  troubles(): Trouble[];
  /** Every domain and every instance of the journal was looked at once. */
  lookedAtAll(): boolean;
  foreign(): readonly ForeignDomain[];
}

/** What a hello begins a connection with. */
export interface FirstReport {
  readonly describe: Describe;
  readonly inventory: readonly ObservedInstance[];
  readonly inventoryComplete: boolean;
  readonly foreignDomains: readonly ForeignDomain[];
}

const describeAgainMs = 30_000;
/** As many as a frame may name. */
const mostForeign = 500;

/** Tells the master what is, and each time only what it was not told on this connection. */
export class Reports {
  private foreignTold: readonly ForeignDomain[] = [];
  /** As the master knows it; null while there is no connection. */
  private described: Describe | null = null;
  /** The master was told on this connection that it has been told everything there is. */
  private inventoryTold = false;
  /** It changed while it could not be told. */
  private owesDescription = false;
  private flushAsked = false;
  private describing: Promise<unknown> = Promise.resolve();
  private cancelFlush: Cancel = () => undefined;
  private cancelDescribe: Cancel = () => undefined;
  private stopped = false;

  constructor(private readonly parts: ReportsParts) {}

  /** Describes the host again every half minute. */
  start(): void {
    this.cancelDescribe = this.parts.clock.after(describeAgainMs, () => void this.describeAgain());
  }

  stop(): void {
    this.stopped = true;
    this.cancelFlush();
    this.cancelDescribe();
  }

  /** The connection is gone, and nobody knows what of the last words arrived. */
  linkDown(): void {
    this.described = null;
  }

  /** The connection is there: what changed since its hello was made is told now. */
  linkUp(): void {
    this.askFlush();
    if (this.owesDescription) this.describeNow().catch((error: unknown) => this.parts.log.warn({ err: error }, 'this host could not be described'));
  }

  /** @param looked the first look, or that it is not to be waited for any longer */
  async begin(looked: Promise<void>): Promise<FirstReport> {
    this.owesDescription = false;
    const [describe] = await Promise.all([this.inOrder(() => this.describe()), looked]);
    const foreign = this.parts.foreign();
    this.described = describe;
    this.foreignTold = foreign;
    const inventory = this.parts.observations.inventory(maxHelloInventory);
    this.inventoryTold = this.parts.lookedAtAll() && this.parts.observations.allTold;
    return { describe, inventory, inventoryComplete: this.inventoryTold, foreignDomains: foreign.slice(0, mostForeign) };
  }

  /** Everything that changes in one turn of the event loop goes out together. */
  askFlush(): void {
    if (this.flushAsked) return;
    this.flushAsked = true;
    queueMicrotask(() => {
      this.flushAsked = false;
      this.flush();
    });
  }

  /**
   * Describes the host and tells the master what changed; throws when it could not be described or told. One after the
   * other: of two at a time the older may end last and be taken for the newer.
   */
  describeNow(): Promise<void> {
    return this.inOrder(async () => {
      const now = await this.describe();
      const changed = this.described === null ? {} : changedParts(this.described, now);
      if (Object.keys(changed).length === 0) return;
      this.owesDescription = !this.parts.link().send({ type: 'describe', payload: { changed } });
      if (this.owesDescription) throw new Error('The link to the master is full or down; the description follows with the next one.');
      this.described = now;
    });
  }

  /** At once and alone: describing the whole host takes as long as the trouble lets it. */
  tellTroubles(): void {
    const { described } = this;
    const troubles = this.parts.troubles();
    if (described !== null && this.parts.link().send({ type: 'describe', payload: { changed: { troubles } } })) this.described = { ...described, troubles };
  }

  tellForeign(): void {
    const foreign = this.parts.foreign();
    if (isDeepStrictEqual(foreign, this.foreignTold)) return;
    if (this.parts.link().send({ type: 'foreign', payload: { domains: foreign.slice(0, mostForeign) } })) this.foreignTold = foreign;
  }

  private flush(): void {
    const { observations } = this.parts;
    const link = this.parts.link();
    while (link.isUp) {
      const instances = observations.takeUntold(maxHelloInventory);
      const completes = !this.inventoryTold && this.parts.lookedAtAll() && observations.allTold;
      if (instances.length === 0 && !completes) return;
      if (link.send({ type: 'observed', payload: { instances: [...instances], ...(completes ? { inventoryComplete: true } : {}) } })) {
        this.inventoryTold ||= completes;
        continue;
      }
      for (const { instanceId } of instances) observations.keepUntold(instanceId);
      // The link's buffer is full: later, and by then perhaps less of it is still true.
      this.cancelFlush();
      this.cancelFlush = this.parts.clock.after(500, () => this.flush());
      return;
    }
  }

  private async describeAgain(): Promise<void> {
    try {
      await this.describeNow();
    } catch (error) {
      this.parts.log.warn({ err: error }, 'this host could not be described');
    } finally {
      if (!this.stopped) this.start();
    }
  }

  private async describe(): Promise<Describe> {
    return { ...(await this.parts.describe(this.parts.link().clockOffsetMs)), troubles: this.parts.troubles() };
  }

  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.describing.then(work);
    this.describing = done.catch(() => undefined);
    return done;
  }
}
