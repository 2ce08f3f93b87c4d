import { checkMovableRam } from './own-ram';

const head = (machine: string, cpu: string) => ({
  run: () => Promise.resolve(`<domain type='kvm'><os><type arch='x86_64' machine='${machine}'>hvm</type></os><cpu mode='custom'><model fallback='forbid'>${cpu}</model></cpu></domain>`),
});
const now = { machine: 'pc-q35-8.2', cpu: 'Nehalem' };

test('RAM of the machine that guests are given here now may leave', async () => {
  await expect(checkMovableRam(head('pc-q35-8.2', 'Nehalem'), '/saved', now)).resolves.toBeUndefined();
});

test.each([
  ['pc-q35-7.2', 'Nehalem'],
  ['pc-q35-8.2', 'Westmere'],
])('RAM that was saved on a %s with a %s, before QEMU was upgraded, stays, for nobody else would read it', async (machine, cpu) => {
  await expect(checkMovableRam(head(machine, cpu), '/saved', now)).rejects.toMatchObject({ code: 'wrong-state', message: expect.stringContaining('resume it, and stop and start it once') as string });
});
