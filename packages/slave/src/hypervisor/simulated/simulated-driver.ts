import type { Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import {
  type AddressReservation,
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
  type SwitchedDisk,
} from '../driver';
import { encodePng } from '../png';
import { type DriverCall, Faults } from './faults';
import { type SimulatedDomain, SimulatedHost } from './simulated-host';

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

const simulatedRam = '/simulated/ram/';
/** Of a guest whose RAM came through the simulated pool: as often as this one it has booted elsewhere. */
const bootsElsewhere = 1000;
const screen = encodePng(16, 16, Buffer.alloc(16 * 16 * 3, 0x40));

/**
 * A hypervisor without guests, for tests of scale and of failure. `faults` and the methods after the
 * driver's own make things go wrong.
 */
export class SimulatedDriver implements HypervisorDriver {
  readonly faults: Faults;
  readonly host: SimulatedHost;
  private readonly listeners = new Set<(event: DomainEvent) => void>();
  private readonly deaf = new Set<string>();
  private readonly damaged = new Set<string>();
  private isOpen = false;
  private isNetworkDown = false;

  constructor(private readonly options: SimulatedDriverOptions) {
    this.faults = new Faults(options.clock, options.delaysMs);
    this.host = new SimulatedHost(options.stateFile ?? null);
  }

  async open(): Promise<void> {
    await this.faults.pass('open');
    this.isOpen = true;
    // Guests went on while the agent was away.
    for (const domain of this.host.current.domains) {
      if (domain.state === 'running' && !domain.booted) this.boot(domain);
      if (domain.state === 'shutting-down') this.powerOffLater(domain.instanceId);
    }
    this.tell({ instanceId: null, what: 'resync' });
  }

  close(): Promise<void> {
    this.isOpen = false;
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
    this.ensured();
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
    this.networkUp();
    if (domain.state === 'off' || domain.state === 'crashed') {
      const started: SimulatedDomain = { ...domain, state: 'running', booted: false, boots: domain.boots + 1 };
      this.host.putDomain(started);
      this.host.change(({ leases }) => ({ leases: leases.filter((mac) => mac !== domain.mac) }));
      this.boot(started);
    } else {
      if (domain.state === 'saved' && this.damaged.has(instanceId)) throw new HypervisorError('save-unusable', `simulated: the saved RAM of ${instanceId} cannot be read back`);
      this.host.putDomain({ ...domain, state: 'running' });
    }
    this.changed(instanceId);
  }

  async shutdown(instanceId: string): Promise<void> {
    await this.faults.pass('shutdown');
    const domain = this.present(instanceId);
    if (domain.state === 'paused' || domain.state === 'paused-io') throw wrongState(domain, 'its guest cannot hear; resume it first, or destroy it');
    // libvirt, too, says "running" until the guest has powered off.
    if (domain.state === 'running' && !this.deaf.has(instanceId)) this.powerOffLater(instanceId);
  }

  async destroy(instanceId: string): Promise<void> {
    await this.faults.pass('destroy');
    const domain = this.present(instanceId);
    if (isActive(domain.state)) this.move(domain, 'off');
  }

  async save(instanceId: string): Promise<void> {
    await this.faults.pass('save');
    const domain = this.present(instanceId);
    if (domain.state === 'saved') return;
    if (!isActive(domain.state) || domain.state === 'shutting-down') throw wrongState(domain, 'only a running guest has RAM to save');
    this.move(domain, 'saved');
  }

  async savedRam(instanceId: string): Promise<string> {
    await this.faults.pass('savedRam');
    const domain = this.present(instanceId);
    if (domain.state !== 'saved') throw wrongState(domain, 'only of one that is saved its RAM is kept in a file');
    return `${simulatedRam}${instanceId}/${domain.boots}`;
  }

  /** There is nothing in a file of the simulation: its name tells whose RAM it is, and one of the simulated pool is believed. */
  async adoptRam({ instanceId }: DomainSpec, file: string): Promise<void> {
    await this.faults.pass('adoptRam');
    const domain = this.present(instanceId);
    if (domain.state === 'saved') return;
    if (domain.state !== 'off') throw wrongState(domain, 'only one that is off can be given RAM');
    const [owner, boots] = file.startsWith(simulatedRam) ? file.slice(simulatedRam.length).split('/') : file.startsWith('/simulated/images/') ? [instanceId, bootsElsewhere] : [];
    if (owner !== instanceId) throw new HypervisorError('save-unusable', `simulated: ${file} is no RAM of ${instanceId}`);
    this.host.putDomain({ ...domain, state: 'saved', booted: true, boots: Number(boots) });
    this.changed(instanceId);
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
    if (!isActive(domain.state)) throw wrongState(domain, 'start it instead');
    this.move(domain, 'running');
  }

  async undefine(instanceId: string): Promise<void> {
    await this.faults.pass('undefine');
    const domain = this.look(instanceId);
    if (domain === null) return;
    if (isActive(domain.state)) throw wrongState(domain, 'destroy it first');
    this.damaged.delete(instanceId);
    this.host.removeDomain(instanceId);
    this.changed(instanceId);
  }

  async switchDisks(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    await this.faults.pass('switchDisks');
    return switches.map(({ instanceId, layer }): SwitchedDisk => {
      try {
        const domain = this.present(instanceId);
        if (!isActive(domain.state)) throw wrongState(domain, 'nobody writes its disk');
        if (domain.disk[0] !== layer) this.host.putDomain({ ...domain, disk: [layer, ...domain.disk] });
        return { instanceId, ok: true, quiesced: false };
      } catch (error) {
        if (!(error instanceof HypervisorError)) throw error;
        return { instanceId, ok: false, error };
      }
    });
  }

  async mergeLayers(instanceId: string, base: string, over: readonly string[]): Promise<void> {
    await this.faults.pass('mergeLayers');
    const domain = this.present(instanceId);
    if (!isActive(domain.state)) throw wrongState(domain, 'its layers are merged when it runs');
    const top = over.at(-1) ?? base;
    const [from, to] = [domain.disk.indexOf(top), domain.disk.indexOf(base)];
    if (top === base) return;
    if (from === 0 || (from > 0 && to <= from)) throw wrongState(domain, `${top} cannot be merged into ${base}`);
    const disk = from < 0 ? domain.disk : domain.disk.filter((_, index) => index < from || index >= to);
    if (over.some((layer) => disk.includes(layer))) throw wrongState(domain, `its disk is ${disk.join(' over ')}`);
    this.host.putDomain({ ...domain, disk });
  }

  async diskChain(instanceId: string): Promise<readonly string[]> {
    await this.faults.pass('diskChain');
    return this.look(instanceId)?.disk ?? [];
  }

  async redirectDisk(instanceId: string, chain: DiskChain): Promise<void> {
    await this.faults.pass('redirectDisk');
    const domain = this.present(instanceId);
    if (isActive(domain.state)) throw wrongState(domain, 'only one that is off can go on with other files');
    this.host.putDomain({ ...domain, disk: filesOfChain(chain) });
  }

  async stats(instanceId: string): Promise<DomainStats> {
    await this.faults.pass('stats');
    const domain = this.present(instanceId);
    if (!isActive(domain.state)) throw wrongState(domain, 'only a running guest has figures');
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

  async screenshot(instanceId: string): Promise<Buffer> {
    await this.faults.pass('screenshot');
    const domain = this.present(instanceId);
    if (!isActive(domain.state)) throw wrongState(domain, 'only a running guest has a screen');
    return screen;
  }

  onEvent(listener: (event: DomainEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async ensureNetwork(network: SiteNetwork): Promise<void> {
    await this.faults.pass('ensureNetwork');
    this.host.change(() => ({ network }));
    this.isNetworkDown = false;
  }

  async reserveAddress(reservation: AddressReservation): Promise<void> {
    await this.faults.pass('reserveAddress');
    this.ensured();
    this.networkUp();
    const { mac, address, name } = reservation;
    const differs = (each: AddressReservation): boolean => each.mac !== mac && each.address !== address && each.name !== name;
    this.host.change(({ reservations }) => ({ reservations: [...reservations.filter(differs), { mac, address, name }] }));
    const waiting = this.host.current.domains.find((domain) => domain.mac === mac && domain.state === 'running' && domain.booted);
    if (waiting !== undefined) this.takeAddress(waiting);
  }

  async releaseAddress(mac: string): Promise<void> {
    await this.faults.pass('releaseAddress');
    this.ensured();
    this.networkUp();
    this.host.change(({ reservations, leases }) => ({
      reservations: reservations.filter((each) => each.mac !== mac),
      leases: leases.filter((each) => each !== mac),
    }));
  }

  async reservations(): Promise<readonly AddressReservation[]> {
    await this.faults.pass('reservations');
    this.ensured();
    return this.host.current.reservations;
  }

  async leasedMacs(): Promise<ReadonlySet<string>> {
    await this.faults.pass('leasedMacs');
    this.ensured();
    return new Set(this.host.current.leases);
  }

  /** The guest powers itself off. */
  guestPowersOff(instanceId: string): void {
    this.move(this.present(instanceId), 'off');
  }

  /** The guest ignores requests to power off. */
  guestIgnoresShutdown(instanceId: string): void {
    this.deaf.add(instanceId);
  }

  /** A disk error pauses the guest. */
  diskFails(instanceId: string): void {
    const domain = this.present(instanceId);
    this.host.putDomain({ ...domain, state: 'paused-io' });
    this.tell({ instanceId, what: 'io-error' });
  }

  /** Somebody destroys the site's network behind the agent's back; its definition stays. */
  networkGoesDown(): void {
    this.isNetworkDown = true;
  }

  /** The present save of the domain cannot be read back. */
  damageSave(instanceId: string): void {
    this.damaged.add(instanceId);
  }

  /** Somebody undefines the domain behind the agent's back. */
  vanishes(instanceId: string): void {
    this.host.removeDomain(instanceId);
    this.changed(instanceId);
  }

  private boot(domain: SimulatedDomain): void {
    this.options.clock.after(this.options.bootMs ?? 0, () => {
      const now = this.host.domain(domain.instanceId);
      if (now?.state !== 'running' || now.boots !== domain.boots || !this.isOpen) return;
      this.host.putDomain({ ...now, booted: true });
      this.takeAddress(now);
    });
  }

  /** A booted guest asks for its address again and again, so a reservation that comes late is found. */
  private takeAddress({ mac }: SimulatedDomain): void {
    const reserved = this.host.current.reservations.some((each) => each.mac === mac);
    if (reserved) this.host.change(({ leases }) => ({ leases: [...leases.filter((each) => each !== mac), mac] }));
  }

  private powerOffLater(instanceId: string): void {
    this.options.clock.after(this.options.shutdownMs ?? 0, () => {
      const now = this.host.domain(instanceId);
      if (this.isOpen && now !== undefined && isActive(now.state)) this.move(now, 'off');
    });
  }

  private move(domain: SimulatedDomain, state: DomainState): void {
    this.host.putDomain({ ...domain, state });
    this.changed(domain.instanceId);
  }

  private changed(instanceId: string): void {
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

  private networkUp(): void {
    if (this.isNetworkDown) throw new HypervisorError('network-down', `simulated: network '${this.host.current.network?.name ?? ''}' is not active`);
  }

  private ensured(): void {
    if (this.host.current.network === null) throw new HypervisorError('wrong-state', 'the site network is not known yet: call ensureNetwork first');
  }
}

function filesOfChain({ overlay, layers, backing }: DiskChain): string[] {
  return [overlay, ...layers, ...(backing.kind === 'file' ? [backing.path] : [])];
}

function owned({ instanceId, generation, name, state }: SimulatedDomain): OwnedDomain {
  return { instanceId, generation, name, state };
}

function isActive(state: DomainState): boolean {
  return state === 'running' || state === 'paused' || state === 'migrating' || state === 'paused-io' || state === 'shutting-down';
}

function foreign(uuid: string): HypervisorError {
  return new HypervisorError('foreign', `simulated: domain ${uuid} bears no mark of this slave; it is not touched`);
}

function wrongState(domain: SimulatedDomain, wayOut: string): HypervisorError {
  return new HypervisorError('wrong-state', `simulated: domain "pv-${domain.name}" is ${domain.state}; ${wayOut}`);
}
