import type { Operation } from '@paravcl/shared/api/operations';
import type { DesiredState, ObservedState } from '@paravcl/shared/domain/instance-state';

/** What the database says, read from its tables and not through the API. */
export interface Books {
  readonly slaves: readonly { readonly id: string; readonly name: string; readonly liveness: string }[];
  readonly instances: readonly BookedInstance[];
  readonly operations: readonly {
    readonly id: string;
    readonly kind: string;
    readonly instanceId: string;
    readonly userId: string;
    /** Of the wish it stands for. */
    readonly generation: number | null;
    readonly state: Operation['state'];
    readonly sentence: string;
  }[];
  readonly placements: readonly { readonly instanceId: string; readonly slaveId: string; readonly state: string }[];
  readonly addresses: readonly { readonly address: string; readonly mac: string; readonly instanceId: string }[];
  /** In the order in which they were written. */
  readonly transitions: readonly {
    readonly instanceId: string;
    readonly generation: number;
    readonly desired: DesiredState;
    readonly to: ObservedState;
    readonly reasonCode: string | null;
    readonly by: string;
  }[];
}

export interface BookedInstance {
  readonly id: string;
  readonly name: string;
  readonly userId: string;
  readonly slaveId: string | null;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly reasonCode: string | null;
  readonly reasonSentence: string | null;
  /** Whether its guest ever ran, so that its disk may hold somebody's work. */
  readonly booted: boolean;
  readonly mac: string | null;
  readonly address: string | null;
}

/** What one host says of itself, asked of virsh and of its files, never of ParaVCL's code. */
export interface HostPicture {
  readonly name: string;
  readonly slaveId: string;
  readonly domains: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly saved: boolean;
    /** libvirt's number for this run of the domain, another one after each start and each restore; null while it is off. */
    readonly domId: number | null;
  }[];
  /** Paths in the pool, relative to it, directories included. */
  readonly files: readonly string[];
  /** libvirt's managed saves, by file name. */
  readonly saves: readonly string[];
  readonly dhcp: readonly { readonly mac: string; readonly address: string }[];
  readonly leases: readonly string[];
}

/** What runs a domain at one moment, by libvirt and by the kernel: a save, a restore or a new boot changes all of it. */
export interface DomainAtWork {
  readonly host: string;
  readonly name: string;
  readonly state: string;
  readonly domId: number | null;
  /** Processes of QEMU with its UUID, on whatever host. */
  readonly pids: readonly number[];
}

/** A domain that nobody may touch, as it was at the start and as it is at the end; null when it is not there. */
export interface Untouched {
  readonly before: DomainAtWork | null;
  readonly after: DomainAtWork | null;
}

/** How the hosts show a domain; null when none has it. */
export function domainAtWork(id: string, hosts: readonly HostPicture[], processes: ReadonlyMap<string, readonly number[]>): DomainAtWork | null {
  for (const host of hosts) {
    const domain = host.domains.find((known) => known.id === id);
    if (domain !== undefined) return { host: host.name, name: domain.name, state: domain.state, domId: domain.domId, pids: processes.get(id) ?? [] };
  }
  return null;
}
