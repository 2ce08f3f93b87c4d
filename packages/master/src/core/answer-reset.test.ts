import { canMove, desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import fc from 'fast-check';
import { answerReset } from './answer-reset';
import { neverUnused, type InstanceRecord } from './instance-record';

const instance = (facts: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: 'instance-1', name: 'i-ubuntu-9af', type: 'BE', userId: 'u', groupId: null, imageId: 'e', kernelId: null, ramdiskId: null, kernelArguments: '', vcpus: 1,
  ramMiB: 256, diskMiB: 100, bandwidthMbps: null, sshPublicKeys: [], slaveId: 'slave-1', desired: 'running', stopForced: false, observed: 'running', generation: 5,
  observedGeneration: 5, reason: null, booted: true, progressPercent: null, mac: null, address: '10.77.0.5', createdAt: 0, changedAt: 0, deadlineAt: null, minutes: null, endsAt: null,
  priority: { pfv: 1, ras: 0, mon: 0, log2R: 8, lnE: 4.787492, pf: -11.787492, pi: 7.642502 }, requestedMinutes: 120, reservationId: null, queuedAt: null, queuedBecause: null,
  nominatedSlaveId: null, preemptions: 0, preemptedOn: null, diskEpoch: 1, observedDiskEpoch: 1, diskImageId: null, ramImageId: null, ramSavedOn: null, waitsSince: null, ...neverUnused, ...facts,
});

test('a reset is answered in every state, and moves an instance only where it can be seen next', () => {
  const anyInstance = fc.record({
    slaveId: fc.constantFrom('slave-1', null), desired: fc.constantFrom(...desiredStateSchema.options), observed: fc.constantFrom(...observedStateSchema.options),
    booted: fc.boolean(), diskEpoch: fc.integer({ min: 1, max: 2 }), diskImageId: fc.constantFrom('kept', null),
  });
  fc.assert(
    fc.property(anyInstance, fc.boolean(), (facts, toOther) => {
      const known = instance(facts);
      const answer = answerReset(known, toOther);
      if (answer.kind === 'conflict') expect(answer.sentence).toContain(known.name);
      if (answer.kind === 'already') expect(toOther).toBe(false);
      if (known.slaveId === null || known.desired === 'deleted' || known.observed === 'deleted') expect(answer.kind).not.toBe('anew');
      if (answer.kind !== 'anew') return;
      expect(answer.desired).toBe(known.desired === 'running' ? 'running' : 'stopped');
      if (answer.observed !== null && answer.observed !== known.observed) expect(canMove(known.observed, answer.observed)).toBe(true);
    }),
  );
});

test.each([
  ['one that runs runs again from its image', {}, { kind: 'anew', desired: 'running', observed: 'preparing' }],
  ['one that is saved is off: its save is gone', { desired: 'suspended', observed: 'suspended' }, { kind: 'anew', desired: 'stopped', observed: null }],
  ['one that is off stays off', { desired: 'stopped', observed: 'stopped' }, { kind: 'anew', desired: 'stopped', observed: null }],
  ['one that failed is tried again', { observed: 'failed', booted: false, diskEpoch: 2 }, { kind: 'anew', desired: 'running', observed: 'preparing' }],
  ['one whose disk vanished begins anew', { observed: 'lost' }, { kind: 'anew', desired: 'running', observed: null }],
  ['one that waits for a host begins from its image anyhow', { observed: 'queued', slaveId: null }, { kind: 'already' }],
  ['one that is off with its disk in the store begins from its image', { desired: 'stopped', observed: 'stopped', slaveId: null, booted: false, diskImageId: 'kept' }, { kind: 'forget' }],
  ['one that waits to come back from the store too', { observed: 'queued', slaveId: null, booted: false, diskImageId: 'kept' }, { kind: 'unmade' }],
  ['and one that is just coming back', { observed: 'preparing', booted: false, diskImageId: 'kept' }, { kind: 'anew', desired: 'running', observed: 'preparing' }],
  ['one that never found a host is tried again', { observed: 'failed', slaveId: null }, { kind: 'requeue' }],
  ['one that is being reset already', { observed: 'preparing', booted: false, diskEpoch: 2 }, { kind: 'already' }],
  ['one that is off and was reset already', { desired: 'stopped', observed: 'stopped', booted: false }, { kind: 'already' }],
  ['one that boots for the first time may have written something', { observed: 'booting', booted: false }, { kind: 'anew', desired: 'running', observed: 'preparing' }],
] as const)('%s', (_, facts, answer) => {
  expect(answerReset(instance(facts), false)).toEqual(answer);
});

test('one that is being reset begins from the version in production all the same, when that is another one', () => {
  expect(answerReset(instance({ observed: 'preparing', booted: false, diskEpoch: 2 }), true)).toEqual({ kind: 'anew', desired: 'running', observed: 'preparing' });
  expect(answerReset(instance({ observed: 'queued', slaveId: null }), true)).toEqual({ kind: 'unmade' });
});

test.each([['deleted', 'Launch a new one instead'], ['running', 'Reset it once it is there']] as const)('what cannot be reset says the way out: %s', (desired, words) => {
  expect(answerReset(instance({ desired, observed: desired === 'running' ? 'relocating' : 'running' }), false)).toMatchObject({ kind: 'conflict', sentence: expect.stringContaining(words) as string });
});
