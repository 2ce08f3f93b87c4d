import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import fc from 'fast-check';
import type { DomainState } from '../hypervisor/driver';
import type { FailureCode } from './failures';
import { noMarks, type Marks } from './marks';
import type { Plan } from './plan';
import { reconcile } from './reconcile';
import { Model, type ModelGuest, type ModelHost } from './reconcile.model';

const id = '0192f0c1-2345-7abc-8def-0123456789ab';
const image = { imageId: id, sha256: '1'.repeat(64), sizeBytes: 1000, format: 'raw' as const };
const spec: InstanceSpec = {
  name: 'i-ubuntu-9af', vcpus: 1, ramMiB: 128, diskMiB: 64, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: [] },
};
type Kept = Exclude<DesiredState, 'deleted'>;
const order = (desired: Kept, generation: number, diskEpoch: number): DesiredInstance => ({ instanceId: id, generation, desired, spec: { ...spec, diskEpoch } });
const worked: Marks = { ...noMarks, made: true, diskEpoch: 1, booted: true, ran: { generation: 1, hostBootId: 'boot-b' }, up: 'yes' };
const host = (state: DomainState | null, further: Partial<ModelHost> = {}): ModelHost => ({
  domain: state === null ? null : { state, generation: 1 },
  files: true, epoch: 1, leftovers: false, awaitsRam: false, written: true, missingImages: [], address: 'right', networkReady: true, leased: true, hostBootId: 'boot-b', mirror: 'well', ...further,
});
const guest = (further: Partial<ModelGuest> = {}): ModelGuest => ({ takesAddress: true, obeysPowerButton: true, diskErrors: 0, faults: [], ...further });
const model = (desired: DesiredInstance, on: ModelHost, marks: Marks = worked, how: ModelGuest = guest()): Model => new Model(id, spec, structuredClone(on), structuredClone(how), { desired, marks, timeOver: false });

const look = (m: Model): Plan => {
  m.look();
  return reconcile(m.known, m.facts(), m.recollection, m.nowMs);
};

/** Plans and acts until nothing is left to do. The step at which the agent dies, counted from 0, is done as far as it goes by itself. */
function run(m: Model, check: (plan: Plan) => void = () => undefined, diesAt = -1): Plan {
  let begun = 0;
  for (let round = 0; round < 300; round += 1) {
    const plan = look(m);
    check(plan);
    for (const step of plan.steps) {
      if (begun++ !== diesAt) m.apply(step);
      else {
        m.die(step);
        break;
      }
    }
    if (plan.steps.length > 0) continue;
    if (plan.wakeAtMs === null) return plan;
    m.nowMs = Math.max(plan.wakeAtMs, m.nowMs + 10_000);
    if (plan.observed?.state === 'running') return plan;
  }
  throw new Error(`did not converge: ${m.done.slice(-12).join(' ')}`);
}

const states = [null, 'running', 'paused', 'paused-io', 'shutting-down', 'off', 'saved', 'crashed'] as const;
const codes: readonly FailureCode[] = ['failed', 'timeout', 'unavailable', 'no-room', 'hung', 'no-effect'];
const worldArbitrary = fc.record({
  state: fc.constantFrom(...states),
  files: fc.boolean(),
  desired: fc.constantFrom<Kept>('running', 'suspended', 'stopped'),
  faults: fc.array(fc.option(fc.constantFrom(...codes)), { maxLength: 6 }),
  diesAt: fc.integer({ min: -1, max: 6 }),
});

test('whatever it does, and wherever its agent dies, what is of an earlier epoch goes before anything is told but that it goes', () => {
  fc.assert(
    fc.property(worldArbitrary, ({ state, files, desired, faults, diesAt }) => {
      const m = model(order(desired, 2, 2), host(state, { files }), worked, guest({ faults: [...faults] }));
      const last = run(m, ({ observed }) => {
        const earlierIsHere = m.host.files && m.host.epoch < 2;
        if (earlierIsHere) expect(['preparing', 'stopping']).toContain(observed?.state);
        if (earlierIsHere) expect(observed?.diskEpoch).toBe(1);
      }, diesAt);
      expect(last.observed).toMatchObject({ generation: 2, diskEpoch: 2 });
      expect(m.host.files && m.host.epoch < 2).toBe(false);
      expect(m.done).not.toContain('save');
      expect(m.done).not.toContain('shutdown');
      // Its address is its own all the while; a launch that failed for good gives it back.
      if (last.observed?.state !== 'failed') expect(m.host.address).toBe('right');
      if (faults.every((fault) => fault === null)) expect(last.observed?.state).toBe(desired === 'running' ? 'running' : 'stopped');
    }),
    { numRuns: 2000 },
  );
});

test('one that is killed at any step finds the earlier disk whole, or none of it', () => {
  fc.assert(
    fc.property(worldArbitrary, ({ state, desired, diesAt }) => {
      const m = model(order(desired, 2, 2), host(state));
      for (let begun = 0; begun <= diesAt; begun += 1) {
        const [step] = look(m).steps;
        if (step === undefined) return;
        if (begun < diesAt) m.apply(step);
        else m.die(step);
      }
      if (!m.host.files) return;
      // An agent of an earlier release knows no epochs: what it finds is somebody's disk, and it keeps it.
      const earlier = model({ instanceId: id, generation: 2, desired, spec }, m.host, m.known.marks);
      const wasEpoch = m.host.epoch;
      run(earlier);
      expect(earlier.host).toMatchObject({ files: true, epoch: wasEpoch });
      expect(earlier.done).not.toContain('remove-files');
    }),
    { numRuns: 500 },
  );
});

