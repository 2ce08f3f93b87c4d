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
  readonly mac: string | null;
  readonly address: string | null;
}

/** What one host says of itself, asked of virsh and of its files, never of ParaVCL's code. */
export interface HostPicture {
  readonly name: string;
  readonly slaveId: string;
  readonly domains: readonly { readonly id: string; readonly name: string; readonly state: string; readonly saved: boolean }[];
  /** Paths in the pool, relative to it, directories included. */
  readonly files: readonly string[];
  /** libvirt's managed saves, by file name. */
  readonly saves: readonly string[];
  readonly dhcp: readonly { readonly mac: string; readonly address: string }[];
  readonly leases: readonly string[];
}
