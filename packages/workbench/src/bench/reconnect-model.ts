import { longestReconnectMs } from '@paravcl/shared/protocol/reconnect';

/**
 * How long an agent that has been dialling in vain for minutes still waits at a moment that has nothing to do
 * with its tries: what is left of a wait that is even between nothing and 3 s. Its density falls from 2/3 s at
 * once to nothing at 3 s, so half of the fleet comes within the first 0.9 s.
 */
export function waitLeftMs(random: number): number {
  return longestReconnectMs * (1 - Math.sqrt(1 - random));
}
