import { figure, idealSeconds, saving, scaledSeconds, speedup } from './deploy-figures';

const bounds = { bootSetBytes: 16_000_000, linkBytesPerSecond: 4_000_000, ownSeconds: 3, localCpuSeconds: 0.1, cores: 2 };

describe('the ideal time', () => {
  it('is that of the link, when that takes longest', () => {
    expect(idealSeconds(bounds, 32)).toBe(4);
  });

  it('is that of the processors, when many guests share them', () => {
    expect(idealSeconds(bounds, 200)).toBe(10);
  });

  it('is the boot’s own, when nothing else takes as long', () => {
    expect(idealSeconds({ ...bounds, ownSeconds: 9 }, 32)).toBe(9);
  });
});

describe('figures of a deployment', () => {
  it('scale a baseline by the bytes that it would have to send', () => {
    expect(scaledSeconds({ measuredSeconds: 20, measuredBytes: 4, wantedBytes: 32 })).toBe(160);
  });

  it('hold on the right side of their must', () => {
    const wish = { name: 'a', unit: 's', runs: 5, must: 1.3, aim: 1.05 } as const;
    expect(figure({ ...wish, value: 1.2999, better: 'lower' }).holds).toBe(true);
    expect(figure({ ...wish, value: 1.31, better: 'lower' }).holds).toBe(false);
    expect(figure({ ...wish, value: 1.31, better: 'higher' }).holds).toBe(true);
    expect(figure({ ...wish, value: 9, better: 'lower', must: null }).holds).toBe(true);
  });

  it('tell a speed-up and a saving from the medians of both arms', () => {
    expect(speedup('s', [2, 2, 9], { name: 'b', values: [40, 50, 40] }, { must: 20, aim: 100 })).toMatchObject({ value: 20, runs: 3, holds: true, better: 'higher' });
    expect(saving('s', [1, 1, 1], { name: 'b', values: [10, 10] }, 0.85)).toMatchObject({ value: 0.9, runs: 2, holds: true });
  });
});
