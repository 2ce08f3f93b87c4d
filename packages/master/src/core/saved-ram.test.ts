import { whyNotWithRam, type SavedOn } from './saved-ram';

const saved: SavedOn = { kind: 'kvm', machine: 'pc-q35-7.2', cpu: 'Nehalem', qemu: '7.2.11' };

test('RAM goes on where guests have the same machine and processor, under the same QEMU or a newer one', () => {
  expect(whyNotWithRam(saved, saved, 5)).toBeNull();
  expect(whyNotWithRam(saved, { ...saved, qemu: '8.0.0' }, null)).toBeNull();
  expect(whyNotWithRam(saved, { ...saved, qemu: '7.2.1' }, 6)).toBeNull();
  expect(whyNotWithRam({ kind: 'kvm', machine: null, cpu: null, qemu: null }, saved, 5)).toBeNull();
});

test.each([
  [{ kind: 'qemu' } as const, 5, 'saved under kvm'],
  [{ machine: 'pc-q35-8.0' }, 5, 'a machine of type pc-q35-7.2'],
  [{ cpu: null }, 5, 'processor Nehalem'],
  [{ qemu: '6.9.9' }, 5, '6.9.9 there is older'],
  [{}, 4, 'protocol 4; it takes 5'],
])('with %j and protocol %j it does not, and the reason names what is other', (there, protocol, said) => {
  expect(whyNotWithRam(saved, { ...saved, ...there }, protocol)).toContain(said);
});
