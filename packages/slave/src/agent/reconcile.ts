import type { Reason } from '@paravcl/shared/domain/reasons';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { DomainState } from '../hypervisor/driver';
import { cut, finalReason, type Failure } from './failures';
import type { HostFacts, KnownInstance, Recollection } from './host-facts';
import { noMarks, type Marks } from './marks';
import { stepKey, type Step } from './steps';

/**
 * Compares what should be with what the host has, for one instance, and says what to do next.
 *
 * The steps of one plan do not depend on each other and may run at the same time; after them the host
 * is read again and a new plan is made, so a plan never looks further than one move ahead. A step that
 * failed is planned again when its back-off has passed. When there is nothing to do the plan is empty
 * and `wakeAtMs` says when to look again without being woken.
 *
 * Two traces of what `marks` carry over a gap are in docs/states.md, "An agent's memory".
 *
 * What never happens, whatever the facts: a domain that is wanted running is not destroyed; a disk that
 * has booted is removed only by `deleted`; an older generation than the host's own mark is not obeyed.
 */
export interface Plan {
  readonly steps: readonly Step[];
  /** What to tell the master; null when there is nothing to tell of. */
  readonly observed: ObservedInstance | null;
  /** Monotonic. */
  readonly wakeAtMs: number | null;
}

/** A guest that took no address by then is called running all the same; well before the master's five minutes. */
export const bootGraceMs = 3 * 60_000;
/** From the first ACPI request to taking the power away. */
export const shutdownGraceMs = 2 * 60_000;
/** A guest that is still booting drops the power button; it is pressed again. */
export const shutdownAgainMs = 20_000;
/** A stop does not wait for ever for a disk that does not come back. */
const resumesBeforePowerOff = 4;

type Wanted = Exclude<DesiredInstance, { desired: 'deleted' }>;

/** Everything one decision looks at. */
interface View {
  readonly marks: Marks;
  /** The disk may hold somebody's work. */
  readonly booted: boolean;
  readonly facts: HostFacts;
  readonly recollection: Recollection;
  readonly nowMs: number;
}

export function reconcile(known: KnownInstance, facts: HostFacts, recollection: Recollection, nowMs: number): Plan {
  const { desired } = known;
  // Whether or not the journal knows it: what is active or saved has booted, and a disk this journal did not make may have.
  const hasRun = facts.domain !== null && facts.domain.state !== 'off';
  const booted = known.marks.booted || hasRun || (facts.files && !known.marks.made);
  const view: View = { marks: known.marks, booted, facts, recollection, nowMs };
  if (desired === null) return asFound(facts, null);
  if (facts.domain !== null && facts.domain.generation > desired.generation) {
    const sentence = `Generation ${desired.generation} is older than generation ${facts.domain.generation} written on the domain; it is not obeyed.`;
    return asFound(facts, { code: 'SlaveRefused', sentence });
  }
  switch (desired.desired) {
    case 'running':
      return towardsRunning(desired, view);
    case 'suspended':
      return towardsSuspended(desired, view);
    case 'stopped':
      return towardsStopped(desired, view);
    case 'deleted':
      return towardsDeleted(desired, view);
  }
}

// ---------------------------------------------------------------- running

function towardsRunning(desired: Wanted, view: View): Plan {
  const state = view.facts.domain?.state ?? null;
  switch (state) {
    case 'running':
      return keepRunning(desired, view);
    case 'paused':
      return act(view, [{ kind: 'start', boots: false, before: { booted: true, stopAsked: false } }], observe(desired, 'resuming'));
    case 'paused-io':
      return continueAfterDiskError(desired, view);
    case 'shutting-down':
      return act(view, [], observe(desired, 'stopping'));
    case 'saved':
      return launch(desired, view);
    case 'off':
    case 'crashed':
      return wentDownByItself(desired, view) ? stoppedByGuest(desired, state) : givenUp(desired, view) ? cleanUp(desired, view) : launch(desired, view);
    case null:
      if (givenUp(desired, view)) return cleanUp(desired, view);
      return vanished(desired, view) ? domainLost(desired, view) : launch(desired, view);
  }
}

/**
 * It runs. Its boot is over when its address is taken, when it was restored, or when the grace has passed.
 *
 * Its address is reserved only now: libvirt reloads the host's firewall for every DHCP entry (0.4 s, under
 * the lock that a start needs too), and a guest asks for its address a second or more after its start.
 */
