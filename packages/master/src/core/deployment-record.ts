import type { EpochMs } from '@paravcl/shared/clock';
import type { DeploymentState, MemberState } from '@paravcl/shared/domain/deployment';
import type { DeploymentVerb } from './deployment-verbs';

/** A deployment as the master keeps it: what all its members are made of. */
export interface DeploymentRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly createdByUserId: string;
  /** Of all its instances; null: of none. */
  readonly groupId: string | null;
  readonly templateId: string | null;
  readonly familyId: string | null;
  /** What was asked for came to this version, with this kernel and ramdisk: late members run the same. */
  readonly imageId: string;
  readonly kernelId: string | null;
  readonly ramdiskId: string | null;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly bandwidthMbps: number | null;
  /** Null: without end. */
  readonly minutes: number | null;
  readonly cloudInit: string | null;
  /** For members that are made from now on; null: any slave. */
  readonly slaveIds: readonly string[] | null;
  /** Null: the site's. */
  readonly perHostLimit: number | null;
  readonly state: DeploymentState;
  /** The highest slot that was given. */
  readonly slotsMade: number;
  readonly createdAt: EpochMs;
  readonly changedAt: EpochMs;
}

/**
 * What is still to be done to one member's instance; `cancel` deletes it unless it ran, `reset-production` begins from the
 * version in production. The books keep 16 characters of it.
 */
export type MemberWish = DeploymentVerb | 'cancel' | 'reset-production';

/** A place in a deployment. The instance's id is reserved with the row, so that it is made once, whoever dies in between. */
export interface MemberRecord {
  readonly deploymentId: string;
  /** 1 for the first. */
  readonly slot: number;
  readonly userId: string;
  readonly instanceId: string;
  /** Named after its owner; else after its slot. */
  readonly namedForUser: boolean;
  readonly state: MemberState;
  /** The newest operation that is about it. */
  readonly operationId: string;
  readonly wish: MemberWish | null;
  /** Of a stop: without asking the guest. */
  readonly wishForced: boolean;
  readonly sentence: string | null;
  readonly slaveIds: readonly string[] | null;
}
