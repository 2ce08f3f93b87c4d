import fc from 'fast-check';
import { judgeIdentity, type EnrolledIdentity, type PresentedIdentity } from './identity';

const enrolled: EnrolledIdentity = {
  publicKey: 'key-a',
  machineId: 'a'.repeat(32),
  macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
  enrolledAddress: '10.1.0.7',
  lastAddress: '10.1.0.7',
  epoch: 4,
};
const presented: PresentedIdentity = { publicKey: 'key-a', machineId: 'a'.repeat(32), macs: ['52:54:00:00:00:02'], address: '10.1.0.7', epoch: 4 };

test('the enrolled machine with one of its cards left is the same', () => {
  expect(judgeIdentity(enrolled, presented, 'strict')).toEqual({ kind: 'same', addressChange: null });
});

test('another key, machine id, set of cards or an old copy is another machine, and the sentence says which', () => {
  const verdict = (change: Partial<PresentedIdentity>) => judgeIdentity(enrolled, { ...presented, ...change }, 'warn');
  expect(verdict({ publicKey: 'key-b' })).toEqual({ kind: 'other', keyMatches: false, sentence: 'It came back with another key than the one it enrolled with.' });
  expect(verdict({ machineId: 'b'.repeat(32) })).toMatchObject({ keyMatches: true, sentence: `It came back with machine id ${'b'.repeat(32)}; ${'a'.repeat(32)} is enrolled.` });
  expect(verdict({ macs: [] })).toMatchObject({ sentence: 'It came back with none of its enrolled MACs (52:54:00:00:00:01, 52:54:00:00:00:02), but with no network card at all.' });
  expect(verdict({ epoch: 3 })).toMatchObject({ sentence: 'It came back as an old copy of its agent (start 3; start 4 was seen already).' });
});

test('every fault is named', () => {
  const verdict = judgeIdentity(enrolled, { publicKey: 'x', machineId: 'c'.repeat(32), macs: [], address: '10.9.9.9', epoch: 1 }, 'strict');
  expect(verdict).toMatchObject({ kind: 'other', keyMatches: false });
  for (const word of ['key', 'machine id', 'MACs', '10.9.9.9', 'old copy', ', and ']) expect((verdict as { sentence: string }).sentence).toContain(word);
});

test('another address is refused when strict, told once when warning, unnoticed when off', () => {
  const moved = { ...presented, address: '10.1.0.99' };
  expect(judgeIdentity(enrolled, moved, 'strict')).toMatchObject({ kind: 'other' });
  expect(judgeIdentity(enrolled, moved, 'warn')).toEqual({ kind: 'same', addressChange: 'It came back from address 10.1.0.99; before it was 10.1.0.7.' });
  expect(judgeIdentity({ ...enrolled, lastAddress: '10.1.0.99' }, moved, 'warn')).toEqual({ kind: 'same', addressChange: null });
  expect(judgeIdentity(enrolled, moved, 'off')).toEqual({ kind: 'same', addressChange: null });
});

const key = fc.constantFrom('k1', 'k2');
const machine = fc.constantFrom('1'.repeat(32), '2'.repeat(32));
const mac = fc.constantFrom('52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03');
const address = fc.constantFrom('10.0.0.1', '10.0.0.2');
const anyEnrolled: fc.Arbitrary<EnrolledIdentity> = fc.record({
  publicKey: key,
  machineId: machine,
  macs: fc.uniqueArray(mac, { minLength: 1 }),
  enrolledAddress: fc.option(address),
  lastAddress: fc.option(address),
  epoch: fc.nat(3),
});
const anyPresented: fc.Arbitrary<PresentedIdentity> = fc.record({ publicKey: key, machineId: machine, macs: fc.uniqueArray(mac), address, epoch: fc.integer({ min: 1, max: 3 }) });
const anyCheck = fc.constantFrom('strict' as const, 'warn' as const, 'off' as const);

test('whatever is shown: accepted exactly when key, machine id, one MAC, epoch and (strict) address hold', () => {
  fc.assert(
    fc.property(anyEnrolled, anyPresented, anyCheck, (known, shown, check) => {
      const holds =
        known.publicKey === shown.publicKey &&
        known.machineId === shown.machineId &&
        shown.macs.filter((one) => known.macs.includes(one)).length > 0 &&
        shown.epoch >= known.epoch &&
        !(check === 'strict' && known.enrolledAddress !== null && known.enrolledAddress !== shown.address);
      expect(judgeIdentity(known, shown, check).kind).toBe(holds ? 'same' : 'other');
    }),
    { numRuns: 2000 },
  );
});

test('showing more cards never makes an accepted machine another one', () => {
  fc.assert(
    fc.property(anyEnrolled, anyPresented, anyCheck, mac, (known, shown, check, extra) => {
      fc.pre(judgeIdentity(known, shown, check).kind === 'same');
      expect(judgeIdentity(known, { ...shown, macs: [...shown.macs, extra] }, check).kind).toBe('same');
    }),
  );
});

test('once an address was accepted it is not news again', () => {
  fc.assert(
    fc.property(anyEnrolled, anyPresented, (known, shown) => {
      expect(judgeIdentity({ ...known, lastAddress: shown.address }, shown, 'warn')).not.toMatchObject({ addressChange: expect.any(String) as string });
    }),
  );
});
