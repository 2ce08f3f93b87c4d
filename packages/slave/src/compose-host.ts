import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import type { Logger } from 'pino';
import type { Config } from './config';
import { describeHost } from './describe/describe-host';
import { hypervisorVersions } from './describe/hypervisor-versions';
import { probeKvm, type KvmVerdict } from './describe/kvm-probe';
import { readQemuOwner } from './describe/qemu-account';
import { kvmCircumstances, rememberedKvm } from './describe/remembered-kvm';
import { LibvirtPart } from './describe/libvirt-part';
import { measureRelativeSpeed, processorMs, relativeSpeed } from './describe/relative-speed';
import type { DiskSnapshots } from './disks/disk-snapshots';
import type { DiskStore } from './disks/disk-store';
import type { HomeVolumes } from './disks/home-volumes';
import { MirrorClient } from './disks/mirror-client';
import { PoolDiskSnapshots } from './disks/pool-disk-snapshots';
import { PoolHomeVolumes } from './disks/pool-home-volumes';
import { PoolDiskStore } from './disks/pool-disk-store';
import type { HypervisorDriver } from './hypervisor/driver';
import type { GuestMigration } from './hypervisor/guest-migration';
import { LibvirtDriver } from './hypervisor/libvirt/libvirt-driver';
import { LibvirtMigration } from './hypervisor/libvirt/libvirt-migration';
import { SimulatedDiskSnapshots } from './hypervisor/simulated/simulated-disk-snapshots';
import { SimulatedDiskStore } from './hypervisor/simulated/simulated-disk-store';
import { SimulatedHomeVolumes } from './hypervisor/simulated/simulated-home-volumes';
import { SimulatedMigration } from './hypervisor/simulated/simulated-migration';
import { SimulatedDriver } from './hypervisor/simulated/simulated-driver';
import { HostPublicNetwork, type PublicNetwork } from './public/public-network';
import { SimulatedPublicNetwork } from './public/simulated-public-network';

/** The host behind the agent: real, or simulated when that was asked for. */
export interface Host {
  readonly driver: HypervisorDriver;
  readonly store: DiskStore;
  readonly snapshots: DiskSnapshots;
  readonly homes: HomeVolumes;
  readonly migration: GuestMigration;
  readonly publicNetwork: PublicNetwork;
  /** The process that brings images here; none under simulation. */
  readonly mirror: MirrorClient | null;
}

export async function composeHost(config: Config, clock: Clock, slaveId: string, kvm: KvmVerdict, { hostBootId, log }: { readonly hostBootId: string; readonly log: Logger }): Promise<Host> {
  if (config.driver === 'simulated') {
    const driver = new SimulatedDriver({ slaveId, clock, bootMs: 500, shutdownMs: 500, stateFile: join(config.stateDir, 'simulated-host.json') });
    return {
      driver,
      snapshots: new SimulatedDiskSnapshots({ clock, driver, directory: join(config.stateDir, 'simulated-snapshots') }),
      homes: new SimulatedHomeVolumes(join(config.stateDir, 'simulated-homes')),
      migration: new SimulatedMigration(),
      store: new SimulatedDiskStore({ clock, stateFile: join(config.stateDir, 'simulated-pool.json') }),
      publicNetwork: new SimulatedPublicNetwork(log),
      mirror: null,
    };
  }
  const isRoot = process.getuid?.() === 0;
  const mirror = new MirrorClient(config.poolDir);
  const driver = new LibvirtDriver({
    type: kvm.usable ? 'kvm' : 'qemu',
    slaveId,
    clock,
    virsh: { uri: config.libvirtUri },
    ...(config.machine === undefined ? {} : { machine: config.machine }),
    ...(config.cpu === undefined ? {} : { cpu: config.cpu }),
  });
  const pool = {
    directory: config.poolDir,
    mirror,
    reserveMiB: config.poolReserveMiB,
    clock,
    onFault: (error: unknown): void => log.warn({ err: error, pool: config.poolDir }, 'a fault in the pool; it goes on'),
  };
  const qemuOwner = isRoot ? await readQemuOwner() : null;
  return {
    driver,
    store: new PoolDiskStore({ ...pool, qemuOwner, hostBootId }),
    snapshots: new PoolDiskSnapshots({ ...pool, driver }),
    homes: new PoolHomeVolumes({ ...pool, driver }),
    migration: new LibvirtMigration({ virsh: { uri: config.libvirtUri }, ...(qemuOwner === null ? {} : { qemuUid: qemuOwner.uid }) }),
    publicNetwork: new HostPublicNetwork(),
    mirror,
  };
}

/** Whether KVM runs guests here, asked once per boot of the host; not asked under simulation. */
export async function kvmVerdict(config: Config): Promise<KvmVerdict> {
  if (config.driver === 'simulated') return { usable: false, why: 'simulated', mend: null };
  return rememberedKvm(join(config.stateDir, 'kvm.json'), await kvmCircumstances(), () => probeKvm());
}

/** Describes this host. `driver` tells the baseline its guests are pinned to; null before enrolment. */
export function describer(config: Config, clock: Clock, kvm: KvmVerdict, driver: HypervisorDriver | null): (clockOffsetMs: number | null) => Promise<Describe> {
  const libvirt = new LibvirtPart(clock, kvm, { versions: (deadlineMs) => hypervisorVersions(config.libvirtUri, deadlineMs), baseline: () => driver?.version() ?? Promise.resolve(null) });
  const hypervisor = async (): Promise<Describe['hypervisor']> => {
    if (config.driver === 'simulated') {
      return { kind: 'simulated', usable: true, why: 'the simulated driver was asked for: there are no guests', libvirt: null, qemu: null, machine: 'simulated', cpu: 'simulated' };
    }
    return libvirt.part();
  };
  return (clockOffsetMs) =>
    describeHost({
      // Under simulation there is no pool; the state directory stands for its file system.
      poolDir: config.driver === 'simulated' ? config.stateDir : config.poolDir,
      offer: config.offer,
      hypervisor,
      relativeSpeed: (cpuModel) => relativeSpeed(join(config.stateDir, 'relative-speed.json'), cpuModel, () => measureRelativeSpeed(processorMs)),
      clockOffsetMs: () => clockOffsetMs,
    });
}
