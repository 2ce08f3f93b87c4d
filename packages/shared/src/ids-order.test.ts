import { friendlyId, newId } from './ids';

describe('ids', () => {
  it('of one millisecond are in the order in which they were made', () => {
    const ids = Array.from({ length: 5000 }, () => newId(1_800_000_000_000));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('of a later millisecond come after', () => {
    expect(newId(1_800_000_000_001) > newId(1_800_000_000_000)).toBe(true);
  });

  it('differ at their end, from which friendly ids are made', () => {
    const ends = new Set(Array.from({ length: 1000 }, () => friendlyId('instance', 'Ubuntu', newId(1_800_000_000_000), 8)));
    expect(ends.size).toBeGreaterThan(990);
  });
});
