import type { Reason } from '@paravcl/shared/domain/reasons';
import type { DesiredInstance, InstanceSpec, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { finalReason, type Failure } from './failures';
import type { HostFacts, Recollection } from './host-facts';
import type { Marks } from './marks';
import { stepKey, type Step } from './steps';

/**
 * What to do next for one instance, and what to tell of it. The steps of one plan do not depend on each other and
 * may run at the same time; so at most one of them is a `note`, which writes the marks as a whole.
 */
export interface Plan {
  readonly steps: readonly Step[];
  /** What to tell the master; null when there is nothing to tell of. */
  readonly observed: ObservedInstance | null;
  /** Monotonic. */
  readonly wakeAtMs: number | null;
}

/** Wanted here: what it is to be. */
export type Wanted = Extract<DesiredInstance, { desired: 'running' | 'suspended' | 'stopped' }>;
/** On its way between two slaves. */
export type Sent = Extract<DesiredInstance, { desired: 'sent' }>;
export type Received = Extract<DesiredInstance, { desired: 'received' }>;

/** Everything one decision looks at. */
export interface View {
  readonly marks: Marks;
  /** The disk may hold somebody's work. */
  readonly booted: boolean;
  readonly facts: HostFacts;
  readonly recollection: Recollection;
  readonly nowMs: number;
  /** Written down together with whatever the plan does. */
  readonly alsoNote: Partial<Marks>;
}

export function observe(desired: DesiredInstance, state: ObservedInstance['state'], reason: Reason | null = null): ObservedInstance {
  return { instanceId: desired.instanceId, generation: desired.generation, state, reason, progressPercent: null };
}

/** A plan of those steps whose back-off has passed, waking for the others. */
export function act({ recollection, nowMs, alsoNote }: View, steps: readonly Step[], observed: ObservedInstance, alsoWakeAtMs: number | null = null): Plan {
  const due: Step[] = [];
  let wakeAtMs = alsoWakeAtMs;
  for (const step of withOneNote(steps, alsoNote)) {
    const retryAtMs = retryAt(step, recollection, nowMs);
    if (retryAtMs <= nowMs) due.push(step);
    else wakeAtMs = earliest(wakeAtMs, retryAtMs);
  }
  return { steps: due, observed, wakeAtMs };
}

/** When the step may be tried; now, unless it failed just before. */
export function retryAt(step: Step, recollection: Recollection, nowMs: number): number {
  return recollection.failures.get(stepKey(step))?.retryAtMs ?? nowMs;
}

function withOneNote(steps: readonly Step[], alsoNote: Partial<Marks>): readonly Step[] {
  const notes = [...steps.flatMap((step) => (step.kind === 'note' ? [step.marks] : [])), alsoNote];
  return [...noteSteps(Object.assign({}, ...notes) as Partial<Marks>), ...steps.filter(({ kind }) => kind !== 'note')];
}

export function firstFinal(steps: readonly Step[], failures: ReadonlyMap<string, Failure>): Reason | null {
  for (const step of steps) {
    const failure = failures.get(stepKey(step));
    const final = failure === undefined ? null : finalReason(step.kind, failure);
    if (final !== null) return final;
  }
  return null;
}

export function noteSteps(marks: Partial<Marks>): readonly Step[] {
  return Object.keys(marks).length === 0 ? [] : [{ kind: 'note', marks }];
}

export function bootedSteps(marks: Marks): readonly Step[] {
  return noteSteps(marks.booted ? {} : { booted: true });
}

/** Brings the generation written on the domain up to date. It may lag: the journal holds the newest one. */
export function markSteps(desired: Wanted, { domain }: HostFacts): readonly Step[] {
  if (domain === null || domain.generation === desired.generation) return [];
  return [{ kind: 'define', generation: desired.generation, spec: desired.spec }];
}

export function addressSteps({ mac, address, name }: InstanceSpec, { addressRight }: HostFacts): readonly Step[] {
  return addressRight ? [] : [{ kind: 'reserve-address', reservation: { mac, address, name } }];
}

export function earliest(a: number | null, b: number): number {
  return a === null ? b : Math.min(a, b);
}
