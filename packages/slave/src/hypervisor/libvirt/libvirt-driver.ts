import { readFile, rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import {
  type AddressReservation,
  type ConsoleKind,
  type DiskChain,
  type DiskSwitch,
  type DomainEvent,
  type DomainInventory,
  type DomainSpec,
  type DomainStats,
  HypervisorError,
  type HypervisorDriver,
  type HypervisorVersion,
  type OwnedDomain,
  type ProcessorTimes,
  type SwitchedDisk,
} from '../driver';
import { destroyCallMs, ramCallMs } from '../call-limits';
import { asPng } from '../png';
import { ArrivedRam } from './arrived-ram';
import { type DomainFacts, isActive, wrongState } from './domain-facts';
import { DomainLooks } from './domain-looks';
import { domainName, domainXml, markOf } from './domain-xml';
import { EventStream } from './event-stream';
import { defaultCpuModel, type GuestBaseline, ownMachine } from './guest-baseline';
import { connectGuestConsole } from './guest-console';
import { GuestDisks } from './guest-disks';
import { bareMarkElement, type InstanceMark, markKey, markNamespace } from './instance-mark';
import { parseProcessorTimes } from './processor-reports';
import { QemuLogs } from './qemu-logs';
import { SavedRam } from './saved-ram';
import { LibvirtSiteNetwork } from './site-network';
import { Virsh, virshDefaults, type VirshOptions } from './virsh';
import { parseStats } from './virsh-reports';
import { writeXml } from './xml';

export interface LibvirtDriverOptions {
  readonly type: 'kvm' | 'qemu';
  /** This slave's id: domains marked with another one are foreign. */
  readonly slaveId: string;
  readonly clock: Clock;
  /** Pins the pool's versioned machine type; by default what this QEMU's `q35` stands for. */
  readonly machine?: string;
  /** Pins the pool's CPU model; by default `defaultCpuModel`. */
  readonly cpu?: string;
  readonly virsh?: Partial<VirshOptions>;
  /** Where libvirtd keeps managed saves: `SavedRam` keeps what is its own beside them. */
  readonly savesDirectory?: string;
  /** Where libvirtd keeps a log of each domain's QEMU. */
  readonly logsDirectory?: string;
}

/** The hypervisor driver over libvirt's `virsh`. See `HypervisorDriver` for what each call promises. */
export class LibvirtDriver implements HypervisorDriver {
  private readonly virsh: Virsh;
  private readonly network: LibvirtSiteNetwork;
  private readonly disks: GuestDisks;
  private readonly stream: EventStream;
  private readonly ram: SavedRam;
  private readonly qemuLogs: QemuLogs;
  private readonly looks: DomainLooks;
  private baseline: GuestBaseline | null = null;

  constructor(private readonly options: LibvirtDriverOptions) {
    this.virsh = new Virsh({ ...virshDefaults, ...options.virsh });
    this.disks = new GuestDisks(this.virsh, options.clock);
    const directory = options.savesDirectory ?? '/var/lib/libvirt/qemu/save';
    const arrived = new ArrivedRam(directory);
    this.ram = new SavedRam({ virsh: this.virsh, directory, arrived, baseline: () => this.opened() });
    this.looks = new DomainLooks(this.virsh, arrived);
    this.qemuLogs = new QemuLogs(options.logsDirectory ?? '/var/log/libvirt/qemu');
    this.network = new LibvirtSiteNetwork(this.virsh, options.clock, (name) => this.usersOfNetwork(name));
    this.stream = new EventStream(this.virsh, options.clock, this.looks.idsByName);
  }

  async open(): Promise<void> {
    const { type, cpu = defaultCpuModel[type] } = this.options;
    const machine = this.options.machine ?? (await ownMachine(this.virsh, type));
    this.baseline = { type, machine, cpu };
    this.stream.open();
  }

  close(): Promise<void> {
    this.stream.close();
    return Promise.resolve();
  }

  async version(): Promise<HypervisorVersion> {
    const words = await this.virsh.run(['version']);
    const { type, machine, cpu } = this.opened();
    return {
      kind: type,
      libvirt: /Using library: libvirt (\S+)/.exec(words)?.[1] ?? null,
      qemu: /Running hypervisor: QEMU (\S+)/.exec(words)?.[1] ?? null,
      machine,
      cpu,
    };
  }

  async inventory(): Promise<DomainInventory> {
    const all = await this.looks.all();
    return {
      owned: all.flatMap((facts) => (this.isOurs(facts) ? [owned(facts, facts.mark)] : [])),
      foreign: all.filter((facts) => !this.isOurs(facts)).map((facts) => ({ name: facts.name.slice(0, 255), uuid: facts.uuid, state: facts.stateWords.slice(0, 40) })),
    };
  }

  async find(instanceId: string): Promise<OwnedDomain | null> {
    const facts = await this.looked(instanceId);
    if (facts === null) return null;
    const { mark } = this.ours(facts);
    if (!(await this.ram.removeHalfSave(facts))) return owned(facts, mark);
    const after = await this.looks.one(instanceId);
    return after === null ? null : owned(after, this.ours(after).mark);
  }

  async define(spec: DomainSpec): Promise<void> {
    const site = { slaveId: this.options.slaveId, network: this.network.name, baseline: this.opened() };
    const xml = domainXml(spec, site);
    const wanted = markOf(spec, site);
    const facts = await this.looks.one(spec.instanceId);
    if (facts !== null) {
      const { mark } = this.ours(facts);
      const isOff = facts.state === 'off' || facts.state === 'crashed';
      if (isOff ? mark.definition === wanted.definition && mark.generation === wanted.generation : mark.generation === wanted.generation) return;
      // RAM, running or saved, belongs to the devices it was made with: only the mark follows.
      if (!isOff || mark.definition === wanted.definition) {
        await this.setMark({ ...mark, generation: wanted.generation }, isActive(facts));
        return;
      }
    }
    // What lay there was of a domain that somebody undefined past us.
    if (facts === null) await this.ram.forgetGiven(domainName(spec.name));
    await this.virsh.runWithFile(['define', '--file'], xml);
    this.looks.idsByName.set(`pv-${spec.name}`, spec.instanceId);
  }

  async start(instanceId: string): Promise<void> {
    // The leases come with the same process as the facts: a start adds two virsh calls to libvirt's own work, not three.
    const { facts, rest } = await this.looks.also(instanceId, this.network.leasesCommand());
    if (facts === null) throw unknownDomain(instanceId);
    const { mark } = this.ours(facts);
    switch (facts.state) {
      case 'running':
        return;
      case 'paused':
      case 'migrating':
      case 'paused-io':
        await this.ram.letGoOn(facts);
        return;
      case 'shutting-down':
        throw wrongState(facts, 'start it again when it is off');
      case 'saved':
        await this.ram.restore(facts);
        // The save carries the mark of its day.
        if (facts.hasSave) await this.setMark(mark, true);
        return;
      case 'off':
      case 'crashed':
        if (facts.mac !== null && rest.includes(facts.mac)) await this.network.forgetLease(facts.mac);
        await this.virsh.run(['start', '--domain', instanceId], ramCallMs);
    }
  }

  async shutdown(instanceId: string): Promise<void> {
    const facts = await this.present(instanceId);
    if (facts.state === 'paused' || facts.state === 'paused-io') throw wrongState(facts, 'its guest cannot hear; resume it first, or destroy it');
    if (facts.state === 'running') await this.virsh.run(['shutdown', '--domain', instanceId, '--mode', 'acpi']);
  }

  async destroy(instanceId: string): Promise<void> {
    const facts = await this.present(instanceId);
    if (isActive(facts)) await this.untilOff(instanceId, () => this.virsh.run(['destroy', '--domain', instanceId], destroyCallMs));
  }

  async save(instanceId: string): Promise<void> {
    await this.ram.save(await this.present(instanceId));
  }

  async savedRam(instanceId: string): Promise<string> {
    return this.ram.file(await this.present(instanceId));
  }

  async adoptRam({ instanceId }: DomainSpec, file: string): Promise<void> {
    await this.ram.adopt(await this.present(instanceId), file);
  }

  async pause(instanceId: string): Promise<void> {
    const facts = await this.present(instanceId);
    if (facts.state === 'paused' || facts.state === 'paused-io') return;
    if (facts.state !== 'running') throw wrongState(facts, 'only a running guest can be paused');
    await this.virsh.run(['suspend', '--domain', instanceId]);
  }

  async resume(instanceId: string): Promise<void> {
    const facts = await this.present(instanceId);
    if (facts.state === 'running') return;
    if (!isActive(facts)) throw wrongState(facts, 'start it instead');
    await this.ram.letGoOn(facts);
  }

  async undefine(instanceId: string): Promise<void> {
    const facts = await this.looks.one(instanceId);
    if (facts === null) return;
    this.ours(facts);
    if (isActive(facts)) throw wrongState(facts, 'destroy it first');
    // What is kept under its name goes first: without the definition nobody would know of it any more.
    await this.ram.forget(facts.name);
    await this.qemuLogs.forget(facts.name);
    await this.virsh.run(['undefine', '--domain', instanceId, '--managed-save', '--nvram', '--snapshots-metadata', '--checkpoints-metadata']);
    this.looks.idsByName.delete(facts.name);
  }

  async forgetLogs(instanceId: string, name: string): Promise<void> {
    const domain = domainName(name);
    // Of another instance that has the name by now it is not ours to remove.
    const owner = (await this.virsh.run(['domuuid', '--domain', domain]).catch(() => '')).trim();
    if (owner === '' || owner === instanceId) await this.qemuLogs.forget(domain);
  }

  async switchDisks(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    const looks = await this.looks.each(switches.map(({ instanceId }) => instanceId));
    const refusals = new Map<string, HypervisorError>();
    for (const { instanceId } of switches) {
      const error = this.whyNoSwitch(instanceId, looks.get(instanceId));
      if (error !== null) refusals.set(instanceId, error);
    }
    const switched = await this.disks.switchAll(switches.filter(({ instanceId }) => !refusals.has(instanceId)));
    return switches.map(({ instanceId }): SwitchedDisk => {
      const error = refusals.get(instanceId) ?? new HypervisorError('failed', `libvirt said nothing of ${instanceId}`);
      return switched.find((each) => each.instanceId === instanceId) ?? { instanceId, ok: false, error };
    });
  }

  async mergeLayers(instanceId: string, base: string, over: readonly string[]): Promise<void> {
    const facts = await this.present(instanceId);
    if (!isActive(facts)) throw wrongState(facts, 'its layers are merged when it runs');
    await this.disks.merge(instanceId, base, over);
  }

  async diskChain(instanceId: string): Promise<readonly string[]> {
    const facts = await this.looks.one(instanceId);
    if (facts === null) return [];
    this.ours(facts);
    return this.disks.chain(instanceId);
  }

  async redirectDisk(instanceId: string, chain: DiskChain): Promise<void> {
    const facts = await this.present(instanceId);
    if (isActive(facts)) throw wrongState(facts, 'only one that is off can go on with other files');
    await this.disks.redirect(instanceId, chain, facts.hasSave);
  }

  async stats(instanceId: string): Promise<DomainStats> {
    const facts = await this.present(instanceId);
    if (!isActive(facts)) throw wrongState(facts, 'only a running guest has figures');
    return parseStats(await this.virsh.run(['domstats', '--cpu-total', '--vcpu', '--balloon', '--block', '--interface', instanceId]));
  }

  async processorTimes(): Promise<ReadonlyMap<string, ProcessorTimes>> {
    // `--nowait`: a guest whose monitor is busy, with a save for example, keeps nobody waiting.
    const named = parseProcessorTimes(await this.virsh.run(['domstats', '--nowait', '--vcpu', '--list-running']));
    return new Map([...named].flatMap(([name, times]) => {
      const instanceId = this.looks.idsByName.get(name);
      return instanceId === undefined ? [] : [[instanceId, times] as const];
    }));
  }

  async screenshot(instanceId: string): Promise<Buffer> {
    const facts = await this.present(instanceId);
    if (!isActive(facts)) throw wrongState(facts, 'only a running guest has a screen');
    const file = this.virsh.temporaryFile('image');
    try {
      await this.virsh.run(['screenshot', '--domain', instanceId, '--file', file]);
      return asPng(await readFile(file));
    } finally {
      await rm(file, { force: true });
    }
  }

  async connectConsole(instanceId: string, kind: ConsoleKind): Promise<Duplex> {
    const facts = await this.present(instanceId);
    if (!isActive(facts)) throw wrongState(facts, 'only a running guest has consoles');
    return connectGuestConsole(this.virsh, instanceId, kind);
  }

  onEvent(listener: (event: DomainEvent) => void): () => void {
    return this.stream.listen(listener);
  }

  ensureNetwork(network: SiteNetwork): Promise<void> {
    return this.network.ensure(network);
  }

  reserveAddress(reservation: AddressReservation): Promise<void> {
    return this.network.reserve(reservation);
  }

  releaseAddress(mac: string): Promise<void> {
    return this.network.release(mac);
  }

  reservations(): Promise<readonly AddressReservation[]> {
    return this.network.reservations();
  }

  async leasedMacs(): Promise<ReadonlySet<string>> {
    return new Set((await this.network.leases()).map((lease) => lease.mac));
  }

  private async setMark(mark: InstanceMark, live: boolean): Promise<void> {
    const xml = writeXml(bareMarkElement(mark)).trim();
    await this.virsh.run(['metadata', '--domain', mark.instanceId, '--uri', markNamespace, '--key', markKey, '--set', xml, '--config', ...(live ? ['--live'] : [])]);
  }

  /** Runs an ending of a guest; that it ended by itself meanwhile is what was wanted. */
  private async untilOff(instanceId: string, end: () => Promise<unknown>): Promise<void> {
    try {
      await end();
    } catch (error) {
      const facts = error instanceof HypervisorError && error.code === 'wrong-state' ? await this.looks.one(instanceId) : null;
      if (facts === null || isActive(facts)) throw error;
    }
  }

  private whyNoSwitch(instanceId: string, facts: DomainFacts | undefined): HypervisorError | null {
    if (facts === undefined) return unknownDomain(instanceId);
    if (!this.isOurs(facts)) return foreign(facts);
    return isActive(facts) ? null : wrongState(facts, 'nobody writes its disk');
  }

  private async usersOfNetwork(name: string): Promise<readonly string[]> {
    return (await this.looks.all()).filter((facts) => facts.networks.includes(name)).map((facts) => facts.name);
  }

  private async looked(instanceId: string): Promise<DomainFacts | null> {
    const facts = await this.looks.one(instanceId);
    if (facts !== null && this.isOurs(facts)) await this.ram.forgetLeftBehind(facts);
    return facts;
  }

  private async present(instanceId: string): Promise<DomainFacts & { readonly mark: InstanceMark }> {
    const facts = await this.looked(instanceId);
    if (facts === null) throw unknownDomain(instanceId);
    return this.ours(facts);
  }

  private ours(facts: DomainFacts): DomainFacts & { readonly mark: InstanceMark } {
    if (!this.isOurs(facts)) throw foreign(facts);
    return facts;
  }

  private isOurs(facts: DomainFacts): facts is DomainFacts & { readonly mark: InstanceMark } {
    return facts.mark !== null && facts.mark.slaveId === this.options.slaveId && facts.mark.instanceId === facts.uuid;
  }

  private opened(): GuestBaseline {
    if (this.baseline === null) throw new HypervisorError('unavailable', 'the driver is not open');
    return this.baseline;
  }
}

function owned(facts: DomainFacts, mark: InstanceMark): OwnedDomain {
  return { instanceId: facts.uuid, generation: mark.generation, name: facts.name.replace(/^pv-/, ''), state: facts.state, ...(facts.stateWords.trim() === 'shut off (destroyed)' ? { destroyed: true } : {}) };
}

function foreign({ name, uuid }: DomainFacts): HypervisorError {
  return new HypervisorError('foreign', `domain "${name}" (${uuid}) bears no mark of this host; it is not touched`);
}

function unknownDomain(instanceId: string): HypervisorError {
  return new HypervisorError('unknown-domain', `libvirt has no domain ${instanceId}`);
}
