import { inNeedOrder, standingOf } from './monitored-standing';

const kept = { atRisk: 0, late: 0, lost: 0 };
const slave = (name: string, more: object = {}) => ({ id: name, name, admission: 'approved' as const, liveness: 'online' as const, takesGuests: true, violations: kept, ...more });

describe('how a monitored slave stands', () => {
  it('is what keeps it out first, then its silence, then that it takes nobody', () => {
    expect(standingOf(slave('a', { admission: 'pending', takesGuests: false }))).toBe('pending');
    expect(standingOf(slave('a', { admission: 'draining', liveness: 'lost', takesGuests: false }))).toBe('lost');
    expect(standingOf(slave('a', { admission: 'draining', takesGuests: false }))).toBe('draining');
    expect(standingOf(slave('a', { takesGuests: false }))).toBe('trouble');
    expect(standingOf(slave('a'))).toBe('online');
  });

  it('puts first who needs attention, then who does not keep a promise, else the order of names', () => {
    const all = [slave('pc-10'), slave('pc-2'), slave('pc-3', { violations: { ...kept, lost: 2 } }), slave('pc-9', { liveness: 'lost', takesGuests: false })];
    expect(inNeedOrder(all, 'en').map(({ name }) => name)).toEqual(['pc-9', 'pc-3', 'pc-2', 'pc-10']);
  });
});
