import { SerialReplay } from './serial-replay';

describe('what a connection to a serial console brings', () => {
  it('is old until there is silence', () => {
    const replay = new SerialReplay(1000);
    expect([1900, 2000, 2399].map((atMs) => replay.brings(100, atMs))).toEqual([true, true, true]);
    expect([2799, 2800].map((atMs) => replay.brings(100, atMs))).toEqual([false, false]);
  });

  it('is new after as much as the slave keeps', () => {
    const replay = new SerialReplay(0);
    expect([replay.brings(40 * 1024, 1), replay.brings(24 * 1024, 2), replay.brings(1, 3)]).toEqual([true, true, false]);
  });

  it('is new after five seconds of a guest that never pauses', () => {
    const replay = new SerialReplay(0);
    expect([4_700, 4_999, 5_000].map((atMs) => replay.brings(1, atMs))).toEqual([true, true, false]);
  });
});
