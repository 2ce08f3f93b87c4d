import { newId } from '@paravcl/shared/ids';
import { newHome, type HomeRecord } from './home-record';
import { homeStep, leftoverStep, type HomeWorld } from './home-steps';

const [slaveId, returnId, instanceId] = [newId(1), newId(2), newId(3)];
const away: HomeRecord = { ...newHome({ id: newId(4), userId: newId(5), sizeMiB: 64, ownSize: false }, 0), state: 'returning', slaveId, returnId, instanceId, epoch: 2, used: true };
const off = { desired: 'stopped', observed: 'stopped', booted: true, ramImageId: null } as const;
const world = (facts: Partial<HomeWorld> = {}): HomeWorld => ({ isConnected: () => true, knowsHomes: () => true, isGone: () => false, slaveName: () => 'lab-pc-07', isMigrating: () => false, instance: () => off, ...facts });

test('what is in the store, or waits without a slave, needs nothing', () => {
  expect(homeStep({ ...away, state: 'stored', slaveId: null, returnId: null }, world())).toBeNull();
  expect(homeStep({ ...away, state: 'attached', slaveId: null, returnId: null }, world())).toBeNull();
});

test('off, its slave is asked to send it; while its guest is on its way to be off, nobody is', () => {
  expect(homeStep(away, world())).toMatchObject({ kind: 'send', slaveId, returnId });
  expect(homeStep(away, world({ instance: () => ({ ...off, observed: 'stopping' }) }))).toBeNull();
  expect(homeStep(away, world({ instance: () => ({ ...off, desired: 'deleted', observed: 'stopping' }) }))).toMatchObject({ kind: 'send' });
  expect(homeStep(away, world({ instance: () => null }))).toMatchObject({ kind: 'send' });
});

test('while its instance goes to another slave as it runs nothing is done about it, also when its slave is gone: who has it is not known', () => {
  for (const home of [away, { ...away, state: 'attached', returnId: null }] as const) expect(homeStep(home, world({ isMigrating: (id) => id === instanceId, isGone: () => true }))).toBeNull();
});

test('what has arrived is taken in, also when its slave died since', () => {
  expect(homeStep({ ...away, received: true }, world({ isGone: () => true, isConnected: () => false }))).toMatchObject({ kind: 'take', returnId });
});

test('a slave that is away is waited for, and told of once; one that is gone for good is given up, whatever it had it for', () => {
  const told = homeStep(away, world({ isConnected: () => false }));
  expect(told).toMatchObject({ kind: 'say', sentence: 'lab-pc-07 is away with it. It is free again once lab-pc-07 is back, or an administrator declares it dead.' });
  expect(homeStep({ ...away, sentence: told?.kind === 'say' ? told.sentence : null }, world({ isConnected: () => false }))).toBeNull();
  for (const state of ['attached', 'returning'] as const) expect(homeStep({ ...away, state }, world({ isGone: () => true, isConnected: () => false }))).toMatchObject({ kind: 'give-up', slaveId });
  expect(homeStep({ ...away, state: 'attached' }, world({ isConnected: () => false }))).toBeNull();
});

test('open in RAM that is in the store still, it is kept for that also when its slave is gone, until its instance gives the RAM up', () => {
  const ramId = newId(6);
  const open = { ...away, state: 'attached', returnId: null, openInRamId: ramId } as const;
  const waits = { desired: 'running', observed: 'lost', booted: false, ramImageId: ramId } as const;
  const gone = { isGone: () => true, isConnected: () => false };
  expect(homeStep(open, world({ ...gone, instance: () => waits }))).toBeNull();
  for (const instance of [null, off, { ...waits, booted: true }, { ...waits, ramImageId: null }]) expect(homeStep(open, world({ ...gone, instance: () => instance }))).toMatchObject({ kind: 'give-up', slaveId });
  expect(homeStep({ ...open, state: 'returning', returnId }, world({ ...gone, instance: () => waits }))).toMatchObject({ kind: 'give-up', slaveId });
});

test('an agent that knows no home volumes is told nothing of them', () => {
  expect(homeStep(away, world({ knowsHomes: () => false }))).toMatchObject({ kind: 'say', sentence: expect.stringContaining('Update it') as string });
  const leftover = { volumeId: away.id, slaveId, epoch: 1, lost: false };
  expect(leftoverStep(leftover, away, null, world({ knowsHomes: () => false }))).toBeNull();
  expect(leftoverStep(leftover, away, null, world())).toEqual({ kind: 'drop', leftover });
});

test('given up, and its slave is back: taken up again where nobody has had it since; else it goes once the one that had it there is off', () => {
  const leftover = { volumeId: away.id, slaveId, epoch: 2, lost: true, givenUp: { instanceId, attachedMiB: 64 } };
  const [stored, other] = [{ state: 'stored', epoch: 2 }, { state: 'attached', epoch: 3 }] as const;
  for (const holder of [null, { slaveId, observed: 'suspended' }] as const) expect(leftoverStep(leftover, stored, holder, world())).toEqual({ kind: 'take-up', leftover });
  expect(leftoverStep(leftover, stored, null, world({ isConnected: () => false }))).toBeNull();
  for (const home of [other, { state: 'stored', epoch: 3 }, { state: 'attached', epoch: 2 }, null] as const) {
    for (const observed of ['running', 'suspended', 'resuming', 'lost'] as const) expect(leftoverStep(leftover, home, { slaveId, observed }, world())).toBeNull();
    for (const holder of [null, { slaveId, observed: 'stopped' }, { slaveId: newId(9), observed: 'running' }] as const) expect(leftoverStep(leftover, home, holder, world())).toEqual({ kind: 'drop', leftover });
  }
  // One that is left of an orderly way is nobody's.
  expect(leftoverStep({ volumeId: away.id, slaveId, epoch: 2, lost: true }, stored, { slaveId, observed: 'suspended' }, world())).toMatchObject({ kind: 'drop' });
});
