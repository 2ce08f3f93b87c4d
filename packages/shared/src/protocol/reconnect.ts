const firstMs = 200;
/** The longest an agent waits before it dials again. */
export const longestReconnectMs = 3000;

/**
 * How long an agent waits before it dials again. Full jitter: anything from nothing up to a bound that doubles to 3 s,
 * so that 5,000 agents come back to a restarted master spread out and none of them late.
 *
 * @param random 0 ≤ random < 1
 */
export function reconnectDelayMs(attempt: number, random: number): number {
  return random * Math.min(longestReconnectMs, firstMs * 2 ** Math.min(attempt, 10));
}
