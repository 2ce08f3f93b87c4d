import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { ForeignDomain } from '@paravcl/shared/domain/slave';
import type { Logger } from 'pino';
import type { HypervisorDriver, OwnedDomain } from '../hypervisor/driver';

export interface HostLookParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly driver: HypervisorDriver;
  /** A listing was asked for. */
  asked(): void;
  /** The domain of an instance is not as it was last seen. */
  changed(instanceId: string): void;
  /** The host was listed. */
  listed(): void;
  /** It was listed after it could not be. */
  listedAgain(): void;
  /** Everything was looked at once. */
  lookedAtAll(): void;
}

/** Events are hints and can be lost; everything is listed again this often. */
const resyncMs = 30_000;
/** After one that failed, so that the hypervisor's return is noticed although its silence was short. */
const resyncAgainMs = 2000;

/** Looks at the host as a whole: which domains there are, and which are not as they were last seen. */
export class HostLook {
  /** Of the last listing: domains that are not ours. */
  foreign: readonly ForeignDomain[] = [];
  /** State and generation of each domain when it was last looked at. */
  private readonly domainsSeen = new Map<string, string>();
  /** Instances of the journal and domains of the first listing that were not looked at yet. */
  private unlooked = new Set<string>();
  private hasListed = false;
  private listFailed = false;
  private complete = false;
  private firstLookDone: () => void = () => undefined;
  /** Resolves when everything was looked at once. */
  readonly firstLook = new Promise<void>((resolve) => (this.firstLookDone = resolve));
  private listing: Promise<void> | null = null;
  private cancelNext: Cancel = () => undefined;
  private stopped = false;

  constructor(private readonly parts: HostLookParts) {}

  get isComplete(): boolean {
    return this.complete;
  }

  /** Looks at these instances first, and at every domain. */
  async start(instanceIds: Iterable<string>): Promise<void> {
    this.unlooked = new Set(instanceIds);
    for (const instanceId of this.unlooked) this.parts.changed(instanceId);
    await this.list();
  }

  stop(): void {
    this.stopped = true;
    this.cancelNext();
  }

  /** A reading of the host has found this domain of an instance, or none. */
  sees(instanceId: string, domain: OwnedDomain | null): void {
    if (domain === null) this.domainsSeen.delete(instanceId);
    else this.domainsSeen.set(instanceId, sightOf(domain));
  }

  /** An instance was looked at. */
  looked(instanceId: string): void {
    this.unlooked.delete(instanceId);
    this.noteFirstLook();
  }

  /** Lists every domain; one listing at a time. */
  list(): Promise<void> {
    this.parts.asked();
    this.listing ??= this.compare().finally(() => {
      this.listing = null;
      this.cancelNext();
      if (!this.stopped) this.cancelNext = this.parts.clock.after(this.listFailed ? resyncAgainMs : resyncMs, () => void this.list());
    });
    return this.listing;
  }

  private async compare(): Promise<void> {
    try {
      const inventory = await this.parts.driver.inventory();
      const owned = new Set(inventory.owned.map((domain) => domain.instanceId));
      for (const domain of inventory.owned) {
        if (this.domainsSeen.get(domain.instanceId) === sightOf(domain)) continue;
        if (!this.hasListed) this.unlooked.add(domain.instanceId);
        this.parts.changed(domain.instanceId);
      }
      for (const instanceId of this.domainsSeen.keys()) if (!owned.has(instanceId)) this.parts.changed(instanceId);
      this.foreign = inventory.foreign;
      this.hasListed = true;
      const again = this.listFailed;
      this.listFailed = false;
      this.parts.listed();
      if (again) this.parts.listedAgain();
      this.noteFirstLook();
    } catch (error) {
      this.listFailed = true;
      this.parts.log.warn({ err: error }, 'the domains of this host could not be listed');
    }
  }

  private noteFirstLook(): void {
    if (this.complete || !this.hasListed || this.unlooked.size > 0) return;
    this.complete = true;
    this.firstLookDone();
    this.parts.lookedAtAll();
  }
}

function sightOf(domain: OwnedDomain): string {
  return `${domain.state} ${domain.generation}`;
}