function keepRunning(desired: Wanted, view: View): Plan {
  const { marks, facts, recollection, nowMs } = view;
  const since = recollection.bootingSinceMs ?? nowMs;
  const up: Marks['up'] = marks.up === 'yes' || facts.leased ? 'yes' : marks.up === 'silent' || nowMs >= since + bootGraceMs ? 'silent' : 'no';
  const seen: Partial<Marks> = {
    ...(marks.booted ? {} : { booted: true }),
    ...(marks.ran?.generation === desired.generation && marks.ran.hostBootId === facts.hostBootId
      ? {}
      : { ran: { generation: desired.generation, hostBootId: facts.hostBootId } }),
    ...(up === marks.up ? {} : { up }),
    ...(marks.failed === null ? {} : { failed: null }),
    ...(marks.lost === null ? {} : { lost: null }),
  };
  const reserve = up === 'yes' ? [] : addressSteps(desired, facts);
  const refused = firstFinal(reserve, recollection.failures);
  const observed =
    up === 'yes'
      ? observe(desired, 'running')
      : up === 'no'
        ? observe(desired, 'booting')
        : observe(
            desired,
            'running',
            refused === null
              ? { code: 'DeadlinePassed', sentence: `The guest runs but took no address within ${bootGraceMs / 60_000} minutes of its boot; its console tells more.` }
              : { code: 'SlaveRefused', sentence: refused.sentence },
          );
  const plan = act(view, [...noteSteps(seen), ...reserve, ...markSteps(desired, facts)], observed);
  // The hypervisor has no event for a DHCP lease, so it is asked: often at first, seldom later.
  const pollMs = up === 'no' ? (nowMs - since < 20_000 ? 500 : 1000) : up === 'silent' ? 10_000 : null;
  return pollMs === null ? plan : { ...plan, wakeAtMs: earliest(plan.wakeAtMs, nowMs + pollMs) };
}

function addressSteps({ spec }: Wanted, { addressRight }: HostFacts): readonly Step[] {
  return addressRight ? [] : [{ kind: 'reserve-address', reservation: { mac: spec.mac, address: spec.address, name: spec.name } }];
}

function continueAfterDiskError(desired: Wanted, view: View): Plan {
  const last = view.recollection.failures.get('resume-disk');
  const sentence = `The hypervisor stopped the guest after a disk error on this slave, most often a full disk; it goes on by itself once the cause is gone.${
    last === undefined || last.code === 'no-effect' ? '' : ` Last attempt: ${last.message}`
  }`;
  const state = desired.desired === 'stopped' ? 'stopping' : 'running';
  return act(view, [{ kind: 'resume-disk' }, ...bootedSteps(view.marks)], observe(desired, state, { code: 'DiskError', sentence: cut(sentence) }));
}

/** Off although nobody asked: it ran under this very generation, in this boot of the host. */
function wentDownByItself(desired: Wanted, { booted, marks, facts }: View): boolean {
  return booted && !marks.stopAsked && marks.ran?.generation === desired.generation && marks.ran.hostBootId === facts.hostBootId;
}

function stoppedByGuest(desired: Wanted, state: 'off' | 'crashed'): Plan {
  const sentence =
    state === 'off' ? 'The guest powered itself off. Its disk is kept; start it again when you like.' : 'The guest crashed. Its disk is kept; start it again when you like.';
  return { steps: [], observed: observe(desired, 'stopped', { code: 'StoppedByGuest', sentence }), wakeAtMs: null };
}

/** It has run, nobody took it down, and the hypervisor knows nothing of it any more. */
function vanished(desired: Wanted, { booted, marks }: View): boolean {
  return booted && !marks.stopAsked && !(marks.lost !== null && marks.lost.generation < desired.generation);
}

function domainLost(desired: Wanted, view: View): Plan {
  const sentence = view.facts.files
    ? 'Its domain vanished from this slave’s hypervisor; what was in its RAM is gone. Its disk is kept: start it again, or delete it.'
    : 'Its domain and its disk vanished from this slave. It can only be deleted.';
  const steps: Step[] = view.marks.lost?.generation === desired.generation ? [] : [{ kind: 'note', marks: { lost: { generation: desired.generation } } }];
  return act(view, steps, observe(desired, 'failed', { code: 'DomainLost', sentence }));
}

