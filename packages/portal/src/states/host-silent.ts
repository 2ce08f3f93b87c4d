import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Reason } from '@paravcl/shared/domain/reasons';

/** What ran when its host was last heard, while that is silent: nobody knows whether it runs. */
export function isHostSilent({ observed, reason }: { readonly observed: ObservedState | null; readonly reason: Pick<Reason, 'code'> | null }): boolean {
  return observed === 'running' && reason?.code === 'SlaveOffline';
}
