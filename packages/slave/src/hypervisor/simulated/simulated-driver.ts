import type { Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { Duplex } from 'node:stream';
import {
  type AddressReservation,
  type ConsoleKind,
  type DiskChain,
  type DiskSwitch,
  type DomainEvent,
  type DomainInventory,
  type DomainSpec,
  type DomainState,
  type DomainStats,
  type HypervisorDriver,
  HypervisorError,
  type HypervisorVersion,
  type OwnedDomain,
  type ProcessorTimes,
  type SwitchedDisk,
} from '../driver';
import { encodePng } from '../png';
import { type DriverCall, Faults } from './faults';
import { SimulatedConsoles } from './simulated-consoles';
import { filesOfChain, SimulatedGuestDisks } from './simulated-guest-disks';
import { SimulatedGuests } from './simulated-guests';
import { isActive, type SimulatedDomain, SimulatedHost, wrongState } from './simulated-host';
import { SimulatedSavedRam } from './simulated-saved-ram';
import { SimulatedSiteNetwork } from './simulated-site-network';

export interface SimulatedDriverOptions {
  readonly slaveId: string;
  readonly clock: Clock;
  /** From a fresh start until the guest takes its address. Default 0: at the clock's next turn. */
  readonly bootMs?: number;
  /** From the request to power off until it is off. */
  readonly shutdownMs?: number;
  readonly delaysMs?: Readonly<Partial<Record<DriverCall, number>>>;
  /** Where the host's state is kept, so that it outlives the agent; in memory without. */
  readonly stateFile?: string;
}

const screen = encodePng(16, 16, Buffer.alloc(16 * 16 * 3, 0x40));

/**
 * A hypervisor without guests, for tests of scale and of failure. `faults` and the methods after the
 * driver's own make things go wrong.
 */
export class SimulatedDriver implements HypervisorDriver {
  readonly faults: Faults;
  readonly host: SimulatedHost;
  private readonly ram: SimulatedSavedRam;
  private readonly disks: SimulatedGuestDisks;
  private readonly network: SimulatedSiteNetwork;
  private readonly guests: SimulatedGuests;
  private readonly consoles = new SimulatedConsoles();
  private readonly listeners = new Set<(event: DomainEvent) => void>();
  private isOpen = false;

  constructor(private readonly options: SimulatedDriverOptions) {
    this.faults = new Faults(options.clock, options.delaysMs);
    this.host = new SimulatedHost(options.stateFile ?? null);
    const { clock, bootMs = 0, shutdownMs = 0 } = options;
    const changed = (instanceId: string): void => { this.changed(instanceId); };
    this.ram = new SimulatedSavedRam(this.host, changed);
    this.disks = new SimulatedGuestDisks(this.host);
    this.network = new SimulatedSiteNetwork(this.host);
    this.guests = new SimulatedGuests({ clock, bootMs, shutdownMs, changed, host: this.host, network: this.network });
  }

  async open(): Promise<void> {
    await this.faults.pass('open');
    this.isOpen = true;
    this.guests.open();
    this.tell({ instanceId: null, what: 'resync' });
  }

  close(): Promise<void> {
    this.isOpen = false;
    this.guests.close();
    return Promise.resolve();
  }

  async version(): Promise<HypervisorVersion> {
    await this.faults.pass('version');
    return { kind: 'simulated', libvirt: null, qemu: null, machine: 'simulated', cpu: 'simulated' };
  }

  async inventory(): Promise<DomainInventory> {
    await this.faults.pass('inventory');
    const { domains, foreign } = this.host.current;
    const others = domains.filter((each) => !this.isOurs(each)).map((each) => ({ name: `pv-${each.name}`, uuid: each.instanceId, state: each.state }));
    return { owned: domains.filter((each) => this.isOurs(each)).map(owned), foreign: [...foreign, ...others] };
  }

  async find(instanceId: string): Promise<OwnedDomain | null> {
    await this.faults.pass('find');
    const domain = this.look(instanceId);
    return domain === null ? null : owned(domain);
  }

  async define(spec: DomainSpec): Promise<void> {
    await this.faults.pass('define');
    this.network.requireKnown();
    const before = this.look(spec.instanceId);
    const { instanceId, name, generation, vcpus, ramMiB, mac } = spec;
    if (before !== null && before.state !== 'off' && before.state !== 'crashed') {
      this.host.putDomain({ ...before, generation });
      return;
    }
    if (before === null && this.host.current.domains.some((each) => each.name === name)) throw new HypervisorError('foreign', `simulated: another domain has the name pv-${name}`);
    this.host.putDomain({
      instanceId, name, generation, vcpus, ramMiB, mac,
      slaveId: this.options.slaveId,
      serialLog: spec.files.serialLog,
      state: before?.state ?? 'off',
      booted: false,
      boots: before?.boots ?? 0,
      disk: filesOfChain(spec.files),
    });
    this.changed(instanceId);
  }

  async start(instanceId: string): Promise<void> {
    await this.faults.pass('start');
    const domain = this.present(instanceId);
    if (domain.state === 'running') return;
    if (domain.state === 'shutting-down') throw wrongState(domain, 'start it again when it is off');
    this.network.requireUp();
    if (domain.state === 'saved') this.ram.restore(domain);
    else if (domain.state === 'off' || domain.state === 'crashed') this.guests.boot(domain);
    else this.move(domain, 'running');
  }

  async shutdown(instanceId: string): Promise<void> {
    await this.faults.pass('shutdown');
    const domain = this.present(instanceId);
    if (domain.state === 'paused' || domain.state === 'paused-io') throw wrongState(domain, 'its guest cannot hear; resume it first, or destroy it');
    // libvirt, too, says "running" until the guest has powered off.
    if (domain.state === 'running') this.guests.askToPowerOff(domain);
  }

  async destroy(instanceId: string): Promise<void> {
    await this.faults.pass('destroy');
    const domain = this.present(instanceId);
    if (isActive(domain)) this.move(domain, 'off');
  }

  async save(instanceId: string): Promise<void> {
    await this.faults.pass('save');
    this.ram.save(this.present(instanceId));
  }

  async savedRam(instanceId: string): Promise<string> {
    await this.faults.pass('savedRam');
    return this.ram.file(this.present(instanceId));
  }

  async adoptRam({ instanceId }: DomainSpec, file: string): Promise<void> {
    await this.faults.pass('adoptRam');
    this.ram.adopt(this.present(instanceId), file);
  }

  async pause(instanceId: string): Promise<void> {
    await this.faults.pass('pause');
    const domain = this.present(instanceId);
    if (domain.state === 'paused' || domain.state === 'paused-io') return;
    if (domain.state !== 'running') throw wrongState(domain, 'only a running guest can be paused');
    this.move(domain, 'paused');
  }

  async resume(instanceId: string): Promise<void> {
    await this.faults.pass('resume');
    const domain = this.present(instanceId);
    if (domain.state === 'running') return;
    if (!isActive(domain)) throw wrongState(domain, 'start it instead');
    this.move(domain, 'running');
  }

  /** It logs nothing. */
  forgetLogs(): Promise<void> {
    return Promise.resolve();
  }

  async undefine(instanceId: string): Promise<void> {
    await this.faults.pass('undefine');
    const domain = this.look(instanceId);
    if (domain === null) return;
    if (isActive(domain)) throw wrongState(domain, 'destroy it first');
    this.ram.forget(instanceId);
    this.host.removeDomain(instanceId);
    this.changed(instanceId);
  }

  async switchDisks(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    await this.faults.pass('switchDisks');
    return switches.map(({ instanceId, layer }): SwitchedDisk => {
      try {
        this.disks.switchTo(this.present(instanceId), layer);
        return { instanceId, ok: true, quiesced: false };
      } catch (error) {
        if (!(error instanceof HypervisorError)) throw error;
        return { instanceId, ok: false, error };
      }
    });
  }

  async mergeLayers(instanceId: string, base: string, over: readonly string[]): Promise<void> {
    await this.faults.pass('mergeLayers');
    this.disks.merge(this.present(instanceId), base, over);
  }

  async diskChain(instanceId: string): Promise<readonly string[]> {
    await this.faults.pass('diskChain');
    return this.look(instanceId)?.disk ?? [];
  }

  async redirectDisk(instanceId: string, chain: DiskChain): Promise<void> {
    await this.faults.pass('redirectDisk');
    this.disks.redirect(this.present(instanceId), chain);
  }

  async stats(instanceId: string): Promise<DomainStats> {
    await this.faults.pass('stats');
    const domain = this.present(instanceId);
    if (!isActive(domain)) throw wrongState(domain, 'only a running guest has figures');
    return {
      cpuTimeNs: 1_000_000 + Math.floor(this.options.clock.monotonicMs()) * 1_000,
      cpuDelayNs: 0,
      ramKiB: domain.ramMiB * 1024,
      diskReadBytes: 0,
      diskWrittenBytes: 0,
      netReceivedBytes: 0,
      netSentBytes: 0,
    };
  }

  /** Its guests are idle. */
  async processorTimes(): Promise<ReadonlyMap<string, ProcessorTimes>> {
    await this.faults.pass('processorTimes');
    const ranNs = Math.floor(this.options.clock.monotonicMs()) * 1_000;
    return new Map(this.host.current.domains.filter((domain) => isActive(domain)).map(({ instanceId, vcpus }) => [instanceId, { vcpus, ranNs, delayedNs: 0, waitedNs: 0 }]));
  }

  async screenshot(instanceId: string): Promise<Buffer> {
    await this.faults.pass('screenshot');
    const domain = this.present(instanceId);
    if (!isActive(domain)) throw wrongState(domain, 'only a running guest has a screen');
    return screen;
  }

  async connectConsole(instanceId: string, kind: ConsoleKind): Promise<Duplex> {
    await this.faults.pass('connectConsole');
    const domain = this.present(instanceId);
    if (!isActive(domain)) throw wrongState(domain, 'only a running guest has consoles');
    return this.consoles.connect(instanceId, domain.name, kind);
  }

  onEvent(listener: (event: DomainEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async ensureNetwork(network: SiteNetwork): Promise<void> {
    await this.faults.pass('ensureNetwork');
    this.network.ensure(network);
  }

  async reserveAddress(reservation: AddressReservation): Promise<void> {
    await this.faults.pass('reserveAddress');
    this.network.reserve(reservation);
  }

  async releaseAddress(mac: string): Promise<void> {
    await this.faults.pass('releaseAddress');
    this.network.release(mac);
  }

  async reservations(): Promise<readonly AddressReservation[]> {
    await this.faults.pass('reservations');
    return this.network.reservations();
  }

  async leasedMacs(): Promise<ReadonlySet<string>> {
    await this.faults.pass('leasedMacs');
    return this.network.leasedMacs();
  }

  /** The guest powers itself off. */
  guestPowersOff(instanceId: string): void {
    this.move(this.present(instanceId), 'off');
  }

  /** The guest ignores requests to power off. */
  guestIgnoresShutdown(instanceId: string): void {
    this.guests.ignoreShutdown(instanceId);
  }

  /** A disk error pauses the guest. */
  diskFails(instanceId: string): void {
    const domain = this.present(instanceId);
    this.host.putDomain({ ...domain, state: 'paused-io' });
    this.tell({ instanceId, what: 'io-error' });
  }

  /** Somebody destroys the site's network behind the agent's back; its definition stays. */
  networkGoesDown(): void {
    this.network.goDown();
  }

  /** The present save of the domain cannot be read back. */
  damageSave(instanceId: string): void {
    this.ram.damage(instanceId);
  }

  /** Somebody undefines the domain behind the agent's back. */
  vanishes(instanceId: string): void {
    this.host.removeDomain(instanceId);
    this.changed(instanceId);
  }

  private move(domain: SimulatedDomain, state: DomainState): void {
    this.host.putDomain({ ...domain, state });
    this.changed(domain.instanceId);
  }

  private changed(instanceId: string): void {
    const domain = this.host.domain(instanceId);
    if (domain === undefined || !isActive(domain)) this.consoles.end(instanceId);
    this.tell({ instanceId, what: 'lifecycle' });
  }

  private tell(event: DomainEvent): void {
    if (!this.isOpen) return;
    // Never from within the call that caused it, as with a real hypervisor.
    queueMicrotask(() => {
      for (const listener of this.listeners) listener(event);
    });
  }

  private look(instanceId: string): SimulatedDomain | null {
    if (this.host.current.foreign.some((each) => each.uuid === instanceId)) throw foreign(instanceId);
    const domain = this.host.domain(instanceId);
    if (domain === undefined) return null;
    if (!this.isOurs(domain)) throw foreign(instanceId);
    return domain;
  }

  private present(instanceId: string): SimulatedDomain {
    const domain = this.look(instanceId);
    if (domain === null) throw new HypervisorError('unknown-domain', `simulated: there is no domain ${instanceId}`);
    return domain;
  }

  private isOurs(domain: SimulatedDomain): boolean {
    return domain.slaveId === this.options.slaveId;
  }
}

function owned({ instanceId, generation, name, state }: SimulatedDomain): OwnedDomain {
  return { instanceId, generation, name, state };
}

function foreign(uuid: string): HypervisorError {
  return new HypervisorError('foreign', `simulated: domain ${uuid} bears no mark of this host; it is not touched`);
}
