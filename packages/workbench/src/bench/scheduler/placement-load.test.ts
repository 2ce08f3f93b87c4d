import { percentile } from '../multisnapshot/guest-writes';
import { closedLoop, dueTimes, openLoop } from './placement-load';

const answered = (ms: number): Promise<boolean> => new Promise((resolve) => setTimeout(() => { resolve(true); }, ms));

describe('the load of the placements', () => {
  it('never has more requests open than it has clients, and asks for no more than it is told to', async () => {
    let [open, most] = [0, 0];
    const outcome = await closedLoop(async () => { most = Math.max(most, ++open); await answered(1); open--; return true; }, { clients: 4, seconds: 60, most: 41 });
    expect([most, outcome.placed, outcome.unplaced, outcome.answerMs.length]).toEqual([4, 41, 0, 41]);
  });

  it('counts those who have to wait for room apart', async () => {
    let asked = 0;
    const outcome = await closedLoop(() => Promise.resolve(++asked % 3 !== 0), { clients: 2, seconds: 60, most: 9 });
    expect([outcome.placed, outcome.unplaced]).toEqual([6, 3]);
  });

  it('fails with the first request that nobody answered', async () => {
    await expect(closedLoop(() => Promise.reject(new Error('the database is away')), { clients: 2, seconds: 60, most: 9 })).rejects.toThrow('the database is away');
  });

  it('draws as many times as the rate says, the same for the same seed', () => {
    const times = dueTimes(1000, 20, 7);
    expect(times.length).toBeGreaterThan(19_000);
    expect(times.length).toBeLessThan(21_000);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(dueTimes(1000, 20, 7)).toEqual(times);
    expect(dueTimes(1000, 20, 8)).not.toEqual(times);
  });

  it('counts what a request waited because the process stood still', async () => {
    let asked = 0;
    const stand = (): void => { const until = performance.now() + 200; while (performance.now() < until); };
    const { answerMs } = await openLoop(() => { if (++asked === 100) stand(); return Promise.resolve(true); }, { perSecond: 1000, seconds: 0.5, seed: 3 });
    // Some two hundred were due meanwhile.
    expect(percentile(answerMs, 0.9)).toBeGreaterThan(100);
  });
});
