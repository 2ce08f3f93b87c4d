import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { DomainState } from '../hypervisor/driver';

/** A domain told as it is, whatever is wanted of it. */
export const plainStates: Readonly<Record<DomainState, ObservedInstance['state']>> = {
  running: 'running',
  paused: 'running',
  'paused-io': 'running',
  migrating: 'running',
  'shutting-down': 'stopping',
  off: 'stopped',
  saved: 'suspended',
  crashed: 'stopped',
};
