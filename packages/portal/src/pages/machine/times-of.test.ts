import { timesOf } from './times-of';

const at = '2026-12-01T10:00:00.000Z';
const dayBefore = Date.parse(at) - 24 * 60 * 60_000;
const machine = { observed: 'running', desired: 'running', endsAt: at, type: 'BE', recycledAt: null, recycledUntil: null, agesOutAt: at } as const;

describe('the times that a machine tells', () => {
  it('are until when it runs, or until when it is reserved', () => {
    expect(timesOf(machine, dayBefore)).toEqual([{ key: 'until', at }]);
    expect(timesOf({ ...machine, type: 'AR' }, dayBefore)).toEqual([{ key: 'reservedUntil', at }]);
  });

  it('are none for one that runs without end', () => {
    expect(timesOf({ ...machine, endsAt: null }, dayBefore)).toEqual([]);
  });

  it('are, for one that lies there, when it goes into the recycle bin', () => {
    expect(timesOf({ ...machine, observed: 'suspended', desired: 'suspended' }, dayBefore)).toEqual([{ key: 'agesOut', at }]);
  });

  it('are not yet when it goes there in months', () => {
    expect(timesOf({ ...machine, observed: 'suspended', desired: 'suspended' }, dayBefore - 60 * 24 * 60 * 60_000)).toEqual([]);
  });

  it('are, for one in the recycle bin, since when and how long', () => {
    expect(timesOf({ ...machine, observed: 'stopped', desired: 'stopped', recycledAt: at, recycledUntil: at }, dayBefore).map(({ key }) => key)).toEqual(['recycledSince', 'recycledUntil']);
  });
});
