import fc from 'fast-check';
import { canMove, desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { reasonCodes } from '@paravcl/shared/domain/reasons';
import { observedInstanceSchema, type ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { neverUnused, type InstanceRecord, type PlacementRecord } from './instance-record';
import { judgeReport } from './judge-report';
import { nextGeneration } from './next-generation';

const lab = { id: 'slave-1', name: 'lab-1' };
const instance = (facts: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: 'instance-1', name: 'i-ubuntu-9af', type: 'BE', userId: 'u', groupId: null, imageId: 'e', kernelId: null, ramdiskId: null, kernelArguments: '', vcpus: 1,
  ramMiB: 256, diskMiB: 100, bandwidthMbps: null, sshPublicKeys: [], slaveId: lab.id, desired: 'running', stopForced: false, observed: 'running', generation: 5,
  observedGeneration: 5, reason: null, booted: true, progressPercent: null, mac: null, address: null, createdAt: 0, changedAt: 0, deadlineAt: null, minutes: 120, endsAt: 7_200_000,
  priority: { pfv: 1, ras: 0, mon: 0, log2R: 8, lnE: 4.787492, pf: -11.787492, pi: 7.642502 }, requestedMinutes: 120, reservationId: null, queuedAt: null, queuedBecause: null, nominatedSlaveId: null, preemptions: 0, preemptedOn: null, diskEpoch: 1, observedDiskEpoch: 1, diskImageId: null, ramImageId: null, ramSavedOn: null, waitsSince: null, ...neverUnused, ...facts,
});
const placement = (facts: Partial<PlacementRecord> = {}): PlacementRecord => ({ id: 'p', instanceId: 'instance-1', slaveId: lab.id, generation: 2, state: 'active', ...facts });
const report = (facts: Partial<ObservedInstance> = {}): ObservedInstance => ({ instanceId: 'instance-1', generation: 5, state: 'running', reason: null, progressPercent: null, ...facts });

const anyInstance = fc.record({
  slaveId: fc.constantFrom(lab.id, 'slave-2', null),
  desired: fc.constantFrom(...desiredStateSchema.options),
  observed: fc.constantFrom(...observedStateSchema.options),
  generation: fc.integer({ min: 1, max: 4 }),
  observedGeneration: fc.integer({ min: 0, max: 4 }),
  booted: fc.boolean(),
}).map(instance);
const anyPlacement = fc.option(fc.record({ generation: fc.integer({ min: 1, max: 4 }), state: fc.constantFrom('active' as const, 'cleaning' as const, 'clean' as const, 'given-up' as const) }).map(placement), { nil: null });
const anyReason = fc.option(fc.constantFrom(...reasonCodes).map((code) => ({ code, sentence: code })), { nil: null });
const anyReport = fc.record({ generation: fc.integer({ min: 1, max: 5 }), state: fc.constantFrom(...observedInstanceSchema.unwrap().shape.state.options), reason: anyReason }).map(report);

describe('a report', () => {
  it('moves an instance only by an accepted move, from the slave that holds it, under the newest generation', () => {
    fc.assert(
      fc.property(anyInstance, anyPlacement, anyReport, (known, held, said) => {
        const verdict = judgeReport(lab, known, held, said);
        if (verdict.kind !== 'observe' && verdict.kind !== 'next-candidate') return;
        expect(known.slaveId).toBe(lab.id);
        // Newer only when the books are older than what happened, and then all is gone.
        if (said.generation !== known.generation) expect([verdict.kind === 'observe' && verdict.to, said.state, said.generation > known.generation]).toEqual(['lost', 'deleted', true]);
        expect(held?.state).not.toBe('clean');
        if (verdict.kind === 'observe') expect(verdict.to === known.observed || canMove(known.observed, verdict.to)).toBe(true);
        else expect([known.booted, known.desired, canMove(known.observed, 'queued')]).toEqual([false, 'running', true]);
      }),
      { numRuns: 2000 },
    );
  });

  it('is answered by a tombstone only when a placement proves that it was taken away from that slave, and always by a newer one', () => {
    fc.assert(
      fc.property(anyInstance, anyPlacement, anyReport, (known, held, said) => {
        const verdict = judgeReport(lab, known, held, said);
        if (verdict.kind === 'repeat-tombstone') expect(verdict.generation).toBeGreaterThan(said.generation);
        if (verdict.kind !== 'owe-tombstone' && verdict.kind !== 'repeat-tombstone') return;
        if (held === null) throw new Error('A tombstone for what was never placed there.');
        expect(said.generation).toBeLessThanOrEqual(Math.max(held.generation, known.generation));
        expect(known.slaveId === lab.id && held.state === 'active').toBe(false);
        expect(nextGeneration(known, [held], said.generation)).toBeGreaterThan(said.generation);
      }),
      { numRuns: 2000 },
    );
  });

  it('of what the books cannot explain, as after a restore of an old backup, never takes anything away', () => {
    fc.assert(
      fc.property(anyInstance, anyPlacement, anyReport, fc.integer({ min: 10, max: 20 }), (known, held, said, newer) => {
        const verdict = judgeReport(lab, known, held, { ...said, generation: newer });
        expect(['unknown', 'adopt', 'forget', 'cleaned', 'observe', 'impossible']).toContain(verdict.kind);
        // Only what is wanted gone, or said to be gone, is not left as it is.
        if (said.state !== 'deleted') expect(verdict.kind).toBe(known.slaveId === lab.id && (held?.state === 'active' || (held?.state === 'cleaning' && known.desired === 'deleted')) ? 'adopt' : 'unknown');
        if (verdict.kind === 'observe') expect(verdict.to).toBe('lost');
      }),
      { numRuns: 2000 },
    );
  });

  it('from a slave that the books never placed it on is left alone', () => {
    expect(judgeReport(lab, instance({ slaveId: null, observed: 'queued', booted: false }), null, report({ generation: 7 }))).toEqual({ kind: 'unknown' });
    expect(judgeReport(lab, instance({ slaveId: 'slave-2' }), null, report({ generation: 7 }))).toEqual({ kind: 'unknown' });
    expect(judgeReport(lab, instance({ slaveId: 'slave-2' }), placement({ state: 'clean', generation: 4 }), report({ generation: 7 }))).toEqual({ kind: 'unknown' });
    expect(judgeReport(lab, instance({ slaveId: 'slave-2' }), placement({ state: 'clean', generation: 4 }), report({ generation: 2 }))).toEqual({ kind: 'owe-tombstone' });
  });

  it('of its holder under a newer generation than the books know is taken up, so that it obeys again', () => {
    expect(judgeReport(lab, instance(), placement(), report({ generation: 9 }))).toEqual({ kind: 'adopt' });
  });

  it('that cannot follow what is known is told apart from an old one', () => {
    expect(judgeReport(lab, instance({ observed: 'queued' }), placement(), report())).toEqual({ kind: 'impossible' });
    expect(judgeReport(lab, instance(), placement(), report({ generation: 4 }))).toEqual({ kind: 'ignore' });
  });

  it('that something is deleted ends a tombstone only when it answers that one', () => {
    const cleaning = placement({ state: 'cleaning', generation: 6 });
    expect(judgeReport(lab, instance(), cleaning, report({ state: 'deleted', generation: 6 }))).toEqual({ kind: 'cleaned', placementId: 'p' });
    expect(judgeReport(lab, instance(), cleaning, report({ state: 'deleted', generation: 5 }))).toEqual({ kind: 'repeat-tombstone', generation: 6 });
    expect(judgeReport(lab, instance(), placement({ state: 'clean' }), report({ state: 'deleted' }))).toEqual({ kind: 'forget' });
    expect(judgeReport(lab, null, null, report({ state: 'deleted' }))).toEqual({ kind: 'forget' });
  });

  it('that what should be there is gone makes it lost, never deleted', () => {
    expect(judgeReport(lab, instance(), placement(), report({ state: 'deleted' }))).toMatchObject({ kind: 'observe', to: 'lost', reason: { code: 'DomainLost' } });
  });

  it('about an id that was never made changes nothing', () => {
    expect(judgeReport(lab, null, null, report())).toEqual({ kind: 'unknown' });
  });

  it('of a guest that is off means a power-off only after it was seen running under this generation', () => {
    const off = report({ state: 'stopped' });
    expect(judgeReport(lab, instance(), placement(), off)).toMatchObject({ to: 'stopped', accept: 'stopped', reason: { code: 'StoppedByGuest' } });
    expect(judgeReport(lab, instance({ observedGeneration: 4 }), placement(), off)).toMatchObject({ to: 'stopped', accept: null });
    expect(judgeReport(lab, instance({ observed: 'stopped' }), placement(), off)).toMatchObject({ to: 'stopped', accept: null });
  });

  it('of a host that restarted and cannot start it again keeps it wanted: it is tried on', () => {
    expect(judgeReport(lab, instance(), placement(), report({ state: 'preparing' }))).toMatchObject({ kind: 'observe', to: 'preparing', accept: null });
    const off = report({ state: 'stopped', reason: { code: 'LaunchFailed', sentence: 'The image server does not answer. Its disk is kept.' } });
    expect(judgeReport(lab, instance(), placement(), off)).toEqual({ kind: 'observe', to: 'stopped', reason: off.reason, accept: null });
    expect(judgeReport(lab, instance({ observed: 'booting' }), placement(), off)).toMatchObject({ accept: null });
  });

  it('of a failed launch means the next slave only while the guest has never run', () => {
    const failed = report({ state: 'failed' });
    expect(judgeReport(lab, instance({ booted: false, observed: 'preparing' }), placement(), failed)).toMatchObject({ kind: 'next-candidate', reason: { code: 'LaunchFailed' } });
    expect(judgeReport(lab, instance(), placement(), failed)).toMatchObject({ kind: 'observe', to: 'failed' });
  });
});

describe('a guest that is off when it should be saved', () => {
  it('stays off: there is nothing to save', () => {
    const known = instance({ desired: 'suspended', observedGeneration: 4 });
    expect(judgeReport(lab, known, placement(), report({ state: 'stopped' }))).toMatchObject({ to: 'stopped', accept: 'stopped', reason: { code: 'StoppedByGuest' } });
  });

  it('says why it is off for as long as it stays off, also when what crashed has to be taken down for that', () => {
    for (const code of ['StoppedByGuest', 'StoppedByUser', 'TimeEnded'] as const) {
      const reason = { code, sentence: 'The guest crashed.' };
      const known = instance({ desired: 'stopped', observed: 'stopped', reason });
      expect(judgeReport(lab, known, placement(), report({ state: 'stopped' }))).toEqual({ kind: 'observe', to: 'stopped', reason, accept: null });
      expect(judgeReport(lab, known, placement(), report({ state: 'stopping' }))).toEqual({ kind: 'observe', to: 'stopping', reason, accept: null });
      expect(judgeReport(lab, { ...known, observed: 'stopping' }, placement(), report({ state: 'stopped' }))).toEqual({ kind: 'observe', to: 'stopped', reason, accept: null });
      // One that ran, and was switched off by its owner.
      expect(judgeReport(lab, { ...known, observed: 'running' }, placement(), report({ state: 'stopping' }))).toMatchObject({ reason: null });
    }
  });
});

describe('a report that the slave ended the time alone', () => {
  const ended = { code: 'TimeEnded' as const, sentence: 'Its time was over at Mon 12:00.' };

  it('makes what the slave did desired, under the same generation only', () => {
    for (const [state, accept] of [['suspending', 'suspended'], ['suspended', 'suspended'], ['stopped', 'stopped']] as const) {
      expect(judgeReport(lab, instance(), placement(), report({ state, reason: ended }))).toEqual({ kind: 'observe', to: state, reason: ended, accept });
      expect(judgeReport(lab, instance(), placement(), report({ state, reason: ended, generation: 4 }))).toEqual({ kind: 'ignore' });
      expect(judgeReport(lab, instance(), placement(), report({ state, reason: ended, generation: 6 }))).toEqual({ kind: 'adopt' });
    }
  });

  it('is taken up also before the master saw it run under that generation', () => {
    const booting = instance({ observed: 'booting', observedGeneration: 4 });
    expect(judgeReport(lab, booting, placement(), report({ state: 'suspended', reason: ended }))).toMatchObject({ accept: 'suspended' });
  });

  it('keeps it running on the books when it could not be saved: the slave tries on', () => {
    expect(judgeReport(lab, instance(), placement(), report({ state: 'running', reason: ended }))).toMatchObject({ to: 'running', accept: null });
  });

  it('accepts nothing where running is not desired, and only what the slave really reports', () => {
    fc.assert(
      fc.property(anyInstance, anyPlacement, anyReport, (known, held, said) => {
        const verdict = judgeReport(lab, known, held, { ...said, reason: ended });
        if (verdict.kind !== 'observe' || verdict.accept !== 'suspended') return;
        expect([known.desired, known.slaveId, said.generation]).toEqual(['running', lab.id, known.generation]);
        expect(['suspending', 'suspended']).toContain(verdict.to);
        expect(verdict.to).toBe(said.state);
      }),
      { numRuns: 2000 },
    );
  });

  it('is why it is saved, also when the slave gives no reason on its way there', () => {
    const known = instance({ desired: 'suspended', reason: ended });
    expect(judgeReport(lab, known, placement(), report({ state: 'suspending' }))).toMatchObject({ reason: ended });
    expect(judgeReport(lab, { ...known, observed: 'suspending' }, placement(), report({ state: 'suspended' }))).toMatchObject({ reason: ended });
    expect(judgeReport(lab, { ...known, desired: 'running' }, placement(), report({ state: 'running' }))).toMatchObject({ reason: null });
  });

  it('keeps what one waits for when its slave only says again that it is off', () => {
    const waiting = instance({ desired: 'stopped', observed: 'stopped', queuedAt: 1, queuedBecause: 'asked', reason: { code: 'NotEnoughCores', sentence: 'It waits.' } });
    expect(judgeReport(lab, waiting, placement(), report({ state: 'stopped' }))).toMatchObject({ kind: 'observe', to: 'stopped', reason: { code: 'NotEnoughCores' } });
    expect(judgeReport(lab, { ...waiting, queuedAt: null }, placement(), report({ state: 'stopped' }))).toMatchObject({ reason: null });
  });

  it('is no answer to a reset as long as what it tells of is of an earlier epoch, whatever it says and whoever says it', () => {
    fc.assert(
      fc.property(anyReport, fc.constantFrom(undefined, 1), (said, diskEpoch) => {
        const known = instance({ desired: 'running', observed: 'preparing', booted: false, diskEpoch: 2 });
        const verdict = judgeReport(lab, known, placement(), { ...said, generation: 5, ...(diskEpoch === undefined ? {} : { diskEpoch }) });
        if (said.state === 'deleted') return;
        expect(verdict.kind).toBe('not-anew');
        if (verdict.kind === 'not-anew' && diskEpoch === undefined) expect(verdict.reason?.sentence).toContain('Update the agent');
      }),
    );
    const done = judgeReport(lab, instance({ observed: 'preparing', booted: false, diskEpoch: 2 }), placement(), report({ diskEpoch: 2 }));
    expect(done).toMatchObject({ kind: 'observe', to: 'running' });
  });

  it('of an agent that tells no epochs counts once an abler one had done the reset', () => {
    expect(judgeReport(lab, instance({ diskEpoch: 2, observedDiskEpoch: 2 }), placement(), report())).toMatchObject({ kind: 'observe', to: 'running' });
  });
});
