import { HandClock } from '../../test/fixtures/hand-clock';
import { LibvirtPart, libvirtDeadlineMs, libvirtPart } from './libvirt-part';

const verdict = { usable: true, why: 'KVM ran a guest', mend: null };
const versions = { libvirt: '9.0.0', qemu: '7.2.22' };
const baseline = { machine: 'pc-q35-7.2', cpu: 'qemu64' };

it('says why guests are emulated, and that libvirt is away', () => {
  const part = libvirtPart({ usable: false, why: '/dev/kvm is not there', mend: null }, false, { libvirt: null, qemu: null }, { machine: null, cpu: null });
  expect(part).toMatchObject({ kind: 'qemu', usable: false, why: 'libvirt does not answer; guests are emulated (slow): /dev/kvm is not there' });
});

it('answers in time when libvirt hangs, and changes nothing but that it does not answer', async () => {
  const clock = new HandClock();
  let hangs = false;
  const never = new Promise<never>(() => undefined);
  const told = new LibvirtPart(clock, verdict, { versions: () => (hangs ? never : Promise.resolve(versions)), baseline: () => (hangs ? never : Promise.resolve(baseline)) });
  const well = await told.part();
  expect(well).toEqual({ kind: 'kvm', usable: true, why: 'KVM ran a guest', ...versions, ...baseline });
  hangs = true;
  const silent = told.part();
  await clock.advance(libvirtDeadlineMs);
  expect(await silent).toEqual({ ...well, usable: false, why: 'libvirt does not answer; KVM ran a guest' });
  hangs = false;
  expect(await told.part()).toEqual(well);
});

it('keeps a refusal from hiding what was known', async () => {
  let refuses = false;
  const told = new LibvirtPart(new HandClock(), verdict, {
    versions: () => Promise.resolve(refuses ? { libvirt: null, qemu: null } : versions),
    baseline: () => (refuses ? Promise.reject(new Error('the driver is not open')) : Promise.resolve(baseline)),
  });
  await told.part();
  refuses = true;
  expect(await told.part()).toMatchObject({ usable: false, ...versions, ...baseline });
});
