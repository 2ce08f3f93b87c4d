import fc from 'fast-check';
import { admit } from './admit';
import { asking, hourMs } from './booked-site.model';
import { capacityOf } from './capacity';
import { mostFitting, calendarOf } from './packing';
import { at, booking, nineOClock, room, rules, running, slave } from './small-world.model';

test('says hour by hour what reservations leave, and which cores best-effort has lent', () => {
  const slaves = [
    slave('a', { bookings: [booking('r', 6, at(10), at(12))] }),
    slave('b', { running: [running('i', 4), running('soon-over', 2, { endsAt: at(9, 30) })] }),
    slave('lost', { liveness: 'lost' }),
  ];
  const { total, hours } = capacityOf(slaves, at(9), 4, at(9));
  expect(total).toEqual({ vcpus: 16, ramMiB: 16 * 1024 });
  expect(hours.map(({ freeVcpus, largestVcpus, lentVcpus }) => [freeVcpus, largestVcpus, lentVcpus])).toEqual([[16, 8, 6], [10, 8, 4], [10, 8, 4], [16, 8, 4]]);
  expect(hours.map(({ start }) => start)).toEqual([at(9), at(10), at(11), at(12)]);
});

test('what runs until its end and may not be suspended is not free', () => {
  const reserved = slave('a', { running: [running('claimed', 5, { type: 'AR', endsAt: at(10, 30) }), running('spared', 1, { sparedUntil: at(9, 30) })] });
  const { hours } = capacityOf([reserved], at(9), 3, at(9, 15));
  expect(hours.map(({ freeVcpus, lentVcpus }) => [freeVcpus, lentVcpus])).toEqual([[2, 0], [3, 0], [8, 0]]);
});

test('a slave without RAM or disk left has no cores to offer', () => {
  const full = slave('a', { bookings: [booking('r', 1, at(9), at(10), { need: room(1, { ramMiB: 8 * 1024 }) })] });
  const { hours } = capacityOf([full, slave('b', { poolAvailableMiB: 0 })], at(9), 1, at(9));
  expect(hours[0]).toEqual({ start: at(9), freeVcpus: 0, freeRamMiB: 0, largestVcpus: 0, lentVcpus: 0 });
});

test('never promises more than an admission gives, for one machine or for many', () => {
  const amount = fc.integer({ min: 1, max: 8 });
  const hour = fc.integer({ min: 0, max: 6 });
  const guest = fc.record({ vcpus: amount, be: fc.boolean(), ends: fc.option(hour), spared: fc.boolean() });
  const slot = fc.record({ vcpus: amount, start: hour, length: fc.integer({ min: 1, max: 3 }), minutes: fc.constantFrom(0, 30) });
  const host = fc.record({ guests: fc.array(guest, { maxLength: 3 }), slots: fc.array(slot, { maxLength: 4 }), draining: fc.boolean(), volunteer: fc.boolean() });
  fc.assert(
    fc.property(fc.array(host, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 59 }), (hosts, minutes) => {
      const now = nineOClock + minutes * 60_000;
      const slaves = hosts.map(({ guests, slots, draining, volunteer }, n) =>
        slave(`s${n}`, {
          admission: draining ? 'draining' : 'approved',
          kind: volunteer ? 'volunteer' : 'dedicated',
          running: guests.map(({ vcpus, be, ends, spared }, g) => running(`i${n}-${g}`, vcpus, { type: be ? 'BE' : 'AR', endsAt: ends === null ? null : nineOClock + (ends + 1) * hourMs, sparedUntil: spared ? now + hourMs : null })),
          bookings: slots.map(({ vcpus, start, length, minutes: late }, s) => booking(`r${n}-${s}`, vcpus, nineOClock + start * hourMs + late * 60_000, nineOClock + (start + length) * hourMs)),
        }),
      );
      for (const { start, freeVcpus, largestVcpus } of capacityOf(slaves, nineOClock, 8, now).hours) {
        const window = { start: Math.max(start, now), end: start + hourMs };
        const small = (vcpus: number) => ({ vcpus, ramMiB: 1, diskMiB: 1, bandwidthMbps: 0 });
        if (largestVcpus > 0) {
          expect(admit({ slaves, rules, lastPlacedOn: null }, [], asking('new', 1, largestVcpus, start, 1, { need: small(largestVcpus) }), now).kind).toBe('admitted');
        }
        expect(mostFitting(calendarOf(slaves, now), window, small(largestVcpus + 1))).toBe(0);
        expect(mostFitting(calendarOf(slaves, now), window, { vcpus: 1, ramMiB: 0, diskMiB: 0, bandwidthMbps: 0 })).toBeGreaterThanOrEqual(freeVcpus);
      }
    }),
  );
});
