import fc from 'fast-check';
import { lent, lentRamMiB } from './offer';

const own = { cores: 6, threads: 12, ramTotalMiB: 16_000, ramAvailableMiB: 9000 };

it('lends the whole host where nothing is said', () => {
  expect(lent(own, {})).toEqual(own);
  expect(lentRamMiB(9000, {})).toBe(9000);
});

it('lends cores with their threads, and no more RAM than is offered', () => {
  expect(lent(own, { cores: 4 })).toEqual({ ...own, cores: 4, threads: 8 });
  expect(lent(own, { ramMiB: 4096 })).toEqual({ ...own, ramTotalMiB: 4096, ramAvailableMiB: 4096 });
  expect(lentRamMiB(9000, { ramMiB: 4096 })).toBe(4096);
});

it('never lends more than there is or less than one thread a core, whatever is offered', () => {
  const offer = fc.record({ cores: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }), ramMiB: fc.option(fc.integer({ min: 128, max: 64_000 }), { nil: undefined }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 1, max: 4 }), offer, (cores, perCore, given) => {
      const host = { ...own, cores, threads: cores * perCore };
      const told = lent(host, given);
      expect(told.cores).toBe(Math.min(cores, given.cores ?? cores));
      expect(told.threads).toBe(told.cores * perCore);
      expect(told.ramAvailableMiB).toBeLessThanOrEqual(told.ramTotalMiB);
      expect(told.ramTotalMiB).toBe(Math.min(host.ramTotalMiB, given.ramMiB ?? host.ramTotalMiB));
    }),
  );
});
