import type { Liveness } from '@paravcl/shared/domain/slave';

/** Silence after which a slave counts as suspect, and as lost. Milliseconds. */
export interface LivenessThresholds {
  readonly suspectAfterMs: number;
  readonly lostAfterMs: number;
}

/** What is known of one slave. Times are of one clock that never jumps back. */
export interface LivenessFacts {
  /** As stored; possibly by an earlier run of the master. */
  readonly stored: Liveness;
  /** When this run of the master heard of it last; null when not yet. */
  readonly heardAtMs: number | null;
}

/**
 * How a slave stands: online, suspect after `suspectAfterMs` of silence, lost after `lostAfterMs`.
 * A master that starts has heard of nobody. It takes its own start for the last sign of life of everyone
 * it had not lost before: they have the thresholds' time to come back, and are not all lost at once.
 * Silence alone never makes anybody better: what was suspect or lost stays so until it is heard.
 */
export function judgeLiveness(facts: LivenessFacts, nowMs: number, startedAtMs: number, thresholds: LivenessThresholds): Liveness {
  const silenceMs = nowMs - (facts.heardAtMs ?? startedAtMs);
  const bySilence: Liveness = silenceMs >= thresholds.lostAfterMs ? 'lost' : silenceMs >= thresholds.suspectAfterMs ? 'suspect' : 'online';
  return facts.heardAtMs === null ? worse(facts.stored, bySilence) : bySilence;
}

const order: readonly Liveness[] = ['online', 'suspect', 'lost'];
const worse = (one: Liveness, other: Liveness): Liveness => (order.indexOf(one) >= order.indexOf(other) ? one : other);
