import { FleetHistory, mostSlavesKept, type Sample } from './fleet-history';

const minuteMs = 60_000;
const sample = (running: number, load1: number | null = 0.5): Sample => ({ vcpusPromised: 2, load1, ramPromisedMiB: 1024, ramUsedMiB: 2048, running, connections: 1, users: 1 });

describe('the last day of the fleet', () => {
  it('keeps a sample a minute, oldest first, and what was not known as null', () => {
    const history = new FleetHistory(0);
    for (let minute = 1; minute <= 3; minute++) history.record(minute * minuteMs, sample(minute), new Map([['a', sample(10 + minute, minute === 2 ? null : 1)]]));
    expect(history.since(null, 0)).toMatchObject({ at: [60, 120, 180], running: [1, 2, 3] });
    expect(history.since('a', 2 * minuteMs)).toMatchObject({ at: [120, 180], running: [12, 13], load1: [null, 1] });
    expect(history.since('b', 0)).toBeNull();
  });

  it('forgets what is older than a day, and thins out what no plot can show, never the newest', () => {
    const history = new FleetHistory(0);
    for (let minute = 1; minute <= 2000; minute++) history.record(minute * minuteMs, sample(minute), new Map());
    const all = history.since(null, 0);
    expect(all?.at.length).toBeLessThanOrEqual(360);
    expect(all?.running.at(-1)).toBe(2000);
    expect(all?.running[0]).toBeGreaterThan(2000 - 1440);
    expect(history.since(null, 1901 * minuteMs)?.at).toHaveLength(100);
  });

  it('keeps no more slaves than it has room for, and one that left makes room after a day', () => {
    const history = new FleetHistory(0);
    const fleet = (from: number): ReadonlyMap<string, Sample> => new Map(Array.from({ length: mostSlavesKept }, (_, index) => [`s${from + index}`, sample(1)]));
    history.record(minuteMs, sample(1), fleet(0));
    history.record(2 * minuteMs, sample(1), fleet(1));
    expect(history.since(`s${mostSlavesKept}`, 0)).toBeNull();
    history.record(1500 * minuteMs, sample(1), fleet(1));
    history.record(1501 * minuteMs, sample(1), fleet(1));
    expect(history.since(`s${mostSlavesKept}`, 0)).toMatchObject({ running: [1, 1] });
    expect(history.since('s0', 0)).toBeNull();
  });
});