/** Images, then disk and definition side by side, then the start. */
function launch(desired: Wanted, view: View): Plan {
  const { booted, facts, recollection } = view;
  const state = facts.domain?.state ?? null;
  const restores = state === 'saved';
  if (!facts.files && booted) return domainLost(desired, view);

  const underWay = restores
    ? observe(desired, 'resuming')
    : { ...observe(desired, 'preparing'), progressPercent: facts.missingImages.length > 0 ? recollection.progressPercent : null };
  if (!facts.networkReady && facts.missingImages.length === 0) return act(view, [], underWay);

  const steps = nextOfLaunch(desired, facts, restores);
  const final = firstFinal(steps, recollection.failures);
  if (final === null) return act(view, steps, underWay);
  if (!booted) return { steps: [{ kind: 'give-up', generation: desired.generation, reason: final }], observed: underWay, wakeAtMs: null };
  const kept = restores ? ' Its saved RAM and its disk are kept.' : ' Its disk is kept.';
  return act(view, steps, observe(desired, restores ? 'suspended' : 'stopped', { code: final.code, sentence: cut(`${final.sentence}${kept}`) }));
}

function nextOfLaunch(desired: Wanted, facts: HostFacts, restores: boolean): readonly Step[] {
  const { spec, generation } = desired;
  if (facts.missingImages.length > 0) return facts.missingImages.map((image) => ({ kind: 'fetch-image', image }));
  const steps: Step[] = [];
  if (!facts.files) steps.push({ kind: 'create-files', spec, before: { made: true } });
  // A guest that comes back with its RAM believes that it has its address, and does not ask soon.
  if (restores) steps.push(...addressSteps(desired, facts));
  // A saved domain keeps its definition until it runs: its RAM was saved under that one.
  if (facts.domain === null || (!restores && facts.domain.generation !== generation)) steps.push({ kind: 'define', generation, spec });
  if (steps.length > 0) return steps;
  return [{ kind: 'start', boots: !restores, before: { booted: true, stopAsked: false, up: restores ? 'yes' : 'no' } }];
}

// ---------------------------------------------------------------- a launch that failed for good

function givenUp(desired: Wanted, { booted, marks }: View): boolean {
  return marks.failed !== null && marks.failed.generation === desired.generation && !booted;
}

/** Takes away what the failed launch had made, then says that it failed: `failed` means clean. */
function cleanUp(desired: Wanted, view: View): Plan {
  const reason = view.marks.failed?.reason ?? { code: 'LaunchFailed', sentence: 'The launch failed.' };
  const steps = removalSteps(view.facts);
  const stuck = firstFinal(steps, view.recollection.failures);
  if (steps.length > 0 && stuck === null) return act(view, steps, observe(desired, 'preparing', reason));
  const remains = steps.length === 0 ? '' : ` What is left is still being removed: ${leftovers(view.facts)}.`;
  return act(view, steps, observe(desired, 'failed', { code: reason.code, sentence: cut(`${reason.sentence}${remains}`) }));
}

function removalSteps(facts: HostFacts): readonly Step[] {
  const steps: Step[] = [];
  if (facts.domain !== null) steps.push({ kind: 'undefine', before: {} });
  if (facts.reservedMac !== null) steps.push({ kind: 'release-address', mac: facts.reservedMac });
  if (facts.files) steps.push({ kind: 'remove-files' });
  return steps;
}

function leftovers(facts: HostFacts): string {
  const left = [...(facts.domain === null ? [] : ['its domain']), ...(facts.reservedMac === null ? [] : ['its address']), ...(facts.files ? ['its files'] : [])];
  return left.join(', ');
}

// ---------------------------------------------------------------- suspended

