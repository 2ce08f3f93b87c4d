import type { DesiredState, ObservedState } from '@paravcl/shared/domain/instance-state';

/** The stages of launch, suspend, resume, stop and delete in which a fault must be survived. */
export const stages = ['preparing', 'booting', 'suspending', 'resuming', 'stopping', 'deleting'] as const;
export type Stage = (typeof stages)[number];

interface Standing {
  readonly desired: DesiredState;
  readonly observed: ObservedState;
}

/**
 * In which stage an instance is by the books; null when it rests. A stage begins with the wish, not with the
 * slave's first report: most of what can go wrong lies between the two.
 */
export function stageOf({ desired, observed }: Standing): Stage | null {
  if (desired === 'deleted') return observed === 'deleted' ? null : 'deleting';
  if (observed === 'failed' || observed === 'lost') return null;
  switch (desired) {
    case 'suspended':
      return observed === 'suspended' ? null : 'suspending';
    case 'stopped':
      return observed === 'stopped' ? null : 'stopping';
    case 'running':
      switch (observed) {
        case 'running':
          return null;
        case 'booting':
          return 'booting';
        case 'suspended':
        case 'suspending':
        case 'resuming':
          return 'resuming';
        default:
          return 'preparing';
      }
  }
}
