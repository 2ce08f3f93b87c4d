import { usualTerm, type Term } from './term';
import { drawWorkload } from './workload';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const term: Term = { ...usualTerm, days: 28, students: 120 };
const bytes = (of: Term): string => JSON.stringify(drawWorkload(of));

describe('a drawn term', () => {
  const { requests, reservations } = drawWorkload(term);
  const dayOf = (at: number): number => Math.floor((at - term.beginsAt) / dayMs);
  const hourOf = (at: number): number => Math.floor((at % dayMs) / hourMs);

  it('is the same to the byte for the same seed, and another for another', () => {
    expect(bytes(term)).toBe(bytes({ ...term }));
    expect(bytes({ ...term, seed: 8 })).not.toBe(bytes(term));
  });

  it('has everything within its days, in the order in which it is asked, each with a name of its own', () => {
    const ends = term.beginsAt + term.days * dayMs;
    expect(requests.every(({ at }) => at >= term.beginsAt && at < ends)).toBe(true);
    expect(requests.every(({ at }, n) => n === 0 || at >= (requests[n - 1]?.at ?? Infinity))).toBe(true);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length);
    expect(new Set(reservations.map(({ id }) => id)).size).toBe(reservations.length);
  });

  it('has a class of each course every week, on weekdays between 8 and 20', () => {
    const courses = new Set(reservations.map(({ groupId }) => groupId));
    expect(reservations).toHaveLength(4 * courses.size);
    expect(reservations.every(({ start, end }) => dayOf(start) % 7 < 5 && hourOf(start) >= 8 && end - start === 2 * hourMs && hourOf(end - 1) < 20)).toBe(true);
    expect(reservations.every(({ askedAt, start }) => askedAt < start && start - askedAt <= 14 * dayMs)).toBe(true);
  });

  it('has more who are enrolled than who come, and some who leave early', () => {
    const enrolled = reservations.reduce((sum, { count }) => sum + count, 0);
    const come = reservations.flatMap(({ claims }) => claims);
    expect(come.length / enrolled).toBeGreaterThan(0.7);
    expect(come.length / enrolled).toBeLessThan(0.95);
    expect(come.filter(({ staysMs }) => staysMs <= hourMs).length).toBeGreaterThan(0);
    expect(requests.filter(({ runMs, staysMs }) => runMs !== null && staysMs < runMs).length / requests.length).toBeGreaterThan(0.5);
    expect(requests.every(({ runMs, staysMs }) => runMs !== null && staysMs > 0 && staysMs <= runMs)).toBe(true);
  });

  it('is busier by day than by night, and on weekdays than on weekends', () => {
    const [day, night] = [requests.filter(({ at }) => hourOf(at) >= 9 && hourOf(at) < 18), requests.filter(({ at }) => hourOf(at) < 6)];
    expect(day.length).toBeGreaterThan(10 * night.length);
    expect(night.length).toBeGreaterThan(0);
    const perDay = (days: readonly number[]): number => requests.filter(({ at }) => days.includes(dayOf(at) % 7)).length / days.length;
    expect(perDay([0, 1, 2, 3, 4])).toBeGreaterThan(perDay([5, 6]));
  });

  it('rises towards the deadlines', () => {
    // Of one course alone, so that the deadlines of the others do not blur it.
    const one = drawWorkload({ ...term, students: 40, courseSize: 40, coursesPerStudent: 1, sessionsPerDay: 0, overnightShare: 0 }).requests;
    const days = [...new Set(one.map(({ at }) => dayOf(at)))].sort((a, b) => a - b);
    const last = Math.max(...days.filter((day) => !days.includes(day + 1)).slice(0, 1));
    const on = (day: number): number => one.filter(({ at }) => dayOf(at) === day).length;
    expect(on(last)).toBeGreaterThan(on(last - 2));
    expect(on(last - 2)).toBeGreaterThan(on(last - 4));
  });

  it('grows with its days and students, and nothing else of it changes with its hosts', () => {
    expect(drawWorkload({ ...term, students: 240 }).requests.length).toBeGreaterThan(1.5 * requests.length);
    expect(drawWorkload({ ...term, days: 14 }).requests.length).toBeLessThan(0.7 * requests.length);
    expect(bytes({ ...term, slaves: 2 })).toBe(bytes(term));
  });
});
