/** One synchronous write of the busy guest (bench-files/timed-writer.c), in microseconds of its own monotonic clock. */
export interface GuestWrite {
  readonly issuedUs: number;
  readonly latencyUs: number;
}

/** A write and when the host saw the guest's word of it, ms of the host's monotonic clock. */
export interface SeenWrite extends GuestWrite {
  readonly seenAtMs: number;
}

/** The write that a line of the guest's console tells of; null when it tells of something else. */
export function readGuestWrite(line: string): GuestWrite | null {
  const [, issued, latency] = /^w (\d+) (\d+)\r?$/.exec(line) ?? [];
  return issued === undefined || latency === undefined ? null : { issuedUs: Number(issued), latencyUs: Number(latency) };
}

/**
 * How far the host's clock is ahead of the guest's, ms: of each write the host knows that it was over when it saw the word of it, so
 * what the clocks differ by is no more than that; the word that took least tells it best. Throws without a write.
 */
export function clockAheadMs(writes: readonly SeenWrite[]): number {
  if (writes.length === 0) throw new RangeError('A clock that nothing was heard of cannot be compared.');
  return writes.reduce((least, { seenAtMs, issuedUs, latencyUs }) => Math.min(least, seenAtMs - (issuedUs + latencyUs) / 1000), Infinity);
}

/** Those issued from one moment of the host's clock to the other. */
export function issuedBetween<Write extends GuestWrite>(writes: readonly Write[], fromMs: number, toMs: number, aheadMs: number): readonly Write[] {
  return writes.filter(({ issuedUs }) => {
    const atMs = issuedUs / 1000 + aheadMs;
    return atMs >= fromMs && atMs <= toMs;
  });
}

/** The smallest value that at least this share of all do not exceed. Throws when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('A percentile needs at least one value.');
  return value;
}