function towardsSuspended(desired: Wanted, view: View): Plan {
  const { facts, marks, recollection } = view;
  const state = facts.domain?.state ?? null;
  switch (state) {
    case 'saved':
      return act(view, bootedSteps(marks), observe(desired, 'suspended'));
    case 'running':
    case 'paused':
    case 'paused-io': {
      const steps: Step[] = [{ kind: 'save' }, ...bootedSteps(marks)];
      const final = firstFinal(steps, recollection.failures);
      if (final === null) return act(view, steps, observe(desired, 'suspending'));
      // The guest holds its cores and its RAM, so it is called what it is.
      const reason: Reason = { code: final.code === 'NotEnoughDisk' ? final.code : 'SlaveRefused', sentence: cut(`${final.sentence} The guest keeps running; it is tried again.`) };
      return act(view, steps, observe(desired, 'running', reason));
    }
    case 'shutting-down':
      return act(view, [], observe(desired, 'stopping'));
    case 'off':
    case 'crashed':
      if (view.booted && !marks.stopAsked) return stoppedByGuest(desired, state);
      return act(view, [], notStarted(desired, view));
    case null:
      if (vanished(desired, view)) return domainLost(desired, view);
      return act(view, [], notStarted(desired, view));
  }
}

function notStarted(desired: Wanted, { booted, marks }: View): ObservedInstance {
  if (marks.failed !== null && !booted) return observe(desired, 'failed', marks.failed.reason);
  return observe(desired, 'stopped', { code: 'StoppedByUser', sentence: 'It was not running when it was to be suspended, so there is no RAM to keep. Its disk is kept; start it again when you need it.' });
}

// ---------------------------------------------------------------- stopped

function towardsStopped(desired: Wanted, view: View): Plan {
  const { facts, marks, recollection, nowMs } = view;
  const state = facts.domain?.state ?? null;
  const stopAsked: Partial<Marks> = { stopAsked: true };
  switch (state) {
    case 'running': {
      const { stopping } = recollection;
      if (desired.forceStop === true || (stopping !== null && nowMs >= stopping.destroyAtMs)) return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
      if (stopping === null || nowMs >= stopping.askedAtMs + shutdownAgainMs) {
        const destroyAtMs = stopping?.destroyAtMs ?? nowMs + shutdownGraceMs;
        return act(view, [{ kind: 'shutdown', destroyAtMs, before: { ...stopAsked, booted: true } }], observe(desired, 'stopping'), destroyAtMs);
      }
      return act(view, [], observe(desired, 'stopping'), Math.min(stopping.destroyAtMs, stopping.askedAtMs + shutdownAgainMs));
    }
    case 'paused':
      // A guest that does not run cannot answer the power button.
      if (desired.forceStop === true) return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
      return act(view, [{ kind: 'start', boots: false, before: { booted: true } }], observe(desired, 'stopping'));
    case 'paused-io':
      if (desired.forceStop !== true && (recollection.failures.get('resume-disk')?.attempts ?? 0) < resumesBeforePowerOff) return continueAfterDiskError(desired, view);
      return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
    case 'shutting-down': {
      const destroyAtMs = recollection.stopping?.destroyAtMs;
      if (desired.forceStop === true || (destroyAtMs !== undefined && nowMs >= destroyAtMs)) return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
      if (destroyAtMs !== undefined) return act(view, [], observe(desired, 'stopping'), destroyAtMs);
      return act(view, [{ kind: 'shutdown', destroyAtMs: nowMs + shutdownGraceMs, before: stopAsked }], observe(desired, 'stopping'));
    }
    case 'saved':
      // A saved domain has no off but this: its definition goes with its RAM, then it is defined anew.
      return act(view, [{ kind: 'undefine', before: { ...stopAsked, booted: true } }], stoppingOr(desired, view, 'undefine'));
    case 'crashed':
      return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
    case 'off':
      return act(view, [...noteSteps(marks.stopAsked ? {} : stopAsked), ...markSteps(desired, facts)], observe(desired, 'stopped'));
    case null:
      return stoppedWithoutDomain(desired, view);
  }
}

/** Defined again when it has a disk, so that a later start finds it; left alone when it was never made. */
function stoppedWithoutDomain(desired: Wanted, view: View): Plan {
  const { booted, facts, marks } = view;
  if (marks.failed !== null && !booted) return act(view, [], observe(desired, 'failed', marks.failed.reason));
  if (!booted) return act(view, [], observe(desired, 'stopped'));
  if (!facts.files) return domainLost(desired, view);
  const define: Step = { kind: 'define', generation: desired.generation, spec: desired.spec };
  return act(view, [define, ...noteSteps(marks.stopAsked ? {} : { stopAsked: true })], observe(desired, 'stopped'));
}

