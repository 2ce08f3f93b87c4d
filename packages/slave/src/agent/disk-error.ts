import { cut } from './failures';
import type { MirrorStanding } from './mirror-watch';
import { act, bootedSteps, observe, type Plan, type View, type Wanted } from './plan';

const mirror = 'the mirror of this host, through which it reads an image that is not whole here,';
const causes: Readonly<Record<MirrorStanding, string>> = {
  well: 'most often its disk is full, or nobody can give it a part of its image; it goes on by itself once the cause is gone.',
  silent: `${mirror} does not answer; it goes on by itself once it does. Look with "systemctl status paravcl-mirror" there.`,
  back: `${mirror} was away. It answers again, and the guest goes on by itself within half a minute.`,
};

/** The hypervisor stopped the guest after a disk error; it is continued, again and again, until the cause is gone. */
export function continueAfterDiskError(desired: Wanted, view: View): Plan {
  const last = view.recollection.failures.get('resume-disk');
  const sentence = `The hypervisor stopped the guest after a disk error on this slave: ${causes[view.facts.mirror]}${last === undefined || last.code === 'no-effect' ? '' : ` Last attempt: ${last.message}`}`;
  const state = desired.desired === 'stopped' ? 'stopping' : 'running';
  return act(view, [{ kind: 'resume-disk' }, ...bootedSteps(view.marks)], observe(desired, state, { code: 'DiskError', sentence: cut(sentence) }));
}
