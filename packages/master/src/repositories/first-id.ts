import type { EpochMs } from '@paravcl/shared/clock';

/**
 * What sorts before every id made at `at` or later, and after every earlier one: a UUIDv7 begins with its
 * milliseconds (RFC 9562 §5.7). Old rows are found by their primary key, without an index on their time.
 */
export function firstIdOf(at: EpochMs): string {
  const hex = at.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
