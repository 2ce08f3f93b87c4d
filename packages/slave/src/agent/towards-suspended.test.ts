import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { transitionalStates } from '@paravcl/shared/domain/instance-state';
import fc from 'fast-check';
import type { DomainState } from '../hypervisor/driver';
import type { FailureCode } from './failures';
import { noMarks } from './marks';
import type { Plan } from './plan';
import { reconcile } from './reconcile';
import { Model, type ModelGuest } from './reconcile.model';
import { pausedWaitMs } from './towards-suspended';

const id = '0192f0c1-2345-7abc-8def-0123456789ab';
const image = { imageId: id, sha256: '1'.repeat(64), sizeBytes: 1000, format: 'raw' as const };
const spec: InstanceSpec = {
  name: 'i-ubuntu-9af', vcpus: 1, ramMiB: 128, diskMiB: 64, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: [] },
};
const wanted = (desired: 'running' | 'suspended' | 'stopped', generation: number): DesiredInstance => ({ instanceId: id, generation, desired, spec });

/** A guest that has run for long, and is to be suspended. */
function suspending(guest: Partial<ModelGuest> = {}, state: DomainState = 'running'): Model {
  return new Model(
    id,
    spec,
    { domain: { state, generation: 1 }, files: true, epoch: 1, leftovers: false, awaitsRam: false, written: true, missingImages: [], address: 'right', networkReady: true, leased: true, hostBootId: 'boot-b', mirror: 'well' },
    { takesAddress: true, obeysPowerButton: true, diskErrors: 0, faults: [], ...guest },
    { desired: wanted('suspended', 2), marks: { ...noMarks, booted: true, up: 'yes', ran: { generation: 1, hostBootId: 'boot-b' } }, timeOver: false },
  );
}

/** One look and what follows from it; time passes when there is nothing to do before a wake. */
function round(m: Model): Plan {
  m.look();
  const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
  for (const step of plan.steps) m.apply(step);
  if (plan.steps.length === 0 && plan.wakeAtMs !== null) m.nowMs = plan.wakeAtMs;
  return plan;
}

test('a guest whose save need not wait is not paused beforehand: its save does that', () => {
  const m = suspending();
  while (round(m).observed?.state !== 'suspended');
  expect(m.done).toEqual(['save']);
});

test('a guest that has to wait for the saves of others is paused first', () => {
  const m = suspending({ saveWaitsMs: [pausedWaitMs] });
  while (round(m).observed?.state !== 'suspended');
  expect(m.done).toEqual(['pause', 'save']);
});

test('a guest that cannot be paused is saved all the same', () => {
  const m = suspending({ saveWaitsMs: [1000], faults: ['failed'] });
  while (round(m).observed?.state !== 'suspended');
  expect(m.done).toEqual(['pause', 'save']);
  expect(m.nowMs).toBe(1000 + 1000);
});

test('a guest whose turn does not come is continued in time to be told of before the master gives up, and is saved when it comes', () => {
  expect(pausedWaitMs).toBeLessThan(transitionalStates.suspending?.deadlineMs ?? 0);
  const m = suspending({ saveWaitsMs: [pausedWaitMs + 1, 3_600_000] });
  const told = new Map<string, string | undefined>();
  let continuedAtMs: number | null = null;
  for (let rounds = 0; rounds < 20; rounds += 1) {
    const { observed } = round(m);
    told.set(`${observed?.state} ${observed?.reason?.code ?? ''}`, observed?.reason?.sentence);
    continuedAtMs ??= m.done.at(-1) === 'continue' ? m.nowMs : null;
  }
  expect(continuedAtMs).toBe(1000 + pausedWaitMs);
  expect(m.done).toEqual(['pause', 'save', 'continue', 'save']);
  expect([...told.keys()]).toEqual(['suspending ', 'running SlaveRefused', 'suspended ']);
  expect(told.get('running SlaveRefused')).toMatch(/^On this host its RAM could not be saved: .* The guest keeps running; it is tried again\.$/);
});

test.each<[FailureCode, string]>([['no-room', 'NotEnoughDisk'], ['failed', 'SlaveRefused'], ['timeout', 'SlaveRefused']])('a guest that cannot be saved (%s) is continued at once, however it came to be paused, and runs while it is tried again', (saveFails, code) => {
  fc.assert(
    fc.property(fc.constantFrom<DomainState>('running', 'paused'), fc.array(fc.constantFrom(0, 1000, pausedWaitMs - 1, pausedWaitMs + 1), { maxLength: 4 }), fc.array(fc.constantFrom('failed', 'timeout', null), { maxLength: 6 }), (state, saveWaitsMs, faults) => {
      const m = suspending({ saveFails, saveWaitsMs, faults: [...faults] }, state);
      let pausedSinceMs: number | null = null;
      let last: Plan | null = null;
      for (let rounds = 0; rounds < 200; rounds += 1) {
        last = round(m);
        const isPaused = m.host.domain?.state === 'paused';
        pausedSinceMs = isPaused ? (pausedSinceMs ?? m.nowMs) : null;
        // What keeps it paused beyond its wait is what keeps it from being continued.
        const refusedMs = 10_000 * faults.filter((fault) => fault !== null).length;
        if (pausedSinceMs !== null) expect(m.nowMs - pausedSinceMs).toBeLessThanOrEqual(pausedWaitMs + refusedMs);
      }
      expect(m.host.domain?.state).toBe('running');
      expect(m.done.filter((kind) => kind === 'save').length).toBeGreaterThan(10);
      expect(last?.observed).toMatchObject({ state: 'running', reason: { code } });
    }),
    { numRuns: 300 },
  );
});

test.each(['running', 'stopped'] as const)('a guest that waits paused and is wanted %s is continued', (desired) => {
  const m = suspending({ saveWaitsMs: [pausedWaitMs] });
  round(m);
  expect(m.host.domain?.state).toBe('paused');
  m.known = { ...m.known, desired: wanted(desired, 3) };
  round(m);
  expect(m.done).toEqual(['pause', 'continue']);
  expect(m.host.domain?.state).toBe('running');
});

test('a guest is saved that an agent which died meanwhile had paused', () => {
  const m = suspending({ saveWaitsMs: [1000] });
  round(m);
  m.restartAgent();
  while (round(m).observed?.state !== 'suspended');
  expect(m.done).toEqual(['pause', 'save']);
});
