import { inNeedOrder } from './monitored-standing';

const kept = { atRisk: 0, late: 0, lost: 0, short: 0 };
const slave = (name: string, more: object = {}) => ({ id: name, name, admission: 'approved' as const, liveness: 'online' as const, troubled: false, violations: kept, ...more });

describe('monitored slaves', () => {
  it('come in the order of who needs attention, then who does not keep a promise, else of their names', () => {
    const all = [slave('pc-10'), slave('pc-2'), slave('pc-3', { violations: { ...kept, lost: 2 } }), slave('pc-5', { troubled: true, liveness: 'suspect' }), slave('pc-9', { liveness: 'lost' })];
    expect(inNeedOrder(all, 'en').map(({ name }) => name)).toEqual(['pc-9', 'pc-5', 'pc-3', 'pc-2', 'pc-10']);
  });
});
