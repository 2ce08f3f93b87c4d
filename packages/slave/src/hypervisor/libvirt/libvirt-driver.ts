import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import {
  type AddressReservation,
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
  type SwitchedDisk,
} from '../driver';
import { DiskStoreError } from '../../disks/disk-store';
import { destroyCallMs, ramCallMs } from '../call-limits';
import { asPng } from '../png';
import { ArrivedRam } from './arrived-ram';
import type { DomainFacts } from './domain-facts';
import { DomainLooks } from './domain-looks';
import { domainName, domainXml, markOf } from './domain-xml';
import { EventStream } from './event-stream';
import { defaultCpuModel, type GuestBaseline, ownMachine } from './guest-baseline';
import { GuestDisks } from './guest-disks';
import { HalfSaves } from './half-save';
import { bareMarkElement, type InstanceMark, markKey, markNamespace } from './instance-mark';
import { QemuLogs } from './qemu-logs';
import { checkMovableRam, checkOwnRam } from './own-ram';
import { checkSaveRoom } from './save-room';
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
  /** Where libvirtd keeps managed saves: looked at for room before a save, and to make it durable; `HalfSaves` keeps its notes there, `ArrivedRam` what it is given. */
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
  private readonly savesDirectory: string;
  private readonly halfSaves: HalfSaves;
  private readonly arrived: ArrivedRam;
  private readonly qemuLogs: QemuLogs;
  private readonly looks: DomainLooks;
  private baseline: GuestBaseline | null = null;

  constructor(private readonly options: LibvirtDriverOptions) {
    this.virsh = new Virsh({ ...virshDefaults, ...options.virsh });
    this.disks = new GuestDisks(this.virsh, options.clock);
    this.savesDirectory = options.savesDirectory ?? '/var/lib/libvirt/qemu/save';
    this.halfSaves = new HalfSaves(this.savesDirectory);
    this.arrived = new ArrivedRam(this.savesDirectory);
    this.looks = new DomainLooks(this.virsh, this.arrived);
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
    if (!(await this.hasHalfSave(facts))) return owned(facts, mark);
    // It makes a guest that is off look saved, and its next start fail. One that cannot be removed is looked at again.
    await this.virsh.run(['managedsave-remove', '--domain', instanceId]).then(
      () => this.halfSaves.ended(facts.name),
      () => undefined,
    );
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
    if (facts === null) await this.arrived.forget(domainName(spec.name));
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
        await this.letGoOn(facts);
        return;
      case 'shutting-down':
        throw wrongState(facts, 'start it again when it is off');
      case 'saved':
        await (facts.hasSave ? this.restore(facts, mark) : this.restoreArrived(facts));
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
    const facts = await this.present(instanceId);
    if (facts.state === 'saved') return;
    if (!isActive(facts) || facts.state === 'shutting-down') throw wrongState(facts, 'only a running guest has RAM to save');
    requireAllRam(facts);
    await this.halfSaves.begin(facts.name);
    // What was put aside earlier is gone by now, so its room counts; without room nothing is begun.
    await checkSaveRoom(this.savesDirectory, facts.name, facts.ramMiB).catch(async (error: unknown) => {
      await this.halfSaves.ended(facts.name);
      throw error;
    });
    // --running: a guest saved while paused goes on when it is restored.
    await this.virsh.run(['managedsave', '--domain', instanceId, '--running'], ramCallMs);
    await this.makeDurable(facts.name);
    await this.arrived.forget(facts.name);
    await this.halfSaves.ended(facts.name);
  }

  async savedRam(instanceId: string): Promise<string> {
    const facts = await this.present(instanceId);
    if (facts.state !== 'saved') throw wrongState(facts, 'only of one that is saved its RAM is kept in a file');
    const file = facts.hasSave ? this.managedSave(facts.name) : this.arrived.path(facts.name);
    await checkMovableRam(this.virsh, file, this.opened());
    return file;
  }

  async adoptRam({ instanceId }: DomainSpec, file: string): Promise<void> {
    const facts = await this.present(instanceId);
    if (facts.state === 'saved') return;
    if (facts.state !== 'off') throw wrongState(facts, 'only one that is off can be given RAM');
    await checkOwnRam(this.virsh, instanceId, file);
    await checkSaveRoom(this.savesDirectory, facts.name, facts.ramMiB);
    await this.arrived.keep(facts.name, file).catch((error: unknown) => {
      throw new HypervisorError(error instanceof DiskStoreError && error.code === 'no-room' ? 'no-room' : 'failed', (error as Error).message, { cause: error });
    });
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
    await this.letGoOn(facts);
  }

  async undefine(instanceId: string): Promise<void> {
    const facts = await this.looks.one(instanceId);
    if (facts === null) return;
    this.ours(facts);
    if (isActive(facts)) throw wrongState(facts, 'destroy it first');
    // What is kept under its name goes first: without the definition nobody would know of it any more.
    await this.halfSaves.forget(facts.name);
    await this.arrived.forget(facts.name);
    await this.qemuLogs.forget(facts.name);
    await this.virsh.run(['undefine', '--domain', instanceId, '--managed-save', '--nvram', '--snapshots-metadata', '--checkpoints-metadata']);
    this.looks.idsByName.delete(facts.name);
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

  /**
   * `virsh start` boots afresh when it finds the save half written, and says so only in libvirtd's log;
   * `managedsave-dumpxml` reads the same header and refuses. What is damaged further inside makes
   * QEMU fail, and libvirt then keeps the save.
   */
  private async restore({ uuid: instanceId, name }: DomainFacts, mark: InstanceMark): Promise<void> {
    // Of a guest that was saved before it went on with it; libvirt lets it go in the same call.
    await this.arrived.forget(name);
    try {
      await this.virsh.run(['managedsave-dumpxml', '--domain', instanceId]);
      await this.virsh.run(['start', '--domain', instanceId], ramCallMs);
    } catch (error) {
      if (!(error instanceof HypervisorError) || error.code !== 'save-unusable') throw error;
      throw new HypervisorError('save-unusable', `The saved RAM of ${instanceId} cannot be read back (${error.message}). To boot from its disk without it: virsh managedsave-remove ${instanceId}`, { cause: error });
    }
    // The save carries the mark of its day.
    await this.setMark(mark, true);
  }

  /**
   * Restores what `adoptRam` kept, as the domain is defined now: libvirt compares the two and refuses what does not fit. It is paused until the file is
   * gone, so whatever dies in between, either the file is there and nothing was written on the disk, or the guest has its RAM.
   */
  private async restoreArrived(facts: DomainFacts): Promise<void> {
    const { uuid, name } = facts;
    const file = this.arrived.path(name);
    const defined = await this.virsh.run(['dumpxml', '--domain', uuid, '--inactive', '--security-info']);
    await this.virsh.runWithFile(['restore', '--file', file, '--paused', '--xml'], defined, ramCallMs).catch((error: unknown) => {
      if (!(error instanceof HypervisorError) || error.code !== 'save-unusable') throw error;
      throw new HypervisorError('save-unusable', `The RAM that ${uuid} was given cannot be read back (${error.message}). Suspend the instance and move it, and another slave tries; or stop it to boot from its disk without the RAM.`, { cause: error });
    });
    await this.arrived.forget(name);
    await this.virsh.run(['resume', '--domain', uuid]);
  }

  /** Continues one that is paused; it may be that because it was restored and nobody came to continue it. */
  private async letGoOn(facts: DomainFacts): Promise<void> {
    requireAllRam(facts);
    await this.arrived.forget(facts.name);
    await this.virsh.run(['resume', '--domain', facts.uuid]);
  }

  /** A managed save that libvirt tells of and that is nobody's RAM: of a guest that goes on with its own, or one that never was complete. */
  private async hasHalfSave({ uuid, name, state, staleSave }: DomainFacts): Promise<boolean> {
    if (state === 'saved') return this.halfSaves.putAside(name);
    if (staleSave !== 'unless-saving') return staleSave === 'yes';
    // A save that is being made is a job; libvirt would remove its file under it.
    const job = await this.virsh.run(['domjobinfo', '--domain', uuid]).catch(() => '');
    return /^Job type:\s+None\s*$/m.test(job);
  }

  private async setMark(mark: InstanceMark, live: boolean): Promise<void> {
    const xml = writeXml(bareMarkElement(mark)).trim();
    await this.virsh.run(['metadata', '--domain', mark.instanceId, '--uri', markNamespace, '--key', markKey, '--set', xml, '--config', ...(live ? ['--live'] : [])]);
  }

  /** libvirtd syncs the RAM but not the header it completes last, without which the save counts as half written. */
  private async makeDurable(name: string): Promise<void> {
    const directory = this.savesDirectory;
    for (const path of [this.managedSave(name), directory]) {
      const file = await open(path, 'r').catch((cause: unknown) => {
        throw new HypervisorError('failed', `${path} cannot be opened to make the save durable; set savesDirectory to where libvirtd keeps managed saves`, { cause });
      });
      await file.sync().finally(() => file.close());
    }
  }

  private managedSave(name: string): string {
    return join(this.savesDirectory, `${name}.save`);
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

  /** Of one that runs, the RAM it was given is of no use any more: somebody let it go past us. */
  private async looked(instanceId: string): Promise<DomainFacts | null> {
    const facts = await this.looks.one(instanceId);
    if (facts !== null && facts.hasArrivedRam && isActive(facts) && facts.state !== 'paused' && facts.state !== 'migrating' && this.isOurs(facts)) await this.arrived.forget(facts.name);
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

function isActive({ state }: DomainFacts): boolean {
  return state === 'running' || state === 'paused' || state === 'migrating' || state === 'paused-io' || state === 'shutting-down';
}

/** libvirt calls it so until all of its RAM is read; let go on before, or saved, it would be a guest without its memory. */
function requireAllRam({ name, hasArrivedRam, stateWords }: DomainFacts): void {
  if (hasArrivedRam && stateWords.includes('starting up')) throw new HypervisorError('timeout', `the RAM of domain "${name}" is still being read back`);
}

function foreign({ name, uuid }: DomainFacts): HypervisorError {
  return new HypervisorError('foreign', `domain "${name}" (${uuid}) bears no mark of this slave; it is not touched`);
}

function unknownDomain(instanceId: string): HypervisorError {
  return new HypervisorError('unknown-domain', `libvirt has no domain ${instanceId}`);
}

function wrongState(facts: DomainFacts, wayOut: string): HypervisorError {
  return new HypervisorError('wrong-state', `domain "${facts.name}" is ${facts.stateWords}; ${wayOut}`);
}
