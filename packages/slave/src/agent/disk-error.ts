import { cut } from './failures';
import { act, bootedSteps, observe, type Plan, type View, type Wanted } from './plan';

/** The hypervisor stopped the guest after a disk error; it is continued, again and again, until the cause is gone. */
export function continueAfterDiskError(desired: Wanted, view: View): Plan {
  const last = view.recollection.failures.get('resume-disk');
  const sentence = `The hypervisor stopped the guest after a disk error on this slave: most often its disk is full, or nobody can give it a part of its image; it goes on by itself once the cause is gone.${
    last === undefined || last.code === 'no-effect' ? '' : ` Last attempt: ${last.message}`
  }`;
  const state = desired.desired === 'stopped' ? 'stopping' : 'running';
  return act(view, [{ kind: 'resume-disk' }, ...bootedSteps(view.marks)], observe(desired, state, { code: 'DiskError', sentence: cut(sentence) }));
}
