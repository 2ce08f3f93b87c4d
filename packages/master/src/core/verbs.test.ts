import fc from 'fast-check';
import { desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import type { InstanceRecord } from './instance-record';
import { operationProgress } from './operation-progress';
import { answerVerb, desiredByVerb, verbs } from './verbs';

const instance = (facts: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: 'instance-1', name: 'i-ubuntu-9af', type: 'BE', userId: 'u', groupId: null, imageId: 'e', kernelId: null, ramdiskId: null, kernelArguments: '', vcpus: 1,
  ramMiB: 256, diskMiB: 100, bandwidthMbps: null, sshPublicKeys: [], slaveId: 'slave-1', desired: 'running', stopForced: false, observed: 'running', generation: 5,
  observedGeneration: 5, reason: null, booted: true, progressPercent: null, mac: null, address: '10.77.0.5', createdAt: 0, changedAt: 0, deadlineAt: null, minutes: null, endsAt: null, ...facts,
});
const anyInstance = fc
  .record({
    slaveId: fc.constantFrom('slave-1', null),
    desired: fc.constantFrom(...desiredStateSchema.options),
    observed: fc.constantFrom(...observedStateSchema.options),
    stopForced: fc.boolean(),
    observedGeneration: fc.constantFrom(4, 5),
  })
  .map(instance);

describe('a verb', () => {
  it('is answered in every state: it is so already, it changes what should be, or a sentence says why not', () => {
    fc.assert(
      fc.property(anyInstance, fc.constantFrom(...verbs), fc.boolean(), (known, verb, force) => {
        const answer = answerVerb(known, verb, force);
        if (answer.kind === 'change') expect(answer.desired).toBe(desiredByVerb[verb]);
        if (answer.kind === 'conflict') expect(answer.sentence).toContain(known.name);
        if (verb === 'delete') expect(answer.kind).not.toBe('conflict');
        if (answer.kind === 'requeue') expect(known.slaveId).toBeNull();
      }),
    );
  });

  it('asked twice changes nothing the second time', () => {
    fc.assert(
      fc.property(anyInstance, fc.constantFrom(...verbs), fc.boolean(), (known, verb, force) => {
        const answer = answerVerb(known, verb, force);
        // What failed or was lost may be asked again; everything else is on its way.
        if (answer.kind !== 'change' || known.observed === 'failed' || known.observed === 'lost') return;
        const after = { ...known, desired: answer.desired, stopForced: answer.desired === 'stopped' && force, generation: known.generation + 1 };
        expect(answerVerb(after, verb, force)).toEqual({ kind: 'already' });
      }),
    );
  });

  it('names the way out of a conflict', () => {
    expect(answerVerb(instance({ desired: 'stopped', observed: 'stopped' }), 'resume', false)).toMatchObject({ sentence: expect.stringContaining('Start it instead') as string });
    expect(answerVerb(instance({ observed: 'preparing', booted: false }), 'suspend', false)).toMatchObject({ sentence: expect.stringContaining('stop it now') as string });
    expect(answerVerb(instance({ slaveId: null, observed: 'queued' }), 'stop', false)).toMatchObject({ sentence: expect.stringContaining('Delete it') as string });
  });
});

describe('an operation', () => {
  it('is done only when the newest generation was answered', () => {
    expect(operationProgress(instance(), 'lab-1')).toEqual({ state: 'done', sentence: 'i-ubuntu-9af runs on lab-1 at 10.77.0.5.' });
    expect(operationProgress(instance({ observedGeneration: 4 }), 'lab-1').state).toBe('pending');
    expect(operationProgress(instance({ observed: 'failed', observedGeneration: 4 }), 'lab-1').state).toBe('pending');
    expect(operationProgress(instance({ observed: 'failed', reason: { code: 'DiskError', sentence: 'The disk broke.' } }), 'lab-1')).toEqual({ state: 'failed', sentence: 'The disk broke.' });
  });

  it('says where it is in every state', () => {
    fc.assert(fc.property(anyInstance, (known) => expect(operationProgress(known, 'lab-1').sentence.length).toBeGreaterThan(5)));
    expect(operationProgress(instance({ observed: 'preparing', progressPercent: 38.9 }), 'lab-pc-07').sentence).toBe('preparing on lab-pc-07: image 38 %');
  });
});
