import fc from 'fast-check';
import { canMove, desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { observedInstanceSchema, type ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { InstanceRecord, PlacementRecord } from './instance-record';
import { judgeReport } from './judge-report';

const lab = { id: 'slave-1', name: 'lab-1' };
const instance = (facts: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: 'instance-1', name: 'i-ubuntu-9af', type: 'BE', userId: 'u', groupId: null, imageId: 'e', kernelId: null, ramdiskId: null, kernelArguments: '', vcpus: 1,
  ramMiB: 256, diskMiB: 100, bandwidthMbps: null, sshPublicKeys: [], slaveId: lab.id, desired: 'running', stopForced: false, observed: 'running', generation: 5,
  observedGeneration: 5, reason: null, booted: true, progressPercent: null, mac: null, address: null, createdAt: 0, changedAt: 0, deadlineAt: null, ...facts,
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
const anyPlacement = fc.option(fc.record({ generation: fc.integer({ min: 1, max: 4 }), state: fc.constantFrom('active' as const, 'cleaning' as const, 'clean' as const) }).map(placement), { nil: null });
const anyReport = fc.record({ generation: fc.integer({ min: 1, max: 5 }), state: fc.constantFrom(...observedInstanceSchema.unwrap().shape.state.options) }).map(report);

describe('a report', () => {
  it('moves an instance only by an accepted move, from the slave that holds it, under the newest generation', () => {
    fc.assert(
      fc.property(anyInstance, anyPlacement, anyReport, (known, held, said) => {
        const verdict = judgeReport(lab, known, held, said);
        if (verdict.kind !== 'observe' && verdict.kind !== 'next-candidate') return;
        expect(known.slaveId).toBe(lab.id);
        expect(said.generation).toBe(known.generation);
        expect(held?.state).not.toBe('clean');
        if (verdict.kind === 'observe') expect(verdict.to === known.observed || canMove(known.observed, verdict.to)).toBe(true);
        else expect([known.booted, known.desired, canMove(known.observed, 'queued')]).toEqual([false, 'running', true]);
      }),
      { numRuns: 2000 },
    );
  });

  it('of something that does not belong there is always answered by a newer tombstone', () => {
    fc.assert(
      fc.property(anyInstance, anyPlacement, anyReport, (known, held, said) => {
        const verdict = judgeReport(lab, known, held, said);
        if (verdict.kind === 'owe-tombstone' || verdict.kind === 'repeat-tombstone') expect(verdict.generation).toBeGreaterThan(said.generation);
        if (known.slaveId !== lab.id && said.state !== 'deleted') expect(['owe-tombstone', 'repeat-tombstone', 'ignore']).toContain(verdict.kind);
      }),
      { numRuns: 2000 },
    );
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
});
