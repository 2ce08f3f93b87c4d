import fc from 'fast-check';
import type { Describe } from '@paravcl/shared/domain/slave';
import { changedParts } from './describe-diff';

const told: Describe = {
  hostname: 'lab-pc-07',
  cores: 6,
  threads: 12,
  relativeSpeed: 1.2,
  cpuModel: 'Intel(R) Core(TM) i5-8500',
  cpuFlags: ['fpu', 'vmx'],
  ramTotalMiB: 16_000,
  ramAvailableMiB: 9000,
  poolTotalMiB: 200_000,
  poolAvailableMiB: 150_000,
  hypervisor: { kind: 'kvm', why: 'KVM ran a guest', usable: true, libvirt: '9.0.0', qemu: '7.2.22', machine: 'q35', cpu: 'host' },
  interfaces: [{ name: 'eno1', mac: '52:54:00:00:00:01', physical: true, addresses: ['10.0.0.7'], linkSpeedMbps: 1000 }],
  load1: 1,
  clockOffsetMs: 20,
};

describe('what is told again', () => {
  it('is nothing when nothing changed', () => {
    expect(changedParts(told, JSON.parse(JSON.stringify(told)) as Describe)).toEqual({});
  });

  it('is never the noise of RAM, pool, load and clock below their thresholds', () => {
    const noise = fc.record({
      ramAvailableMiB: fc.integer({ min: 9000 - 799, max: 9000 + 799 }),
      poolAvailableMiB: fc.integer({ min: 150_000 - 1999, max: 150_000 + 1999 }),
      load1: fc.double({ min: 0, max: 3.99, noNaN: true }),
      clockOffsetMs: fc.integer({ min: 20 - 249, max: 20 + 249 }),
    });
    fc.assert(fc.property(noise, (wiggle) => expect(changedParts(told, { ...told, ...wiggle })).toEqual({})));
  });

  it('leaves the master nearer to the truth than the threshold, whatever drifts and however slowly', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300, max: 300 }), { maxLength: 60 }), (steps) => {
        let master = told;
        let ram = told.ramAvailableMiB;
        for (const step of steps) {
          ram = Math.max(0, ram + step);
          master = { ...master, ...changedParts(master, { ...told, ramAvailableMiB: ram }) };
          expect(Math.abs(master.ramAvailableMiB - ram)).toBeLessThan(800);
        }
      }),
    );
  });

  it.each([
    ['an address', { interfaces: [{ ...told.interfaces[0], addresses: ['10.0.0.8'] }] }],
    ['RAM by a twentieth', { ramAvailableMiB: 8200 }],
    ['the pool by a hundredth', { poolAvailableMiB: 148_000 }],
    ['the clock becoming known', { clockOffsetMs: null }],
    ['KVM lost', { hypervisor: { ...told.hypervisor, kind: 'qemu' } }],
    ['a RAM module', { ramTotalMiB: 32_000 }],
    ['the load of a quarter of the threads', { load1: 4 }],
  ] as [string, Partial<Describe>][])('is exactly the changed part: %s', (_, part) => {
    expect(changedParts(told, { ...told, ...part })).toEqual(part);
  });
});