function stoppingOr(desired: Wanted, view: View, kind: 'destroy' | 'undefine'): ObservedInstance {
  const failure = view.recollection.failures.get(kind);
  const final = failure === undefined ? null : finalReason(kind, failure);
  if (final === null) return observe(desired, 'stopping');
  const still = kind === 'destroy' ? 'running' : 'suspended';
  return observe(desired, still, { code: 'SlaveRefused', sentence: cut(`${final.sentence} It is tried again.`) });
}

// ---------------------------------------------------------------- deleted

function towardsDeleted(desired: DesiredInstance, view: View): Plan {
  const { facts } = view;
  const state = facts.domain?.state ?? null;
  const isOff = state === null || state === 'off' || state === 'saved';
  const steps: readonly Step[] = isOff ? removalSteps(facts) : [{ kind: 'destroy', before: { stopAsked: true } }];
  if (steps.length === 0) return act(view, noteSteps(changesOf(view.marks, noMarks)), observe(desired, 'deleted'));
  const stuck = firstFinal(steps, view.recollection.failures);
  if (stuck === null) return act(view, steps, observe(desired, 'stopping'));
  const sentence = cut(`${stuck.sentence} What is left is still being removed: ${leftovers(facts)}.`);
  // While the guest runs it holds its cores, and the master must not give them away.
  return act(view, steps, observe(desired, isOff ? 'failed' : 'stopping', { code: 'SlaveRefused', sentence }));
}

// ---------------------------------------------------------------- parts

/** What the host has, told as it is; nothing is done about it. */
function asFound(facts: HostFacts, reason: Reason | null): Plan {
  const { domain } = facts;
  if (domain === null) return { steps: [], observed: null, wakeAtMs: null };
  const { state, instanceId, generation } = domain;
  const observed: ObservedInstance = { instanceId, generation, state: plainStates[state], reason, progressPercent: null };
  return { steps: [], observed, wakeAtMs: null };
}

const plainStates: Readonly<Record<DomainState, ObservedInstance['state']>> = {
  running: 'running',
  paused: 'running',
  'paused-io': 'running',
  'shutting-down': 'stopping',
  off: 'stopped',
  saved: 'suspended',
  crashed: 'stopped',
};

function observe(desired: DesiredInstance, state: ObservedInstance['state'], reason: Reason | null = null): ObservedInstance {
  return { instanceId: desired.instanceId, generation: desired.generation, state, reason, progressPercent: null };
}

/** A plan of those steps whose back-off has passed, waking for the others. */
function act({ recollection, nowMs }: View, steps: readonly Step[], observed: ObservedInstance, alsoWakeAtMs: number | null = null): Plan {
  const due: Step[] = [];
  let wakeAtMs = alsoWakeAtMs;
  for (const step of steps) {
    const retryAtMs = recollection.failures.get(stepKey(step))?.retryAtMs ?? nowMs;
    if (retryAtMs <= nowMs) due.push(step);
    else wakeAtMs = earliest(wakeAtMs, retryAtMs);
  }
  return { steps: due, observed, wakeAtMs };
}

function firstFinal(steps: readonly Step[], failures: ReadonlyMap<string, Failure>): Reason | null {
  for (const step of steps) {
    const failure = failures.get(stepKey(step));
    const final = failure === undefined ? null : finalReason(step.kind, failure);
    if (final !== null) return final;
  }
  return null;
}

function noteSteps(marks: Partial<Marks>): readonly Step[] {
  return Object.keys(marks).length === 0 ? [] : [{ kind: 'note', marks }];
}

/** What of `marks` must change to become `to`. */
function changesOf(marks: Marks, to: Marks): Partial<Marks> {
  const keys = (Object.keys(to) as (keyof Marks)[]).filter((key) => marks[key] !== to[key]);
  return Object.fromEntries(keys.map((key) => [key, to[key]]));
}

function bootedSteps(marks: Marks): readonly Step[] {
  return noteSteps(marks.booted ? {} : { booted: true });
}

/** Brings the generation written on the domain up to date. It may lag: the journal holds the newest one. */
function markSteps(desired: Wanted, { domain }: HostFacts): readonly Step[] {
  if (domain === null || domain.generation === desired.generation) return [];
  return [{ kind: 'define', generation: desired.generation, spec: desired.spec }];
}

function earliest(a: number | null, b: number): number {
  return a === null ? b : Math.min(a, b);
}

/** An instance nobody has told the agent of. */
export const unknownInstance: KnownInstance = { desired: null, marks: noMarks, timeOver: false };
