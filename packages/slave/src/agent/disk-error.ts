import type { Reason } from '@paravcl/shared/domain/reasons';
import { cut } from './failures';
import type { MirrorStanding } from './mirror-watch';
import { act, bootedSteps, observe, type Plan, type View, type Wanted } from './plan';

const mirror = 'the mirror of this host, through which it reads an image that is not whole here,';
const causes: Readonly<Record<MirrorStanding, string>> = {
  well: 'most often its disk is full, or nobody can give it a part of its image; it goes on by itself once the cause is gone.',
  silent: `${mirror} does not answer; it goes on by itself once it does. Look with "systemctl status paravcl-mirror" there.`,
  back: `${mirror} was away. It answers again, and the guest goes on by itself within half a minute.`,
};

/** A guest that ran so long since it was continued is taken to be over its disk errors. */
export const steadyMs = 30_000;
/** As often as a guest is stopped by the way, a disk that was full for a moment. */
const passing = 1;

/** Of a guest that runs: it was stopped again and again, and has not run for long since. Null when it is over that. */
export function lastingDiskError({ recollection, facts }: View): { readonly reason: Reason; readonly overAtMs: number } | null {
  const last = recollection.failures.get('resume-disk');
  if (last === undefined || last.attempts <= passing) return null;
  const sentence = `The hypervisor stopped the guest after a disk error on this host ${last.attempts} times in a row, and it was continued each time: ${causes[facts.mirror]}`;
  return { reason: { code: 'DiskError', sentence }, overAtMs: last.retryAtMs + steadyMs };
}

/** The hypervisor stopped the guest after a disk error; it is continued, again and again, until the cause is gone. */
export function continueAfterDiskError(desired: Wanted, view: View): Plan {
  const last = view.recollection.failures.get('resume-disk');
  const sentence = `The hypervisor stopped the guest after a disk error on this host: ${causes[view.facts.mirror]}${last === undefined || last.code === 'no-effect' ? '' : ` Last attempt: ${last.message}`}`;
  const state = desired.desired === 'stopped' ? 'stopping' : 'running';
  return act(view, [{ kind: 'resume-disk' }, ...bootedSteps(view.marks)], observe(desired, state, { code: 'DiskError', sentence: cut(sentence) }));
}