test('an order for the same epoch, or for a lower one, removes nothing that has booted', () => {
  fc.assert(
    fc.property(worldArbitrary, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }), fc.option(fc.integer({ min: 1, max: 3 })), ({ state, desired, faults, diesAt }, wanted, higher, noted) => {
      const epoch = wanted + higher;
      const m = model(order(desired, 2, wanted), host(state, { epoch }), { ...worked, diskEpoch: noted }, guest({ faults: [...faults] }));
      const last = run(m, (plan) => {
        for (const { kind } of plan.steps) expect(kind).not.toBe('remove-files');
        if (desired !== 'stopped') for (const { kind } of plan.steps) expect(kind).not.toBe('destroy');
      }, diesAt);
      expect(m.host).toMatchObject({ files: true, epoch });
      expect(last.observed?.diskEpoch).toBe(epoch);
    }),
    { numRuns: 1000 },
  );
});

test('resets one after the other, each coming when the one before has got somewhere, end in the last one’s disk', () => {
  fc.assert(
    fc.property(fc.constantFrom(...states), fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 }), (state, rounds) => {
      const m = model(order('running', 1, 1), host(state));
      let [generation, epoch] = [1, 1];
      for (const steps of rounds) {
        [generation, epoch] = [generation + 1, epoch + 1];
        m.known = { ...m.known, desired: order('running', generation, epoch) };
        m.recollection = { ...m.recollection, failures: new Map() };
        for (let round = 0; round < steps; round += 1) for (const step of look(m).steps) m.apply(step);
      }
      expect(run(m).observed).toMatchObject({ state: 'running', generation, diskEpoch: epoch });
      expect(m.host).toMatchObject({ files: true, epoch, domain: { state: 'running' } });
    }),
    { numRuns: 500 },
  );
});

test('a running guest loses its power, its definition and its disk, in this order, and begins from its image', () => {
  const m = model(order('running', 2, 2), host('running'));
  const told: string[] = [];
  const last = run(m, ({ observed }) => told.push(`${observed?.state} of ${observed?.diskEpoch}`));
  expect(m.done.filter((kind) => kind !== 'note')).toEqual(['destroy', 'undefine', 'remove-files', 'create-files', 'define', 'start']);
  expect([...new Set(told)]).toEqual(['stopping of 1', 'preparing of 1', 'preparing of 2', 'running of 2']);
  expect(last.observed).toMatchObject({ state: 'running', reason: null });
  expect(m.known.marks).toMatchObject({ made: true, booted: true, diskEpoch: 2, ran: { generation: 2 } });
});

test('one that was saved and is to be off has nothing here any more, and its next start makes it anew', () => {
  const m = model(order('stopped', 2, 2), host('saved'));
  expect(run(m).observed).toMatchObject({ state: 'stopped', reason: null, diskEpoch: 2 });
  expect(m.host).toMatchObject({ domain: null, files: false, address: 'right' });
  m.known = { ...m.known, desired: order('running', 3, 2) };
  expect(run(m).observed).toMatchObject({ state: 'running', diskEpoch: 2 });
  expect(m.host).toMatchObject({ files: true, epoch: 2 });
});

test('one whose domain and disk vanished behind the agent’s back begins anew too', () => {
  const m = model(order('running', 1, 1), host(null, { files: false }));
  expect(run(m).observed).toMatchObject({ state: 'failed', reason: { code: 'DomainLost' } });
  m.known = { ...m.known, desired: order('running', 2, 2) };
  expect(run(m).observed).toMatchObject({ state: 'running', reason: null, diskEpoch: 2 });
});

test('what cannot be removed is told, tried again, and never called running', () => {
  const m = model(order('running', 2, 2), host('off'), worked, guest({ faults: [null, 'failed', 'failed', 'failed', 'failed'] }));
  const told = new Set<string>();
  const last = run(m, ({ observed }) => told.add(`${observed?.state} ${observed?.reason?.sentence ?? ''}`));
  expect([...told][1]).toBe('preparing It is to begin anew, and what was there is not gone yet. On this host its files could not be removed after 3 attempts: model failed It is tried again.');
  expect(last.observed).toMatchObject({ state: 'running', reason: null, diskEpoch: 2 });
});

test('what is left of a removal that failed half way goes before anything new is made, and is no reason to believe that a disk was never there', () => {
  const halfGone = host(null, { files: false, leftovers: true });
  const never = model(order('running', 2, 1), halfGone, noMarks);
  expect(look(never).steps).toEqual([{ kind: 'remove-files', before: {} }]);
  expect(run(never).observed?.state).toBe('running');
  const work = model(order('running', 1, 1), halfGone);
  expect(run(work).observed).toMatchObject({ state: 'failed', reason: { code: 'DomainLost' } });
  expect(work.known.marks.booted).toBe(true);
});
