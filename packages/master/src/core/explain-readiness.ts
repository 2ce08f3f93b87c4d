import type { ImageHolding } from '@paravcl/shared/chunks/mirror-messages';
import type { EpochMs } from '@paravcl/shared/clock';
import { isThere, type HostReadiness, type Wanted } from './pre-copy';
import { ordinal } from './say';
import { tellMoment } from './tell-time';

/**
 * How far a reservation's hosts are with its image: "The image is ready on 3 of 4 hosts; the 4th fetches what it reads as it
 * boots." Hosts, not machines: those of a reservation are its VMs.
 */
export function readinessSentence(stands: readonly HostReadiness[]): string {
  const hosts = stands.length;
  const count = (one: HostReadiness): number => stands.filter((each) => each === one).length;
  const [ready, coming, silent] = [count('ready'), count('coming'), count('silent')];
  if (ready === hosts) return hosts === 1 ? 'The image is ready on its host.' : `The image is ready on all ${hosts} hosts.`;
  const never = stands.includes('unrecorded') ? ' Nothing of its disk is brought ahead, because nobody knows yet what a boot of it reads: launch one and stop it, or set images.preCopy.what to all.' : '';
  const unheard = silent === 0 ? '' : silent === 1 ? ' The mirror of one host is not connected.' : ` The mirrors of ${silent} hosts are not connected.`;
  if (hosts === 1) return `${coming === 1 ? 'The image is being brought to its host' : 'The image is not ready on its host'}; what is missing at the start is fetched as it is read.${unheard}${never}`;
  const late = coming > 0 ? 'whoever lacks some of it at the start' : hosts - ready === 1 ? `the ${ordinal(hosts)}` : null;
  const rest = late === null ? `${ready === 0 ? 'they' : 'the others'} fetch what they read as they boot` : `${late} fetches what it reads as it boots`;
  return `The image is ready on ${ready === 0 ? 'none' : ready} of ${hosts} hosts; ${coming === 0 ? '' : `it is being brought to ${coming}, and `}${rest}.${unheard}${never}`;
}

/** How much of a version is on a host: "All of it is here.", "What a boot reads is here; 12 % of the whole." */
export function holdingSentence(holding: ImageHolding): string {
  const { presentChunks, totalChunks, presentBootChunks, totalBootChunks, complete } = holding;
  if (presentChunks >= totalChunks) return complete ? 'All of it is here, and new disks use the file itself.' : 'All of it is here; each part is checked when it is first read.';
  const whole = `${percent(presentChunks, totalChunks)} of the whole`;
  if (totalBootChunks === 0) return `${whole} is here.`;
  if (isThere(holding, false)) return `What a boot reads is here; ${whole}.`;
  return `${percent(presentBootChunks, totalBootChunks)} of what a boot reads is here; ${whole}.`;
}

/** Rounded down: 100 % is all of it. */
function percent(part: number, whole: number): string {
  return `${Math.floor((100 * part) / whole)} %`;
}

/** Why a host is to have it, and by when: "What a boot reads of it is being brought for guests that are expected from Mon 10:00." */
export function wantedSentence({ what, dueAt }: Pick<Wanted, 'what' | 'dueAt'>, there: boolean, zone: string, now: EpochMs): string {
  const due = dueAt <= now ? 'now' : `from ${tellMoment(dueAt, zone, now)}`;
  if (there) return `It is kept for guests that are expected ${due}.`;
  return `${what === 'all' ? 'All of it' : 'What a boot reads of it'} is being brought for guests that are expected ${due}.`;
}
