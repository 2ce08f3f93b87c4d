import type { Slave } from '@paravcl/shared/domain/slave';
import { percentOf, poolPercent, slavesInOrder, slavesLike, standingOf } from './standing';

interface Changed {
  readonly admission?: Slave['admission'];
  readonly liveness?: Slave['liveness'];
  readonly warnings?: Slave['warnings'];
  readonly usable?: boolean;
}

const slave = (name: string, { usable = true, ...more }: Changed = {}) => ({
  id: name,
  name,
  address: '10.0.0.7',
  macs: ['52:54:00:aa:bb:01'],
  admission: 'approved' as Slave['admission'],
  liveness: 'online' as Slave['liveness'],
  warnings: [] as Slave['warnings'],
  describe: { hostname: `${name}.lab`, hypervisor: { usable } as Slave['describe']['hypervisor'] },
  ...more,
});

describe('how a slave stands', () => {
  it('is what keeps it out first, then its silence, then its troubles', () => {
    expect(standingOf(slave('a', { admission: 'quarantined', liveness: 'lost' }))).toBe('quarantined');
    expect(standingOf(slave('a', { admission: 'draining', liveness: 'lost', warnings: ['clock'] }))).toBe('lost');
    expect(standingOf(slave('a', { warnings: ['clock'] }))).toBe('trouble');
    expect(standingOf(slave('a', { usable: false }))).toBe('trouble');
    expect(standingOf(slave('a', { admission: 'draining', liveness: 'suspect', warnings: ['clock'] }))).toBe('trouble');
    expect(standingOf(slave('a', { admission: 'draining', liveness: 'suspect' }))).toBe('suspect');
    expect(standingOf(slave('a', { admission: 'draining' }))).toBe('draining');
    expect(standingOf(slave('a'))).toBe('online');
  });

  it('puts first who needs attention, and else keeps the order of names', () => {
    const all = [slave('pc-10'), slave('pc-2'), slave('pc-3', { liveness: 'lost' }), slave('pc-4', { admission: 'pending' })];
    expect(slavesInOrder(all, 'en').map(({ name }) => name)).toEqual(['pc-4', 'pc-3', 'pc-2', 'pc-10']);
  });

  it('is looked for by any name or address, and by its word', () => {
    const all = [slave('pc-1'), slave('pc-2', { admission: 'draining' })];
    expect(slavesLike(all, ' PC-2.LAB', null)).toHaveLength(1);
    expect(slavesLike(all, 'aa:bb', null)).toHaveLength(2);
    expect(slavesLike(all, '', 'draining').map(({ name }) => name)).toEqual(['pc-2']);
  });

  it('tells how full something is without dividing by nothing', () => {
    expect([percentOf(1, 3), percentOf(5, 0), percentOf(9, 3), poolPercent({ poolTotalMiB: 100, poolAvailableMiB: 39 })]).toEqual([33, 0, 100, 61]);
  });
});
