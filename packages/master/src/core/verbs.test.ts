import fc from 'fast-check';
import { desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { neverUnused, type InstanceRecord } from './instance-record';
import { operationProgress } from './operation-progress';
import { answerVerb, desiredByVerb, verbs } from './verbs';

const instance = (facts: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: 'instance-1', name: 'i-ubuntu-9af', type: 'BE', userId: 'u', groupId: null, imageId: 'e', kernelId: null, ramdiskId: null, kernelArguments: '', vcpus: 1,
  ramMiB: 256, diskMiB: 100, bandwidthMbps: null, sshPublicKeys: [], slaveId: 'slave-1', desired: 'running', stopForced: false, observed: 'running', generation: 5,
  observedGeneration: 5, reason: null, booted: true, progressPercent: null, mac: null, address: '10.77.0.5', createdAt: 0, changedAt: 0, deadlineAt: null, minutes: null, endsAt: null,
  priority: { pfv: 1, ras: 0, mon: 0, log2R: 8, lnE: 4.787492, pf: -11.787492, pi: 7.642502 }, requestedMinutes: 120, reservationId: null, queuedAt: null, queuedBecause: null, nominatedSlaveId: null, preemptions: 0, preemptedOn: null, diskEpoch: 1, observedDiskEpoch: 1, diskImageId: null, ramImageId: null, ramSavedOn: null, waitsSince: null, ...neverUnused, ...facts,
});
const anyInstance = fc
  .record({
    slaveId: fc.constantFrom('slave-1', null),
    desired: fc.constantFrom(...desiredStateSchema.options),
    observed: fc.constantFrom(...observedStateSchema.options),
    stopForced: fc.boolean(),
    queuedAt: fc.constantFrom(null, 1),
    observedGeneration: fc.constantFrom(4, 5),
  })
  // Who waits to go on waits where its disk is, and is saved or off.
  .filter(({ queuedAt, slaveId, desired, observed }) => queuedAt === null || (slaveId !== null && (desired === 'suspended' || desired === 'stopped') && observed !== 'requested' && observed !== 'queued'))
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
        if (known.observed === 'failed' || known.observed === 'lost') return;
        const already = { kind: 'already' };
        if (answer.kind === 'change') {
          const after = { ...known, desired: answer.desired, stopForced: answer.desired === 'stopped' && force, generation: known.generation + 1, queuedAt: null };
          expect(answerVerb(after, verb, force)).toEqual(already);
        }
        if (answer.kind === 'enqueue') expect(answerVerb({ ...known, queuedAt: 1 }, verb, force)).toEqual(already);
        if (answer.kind === 'dequeue') expect(answerVerb({ ...known, queuedAt: null }, verb, force)).toEqual(already);
      }),
    );
  });

  it('lets what is saved or off wait for the scheduler, and what waits be left as it is', () => {
    const noRoom = { code: 'NotEnoughDisk', sentence: 'There is no room for its RAM.' } as const;
    expect(answerVerb(instance({ desired: 'suspended', observed: 'running', reason: noRoom, generation: 4, observedGeneration: 4 }), 'resume', false)).toEqual({ kind: 'change', desired: 'running' });
    for (const [desired, verb] of [['suspended', 'resume'], ['stopped', 'start']] as const) {
      const saved = instance({ desired, observed: desired });
      expect(answerVerb(saved, verb, false)).toEqual({ kind: 'enqueue' });
      const waits = { ...saved, queuedAt: 1 };
      expect(answerVerb(waits, verb, false)).toEqual({ kind: 'already' });
      expect(answerVerb(waits, 'stop', false)).toEqual({ kind: 'change', desired: 'stopped' });
      expect(answerVerb(waits, 'suspend', false)).toMatchObject({ kind: desired === 'suspended' ? 'dequeue' : 'conflict' });
    }
    expect(answerVerb(instance({ observed: 'failed' }), 'start', false)).toEqual({ kind: 'change', desired: 'running' });
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

  it('has failed when its slave has nothing of the instance any more; a deletion goes on', () => {
    const gone = { observed: 'lost', reason: { code: 'DomainLost', sentence: 'lab-1 left the pool.' } } as const;
    expect(operationProgress(instance(gone), 'lab-1')).toEqual({ state: 'failed', sentence: 'lab-1 left the pool.' });
    expect(operationProgress(instance({ ...gone, observedGeneration: 4 }), 'lab-1').state).toBe('pending');
    expect(operationProgress(instance({ ...gone, desired: 'deleted' }), 'lab-1').state).toBe('pending');
  });

  it('says where it is in every state', () => {
    fc.assert(fc.property(anyInstance, (known) => expect(operationProgress(known, 'lab-1').sentence.length).toBeGreaterThan(5)));
    expect(operationProgress(instance({ observed: 'preparing', progressPercent: 38.9 }), 'lab-pc-07').sentence).toBe('preparing on lab-pc-07: image 38 %');
  });
});
