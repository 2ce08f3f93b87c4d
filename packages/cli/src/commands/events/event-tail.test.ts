import { EventTail, type SiteEvent } from './event-tail';

const began = Date.parse('2026-11-30T09:00:00.000Z');
/** The event of so many milliseconds after the beginning. */
const event = (ms: number): SiteEvent => ({ id: String(ms).padStart(8, '0'), at: new Date(began + ms).toISOString(), kind: 'group.created', subject: { type: 'group', id: 'g' }, actor: 'user admin', actorUserId: null, clientAddress: null, sentence: `number ${String(ms)}` });
const newestFirst = (...ms: readonly number[]): SiteEvent[] => [...ms].sort((one, other) => other - one).map(event);
const ids = (events: readonly SiteEvent[]): number[] => events.map(({ id }) => Number(id));

describe('what is new of the events', () => {
  it('is none of a burst before the ones that were told', () => {
    const tail = new EventTail([event(30), event(40)], undefined);
    expect(tail.since).toBe(event(-9960).at);
    expect(ids(tail.fresh(newestFirst(0, 10, 20, 30, 40)))).toEqual([]);
    expect(ids(tail.fresh(newestFirst(0, 10, 20, 30, 40, 50)))).toEqual([50]);
  });

  it('is one that appears late, behind a younger one that was told', () => {
    const tail = new EventTail([event(30), event(5000)], undefined);
    expect(ids(tail.fresh(newestFirst(30, 4000, 5000)))).toEqual([4000]);
    expect(ids(tail.fresh(newestFirst(10, 30, 4000, 5000, 6000)))).toEqual([10, 6000]);
    expect(ids(tail.fresh(newestFirst(10, 30, 4000, 5000, 6000)))).toEqual([]);
  });

  it('is all that comes where there was nothing, whatever this machine’s clock says', () => {
    const tail = new EventTail([], undefined);
    expect(tail.since).toBeUndefined();
    expect(ids(tail.fresh([]))).toEqual([]);
    expect(ids(tail.fresh(newestFirst(1, 2, 3)))).toEqual([1, 2, 3]);
    expect(tail.since).toBe(event(-9997).at);
    expect(ids(tail.fresh(newestFirst(1, 2, 3, 4)))).toEqual([4]);
  });

  it('is never from before the time that was asked for', () => {
    const from = event(0).at;
    expect(new EventTail([], from).since).toBe(from);
    expect(new EventTail([event(3)], from).since).toBe(from);
    expect(new EventTail([event(20_000)], from).since).toBe(event(10_000).at);
  });

  it('is each event once, also over a long time', () => {
    const tail = new EventTail([], undefined);
    const told: number[] = [];
    for (let now = 0; now <= 60_000; now += 2000) {
      const since = tail.since === undefined ? -Infinity : Date.parse(tail.since) - began;
      const there = Array.from({ length: now / 500 + 1 }, (_, index) => index * 500).filter((ms) => ms >= since);
      told.push(...ids(tail.fresh(newestFirst(...there))));
    }
    expect(told).toEqual(Array.from({ length: 121 }, (_, index) => index * 500));
  });
});
