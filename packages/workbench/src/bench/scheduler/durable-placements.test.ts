import { armName, placementFigures, type PlacementsFound, type Recount } from './durable-placements';

const rate = (perSecond: number) => ({ perSecond, unplaced: 0, processMs: 0.1, databaseMs: 0.2 });
const sound: Recount = { after: 'the runs', answered: 100, overbooked: 0, placedTwice: 0, lost: 0, incomplete: 0 };
const found: PlacementsFound = {
  ours: [6000, 7000, 5000].map(rate),
  sql: [
    { arm: { clients: 32, skipLocked: false, together: false }, rates: [900, 1000, 800].map(rate) },
    { arm: { clients: 8, skipLocked: true, together: true }, rates: [1100, 1000, 1300].map(rate) },
  ],
  offeredPerSecond: 3000,
  p99Ms: [8, 30, 12],
  http: [300, 100, 200].map((perSecond) => ({ ...rate(perSecond), answeredPerSecond: perSecond + 10, unplaced: 40 })),
  recounts: [sound],
};
const named = (all: ReturnType<typeof placementFigures>, name: string) => all.find((each) => each.name === name);

describe('the figures of durable placements', () => {
  it('are medians, held against the fastest scheduler in SQL', () => {
    const all = placementFigures(found);
    expect(named(all, 'placements_per_s')).toMatchObject({ value: 6000, must: 5000, holds: true, baseline: { name: 'SELECT … FOR UPDATE SKIP LOCKED, 8 clients, two round trips', value: 1100 } });
    expect(named(all, 'placements_vs_sql')).toMatchObject({ value: 5.455, must: 5, holds: true });
    expect(named(all, 'placement_processor_ms')).toMatchObject({ value: 0.3, must: null, holds: true });
    expect(named(all, 'placement_p99_ms')).toMatchObject({ value: 12, must: 20, holds: true });
  });

  it('tell launches over HTTP beside all that were answered, and hold them against nothing', () => {
    expect(named(placementFigures(found), 'placements_http_per_s')).toMatchObject({ value: 200, unit: 'launches/s over HTTP that were placed when answered, of 210.0 answered', runs: 3, must: null, aim: null, holds: true });
  });

  it('do not hold with one double booking or one lost answer after any kill', () => {
    const all = placementFigures({ ...found, recounts: [sound, { ...sound, overbooked: 1 }, { ...sound, answered: 300, lost: 1, incomplete: 1 }] });
    expect(named(all, 'double_bookings')).toMatchObject({ value: 1, holds: false });
    expect(named(all, 'lost_placements')).toMatchObject({ value: 2, unit: 'of 300 answered ones', holds: false });
  });

  it('name how SQL was asked', () => {
    expect(armName({ clients: 1, skipLocked: false, together: false })).toBe('SELECT … FOR UPDATE, 1 client');
  });
});
