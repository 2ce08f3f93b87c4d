import { act, noteSteps, observe, type Plan, type View, type Wanted } from './plan';

/** Off although nobody asked: it ran under this very generation, in this boot of the host. */
export function wentDownByItself(desired: Wanted, { booted, marks, facts }: View): boolean {
  return booted && !marks.stopAsked && marks.ran?.generation === desired.generation && marks.ran.hostBootId === facts.hostBootId;
}

/** Off although that was not wanted: by its guest, or by somebody at the host who took its power away. */
export function stoppedByGuest(desired: Wanted, view: View, state: 'off' | 'crashed'): Plan {
  // libvirt forgets why a domain is off when it is restarted; what was told stays.
  if (view.facts.domain?.destroyed === true || view.marks.lost?.generation === desired.generation) return domainLost(desired, view);
  const sentence =
    state === 'off' ? 'The guest powered itself off. Its disk is kept; start it again when you like.' : 'The guest crashed. Its disk is kept; start it again when you like.';
  return act(view, [], observe(desired, 'stopped', { code: 'StoppedByGuest', sentence }));
}

/** It has run, nobody took it down, and the hypervisor knows nothing of it any more. */
export function vanished(desired: Wanted, { booted, marks }: View): boolean {
  return booted && !marks.stopAsked && !(marks.lost !== null && marks.lost.generation < desired.generation);
}

export function domainLost(desired: Wanted, view: View): Plan {
  const sentence = view.facts.files
    ? 'Its domain was destroyed, or vanished from this host’s hypervisor, behind the agent’s back; what was in its RAM is gone. Its disk is kept: start it again, or delete it.'
    : 'Its domain and its disk vanished from this host. It can only be deleted.';
  const steps = noteSteps(view.marks.lost?.generation === desired.generation ? {} : { lost: { generation: desired.generation } });
  return act(view, steps, observe(desired, 'failed', { code: 'DomainLost', sentence }));
}
