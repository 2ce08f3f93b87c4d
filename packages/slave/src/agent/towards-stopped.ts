import { continueAfterDiskError } from './disk-error';
import { domainLost } from './ended-by-itself';
import { cut, finalReason } from './failures';
import type { Marks } from './marks';
import { act, markSteps, noteSteps, observe, type Plan, type View, type Wanted } from './plan';
import type { Step } from './steps';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';

/** From the first ACPI request to taking the power away. */
export const shutdownGraceMs = 2 * 60_000;
/** The power button may be missed; it is pressed again. */
export const shutdownAgainMs = 20_000;
/** A guest that is still booting drops it for certain, until it has come so far. */
const shutdownBootingAgainMs = 4_000;
/** A stop does not wait for ever for a disk that does not come back: half a minute, in which a mirror can be started again. */
const resumesBeforePowerOff = 8;

/**
 * Wanted stopped. That being off is our doing is noted before the guest is asked; its power is taken away only when
 * it was ordered so, when it cannot hear, or when the grace has passed.
 */
export function towardsStopped(desired: Wanted, view: View): Plan {
  const { facts, marks, recollection, nowMs } = view;
  const state = facts.domain?.state ?? null;
  const stopAsked: Partial<Marks> = { stopAsked: true };
  switch (state) {
    case 'running': {
      const { stopping } = recollection;
      const againMs = marks.up === 'no' ? shutdownBootingAgainMs : shutdownAgainMs;
      if (desired.forceStop === true || (stopping !== null && nowMs >= stopping.destroyAtMs)) return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
      if (stopping === null || nowMs >= stopping.askedAtMs + againMs) {
        const destroyAtMs = stopping?.destroyAtMs ?? nowMs + shutdownGraceMs;
        return act(view, [{ kind: 'shutdown', destroyAtMs, before: { ...stopAsked, booted: true } }], observe(desired, 'stopping'), destroyAtMs);
      }
      return act(view, [], observe(desired, 'stopping'), Math.min(stopping.destroyAtMs, stopping.askedAtMs + againMs));
    }
    case 'paused':
    case 'migrating':
      // A guest that does not run cannot answer the power button.
      if (desired.forceStop === true) return act(view, [{ kind: 'destroy', before: stopAsked }], stoppingOr(desired, view, 'destroy'));
      return act(view, [{ kind: 'continue', before: { booted: true } }], observe(desired, 'stopping'));
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
