import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NoAnswer } from '@paravcl/shared/client/no-answer';

/** Too many requests for now; a proxy whose master is restarted; a master that is not ready. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** A master that asks for more patience than this is asked again all the same. */
const mostMs = 60_000;

/** Whether what went wrong passes by itself: no connection, or a master that is restarted, busy or asks for patience. All else is an answer. */
export function passes(error: unknown): boolean {
  if (error instanceof NoAnswer) return error.reason === 'unreachable' || passing.has(error.status);
  return error instanceof ApiProblem && passing.has(error.status);
}

/** How long to wait before the same is asked again: as long as the master said, at least so many milliseconds. */
export function waitMs(error: unknown, leastMs: number): number {
  const said = error instanceof ApiProblem ? (error.problem.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.max(leastMs, Math.min(said, mostMs));
}
