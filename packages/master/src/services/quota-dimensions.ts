import { cores } from '../core/say';
import type { Quota } from './instance-settings';

/** What quotas bound, in the order in which it is looked at. */
export const quotaDimensions: readonly { readonly of: keyof Quota; readonly say: (amount: number) => string }[] = [
  { of: 'instances', say: (n) => (n === 1 ? '1 instance' : `${n} instances`) },
  { of: 'vcpus', say: cores },
  { of: 'ramMiB', say: (n) => `${n} MiB of RAM` },
  { of: 'diskMiB', say: (n) => `${n} MiB of disk` },
];

/** Whether anything is bounded at all. */
export function bounds(quota: Quota): boolean {
  return quotaDimensions.some(({ of }) => quota[of] !== null);
}
