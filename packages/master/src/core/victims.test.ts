import { at, room, running, slave } from './small-world.model';
import { slaveNow } from './room-now';
import { within, type RunningInstance } from './snapshot';
import { compareHarm, harmOf, smallestSet, suspendableOn, weakestFirst, type Victim } from './victims';

const now = at(9);
const candidates = (instances: readonly RunningInstance[]): readonly Victim[] => suspendableOn(slaveNow(slave('lab-1', { running: instances })), now);
const chosen = (instances: readonly RunningInstance[], vcpus: number): readonly string[] | null =>
  smallestSet(candidates(instances), now, (freed) => within(room(vcpus, { ramMiB: 0, diskMiB: 0 }), freed))?.map(({ instance }) => instance.id) ?? null;

describe('who may be told to go', () => {
  it('is best-effort that runs or is about to, and nobody else', () => {
    const states = ['preparing', 'booting', 'running', 'resuming', 'suspending', 'stopping', 'suspended', 'relocating', 'failed', 'lost'] as const;
    expect(candidates(states.map((observed) => running(observed, 1, { observed }))).map(({ instance }) => instance.id)).toEqual(['preparing', 'booting', 'running', 'resuming']);
    expect(candidates([running('reserved', 1, { type: 'AR' }), running('leaving', 1, { leaving: true })])).toEqual([]);
  });

  it('is not one that was suspended often enough today, until it may be again', () => {
    expect(candidates([running('spared', 1, { sparedUntil: now + 1 })])).toEqual([]);
    expect(candidates([running('again', 1, { sparedUntil: now })])).toHaveLength(1);
  });

  it('takes as long to save as its RAM says, and no time before it has started', () => {
    expect(candidates([running('a', 2), running('b', 2, { observed: 'preparing' })]).map(({ saveMs }) => saveMs)).toEqual([1000 + 20_480, 0]);
  });

  it('takes the time of the slave as it is measured now, for the same guests as before', () => {
    const guests = [running('a', 2)];
    const savedAt = (saveMiBPerSecond: number) => weakestFirst(slaveNow(slave('lab-1', { running: guests, saveMiBPerSecond })))[0]?.saveMs;
    expect([savedAt(100), savedAt(200)]).toEqual([21_480, 11_240]);
  });
});

describe('the smallest sufficient set of a slave', () => {
  it.each([
    ['lowest priority first', [running('a', 2, { pi: 7.2 }), running('b', 2, { pi: 7.1 }), running('c', 2, { pi: 7.3 })], ['b']],
    ['then least lost work', [running('a', 2, { since: at(7) }), running('b', 2, { since: at(8, 30) }), running('c', 2, { since: at(8) })], ['b']],
    ['one that has not started has lost none', [running('a', 2, { since: at(8, 59) }), running('b', 2, { observed: 'preparing', since: at(7) })], ['b']],
    ['then the cheapest save', [running('a', 2, { need: room(2, { ramMiB: 2048 }) }), running('b', 2, { need: room(2, { ramMiB: 512 }) })], ['b']],
    ['then the id', [running('b', 2), running('a', 2)], ['a']],
    ['priorities are compared at six decimals', [running('a', 2, { pi: 7.000_000_4, since: at(8) }), running('b', 2, { pi: 7, since: at(7) })], ['a']],
  ])('%s', (_rule, instances, expected) => {
    expect(chosen(instances, 2)).toEqual(expected);
  });

  it('is taken until it fits', () => {
    expect(chosen([running('a', 1, { pi: 1 }), running('b', 1, { pi: 2 }), running('c', 1, { pi: 3 })], 2)).toEqual(['a', 'b']);
  });

  it('gives back in reverse whoever is not needed after all', () => {
    expect(chosen([running('a', 1, { pi: 1 }), running('b', 1, { pi: 2 }), running('c', 4, { pi: 3 })], 4)).toEqual(['c']);
    expect(chosen([running('a', 1, { pi: 1 }), running('b', 1, { pi: 2 }), running('c', 4, { pi: 3 })], 5)).toEqual(['a', 'c']);
  });

  it('is empty when nobody has to go, and null when all of them are not enough', () => {
    expect(chosen([running('a', 1)], 0)).toEqual([]);
    expect(chosen([running('a', 1), running('b', 2)], 4)).toBeNull();
  });
});

describe('the set that does least harm', () => {
  const set = (slaveId: string, instances: readonly RunningInstance[]): { slaveId: string; victims: readonly Victim[] } => ({ slaveId, victims: candidates(instances) });
  const least = (one: ReturnType<typeof set>, other: typeof one): string => (compareHarm(harmOf(one), harmOf(other)) < 0 ? one : other).slaveId;
  it.each([
    ['has the lowest highest priority', set('a', [running('x', 1, { pi: 7.5 })]), set('b', [running('y', 1, { pi: 7.1 }), running('z', 1, { pi: 7.4 })]), 'b'],
    ['then the fewest', set('a', [running('x', 1), running('y', 1)]), set('b', [running('z', 2)]), 'b'],
    ['then the cheapest saves', set('a', [running('x', 2)]), set('b', [running('y', 1)]), 'b'],
    ['then the host of the first id', set('b', [running('x', 1)]), set('a', [running('y', 1)]), 'a'],
  ])('%s', (_rule, one, other, expected) => {
    expect(least(one, other)).toBe(expected);
    expect(least(other, one)).toBe(expected);
  });
});
