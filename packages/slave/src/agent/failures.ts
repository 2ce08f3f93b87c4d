import type { Reason, ReasonCode } from '@paravcl/shared/domain/reasons';
import type { DiskStoreErrorCode } from '../disks/disk-store';
import type { HypervisorErrorCode } from '../hypervisor/driver';
import type { StepKind } from './steps';

/**
 * `hung` passed its deadline; `no-effect` returned quietly and the host had not changed; `no-turn` had no slot in time;
 * `state-full`: the journal had no room.
 */
export type FailureCode = DiskStoreErrorCode | HypervisorErrorCode | 'hung' | 'no-effect' | 'no-turn' | 'state-full';

/** What is remembered of a step that did not succeed. Times are monotonic milliseconds. */
export interface Failure {
  readonly attempts: number;
  readonly retryAtMs: number;
  readonly code: FailureCode;
  readonly message: string;
}

const firstDelayMs = 500;
const soonMs = 1000;
/** Short enough that nothing waits long for a cause that is gone, even one whose end nobody tells. */
const longestDelayMs = 10_000;

/** The same step failed again: when to try next. Delays double from 0.5 s to 10 s. */
export function failedAgain(earlier: Failure | undefined, code: FailureCode, message: string, nowMs: number): Failure {
  const attempts = (earlier?.attempts ?? 0) + 1;
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempts - 1, 10));
  return { attempts, retryAtMs: nowMs + delayMs, code, message };
}

/**
 * As a first failure each time, and tried again in a second: the cause is known to be gone, and QEMU notices by itself, a
 * while later.
 */
export function failedOnceMore(code: FailureCode, message: string, nowMs: number): Failure {
  return { attempts: 1, retryAtMs: nowMs + soonMs, code, message };
}

interface Verdict {
  readonly attempts: number;
  readonly reason: ReasonCode;
}

/** After how many attempts an error is final for a launch, and what it is called then. */
function verdictOf(kind: StepKind, code: FailureCode): Verdict {
  switch (code) {
    case 'image-missing':
      return { attempts: 1, reason: 'ImageMissing' };
    // Once more from the first byte: the partial file of an interrupted fetch can be at fault.
    case 'image-corrupt':
      return { attempts: 2, reason: 'ImageCorrupt' };
    case 'no-room':
      return { attempts: 1, reason: kind === 'start' || kind === 'define' ? 'NotEnoughRam' : 'NotEnoughDisk' };
    // About ten minutes: a master that restarts, or a network being mended, must not cost a launch.
    case 'fetch-failed':
    case 'network-down':
      return { attempts: 62, reason: 'LaunchFailed' };
    // Never final: the host tells its trouble, and it goes on when there is room.
    case 'state-full':
      return { attempts: Number.MAX_SAFE_INTEGER, reason: 'LaunchFailed' };
    // About a minute of refusals; of silence, which takes half a minute each time, three.
    case 'unavailable':
      return { attempts: 12, reason: 'HypervisorUnusable' };
    case 'timeout':
      return { attempts: 6, reason: 'HypervisorUnusable' };
    case 'no-turn':
    case 'save-unusable':
    case 'unsupported':
    case 'foreign':
      return { attempts: 1, reason: 'LaunchFailed' };
    default:
      return { attempts: 3, reason: 'LaunchFailed' };
  }
}

const attempted: Readonly<Record<StepKind, string>> = {
  'fetch-image': 'its image could not be fetched',
  'create-files': 'its disk could not be made',
  'reserve-address': 'its address could not be reserved',
  define: 'its domain could not be defined',
  'adopt-ram': 'the RAM that it was saved with could not be given to it',
  'give-up-ram': 'the RAM that it awaited could not be given up',
  start: 'it could not be started',
  'resume-disk': 'it could not be continued after a disk error',
  shutdown: 'it could not be asked to shut down',
  destroy: 'its power could not be taken away',
  pause: 'it could not be paused',
  continue: 'it could not be continued',
  save: 'its RAM could not be saved',
  'send-guest': 'it could not be sent to another host while it runs',
  undefine: 'its definition could not be removed',
  'release-address': 'its address could not be released',
  'remove-files': 'its files could not be removed',
  note: 'the journal could not be written',
  'give-up': 'the journal could not be written',
};

/** The reason to report once a step has failed so often that waiting for it would be a lie; null before. */
export function finalReason(kind: StepKind, failure: Failure): Reason | null {
  const verdict = verdictOf(kind, failure.code);
  if (failure.attempts < verdict.attempts) return null;
  const times = failure.attempts === 1 ? '' : ` after ${failure.attempts} attempts`;
  return { code: verdict.reason, sentence: cut(`On this host ${attempted[kind]}${times}: ${failure.message}`) };
}

/** Keeps a sentence within what a reason may hold. */
export function cut(sentence: string): string {
  return sentence.length <= 1000 ? sentence : `${sentence.slice(0, 999)}…`;
}
