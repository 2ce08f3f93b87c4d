import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import fc from 'fast-check';
import type { DomainState } from '../hypervisor/driver';
import type { FailureCode } from './failures';
import { noMarks, type Marks } from './marks';
import type { Plan } from './plan';
import { reconcile } from './reconcile';
import { Model, type ModelGuest, type ModelHost } from './reconcile.model';
import { bootGraceMs } from './towards-running';
import { shutdownGraceMs } from './towards-stopped';
import { pausedWaitMs } from './towards-suspended';

const id = '0192f0c1-2345-7abc-8def-0123456789ab';
const image = (n: number) => ({ imageId: id, sha256: String(n).repeat(64), sizeBytes: 1000, format: 'raw' as const });
const spec: InstanceSpec = {
  name: 'i-ubuntu-9af',
  vcpus: 1,
  ramMiB: 128,
  diskMiB: 64,
  disk: image(1),
  kernel: image(2),
  ramdisk: image(3),
  kernelArguments: '',
  mac: '00:16:3e:00:00:01',
  address: '10.77.0.10',
  bandwidthMbps: null,
  seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: [] },
};
const withRam: InstanceSpec = { ...spec, ram: image(4) };
const wanted = (desired: DesiredState, generation: number, of: InstanceSpec = spec): DesiredInstance =>
  desired === 'deleted' ? { instanceId: id, generation, desired, spec: null } : { instanceId: id, generation, desired, spec: of };

const emptyHost = (): ModelHost => ({ domain: null, files: false, epoch: 1, leftovers: false, awaitsRam: false, written: false, missingImages: [image(1), image(2), image(3)], address: 'none', networkReady: true, leased: false, hostBootId: 'boot-b', mirror: 'well' });
const goodGuest = (): ModelGuest => ({ takesAddress: true, obeysPowerButton: true, diskErrors: 0, faults: [] });
const model = (desired: DesiredInstance, host: Partial<ModelHost> = {}, marks: Partial<Marks> = {}, guest: Partial<ModelGuest> = {}) =>
  new Model(id, spec, { ...emptyHost(), ...host }, { ...goodGuest(), ...guest }, { desired, marks: { ...noMarks, ...marks }, timeOver: false });

/** Plans and acts until nothing is left to do; time passes only when there is nothing to do before a wake. */
function run(m: Model, check: (plan: Plan, m: Model) => void = () => undefined, untilMs = 2 * 3600_000): Plan {
  for (let [round, quietRounds] = [0, 0]; round < 300; round += 1) {
    m.look();
    const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
    check(plan, m);
    for (const step of plan.steps) m.apply(step);
    quietRounds = plan.steps.length > 0 ? 0 : quietRounds + 1;
    if (plan.steps.length > 0) continue;
    if (plan.wakeAtMs === null || m.nowMs > untilMs) return plan;
    expect(plan.wakeAtMs).toBeGreaterThan(m.nowMs);
    // What polls for an address does so for minutes; here each wait is at least ten seconds.
    m.nowMs = Math.max(plan.wakeAtMs, m.nowMs + 10_000);
    // After the first of two quiet rounds what failed is tried again.
    if (quietRounds > 1 && m.known.desired?.desired === 'running' && !m.known.timeOver && m.known.marks.up === 'silent' && m.host.domain?.state === 'running') return plan;
  }
  throw new Error(`did not converge: ${m.done.slice(-12).join(' ')}`);
}

const domainStates: readonly DomainState[] = ['running', 'paused', 'migrating', 'paused-io', 'shutting-down', 'off', 'saved', 'crashed'];
const generationArbitrary = fc.integer({ min: 1, max: 3 });
const marksArbitrary: fc.Arbitrary<Marks> = fc.record({
  made: fc.boolean(),
  diskEpoch: fc.option(fc.integer({ min: 1, max: 3 })),
  booted: fc.boolean(),
  ran: fc.option(fc.record({ generation: generationArbitrary, hostBootId: fc.constantFrom('boot-a', 'boot-b') })),
  up: fc.constantFrom('no', 'silent', 'yes'),
  stopAsked: fc.boolean(),
  failed: fc.option(fc.record({ generation: generationArbitrary, reason: fc.constant({ code: 'LaunchFailed' as const, sentence: 'It failed.' }) })),
  lost: fc.option(fc.record({ generation: generationArbitrary })),
  migration: fc.option(fc.record({ generation: generationArbitrary, attempt: fc.constantFrom('made', 'begun', 'over', 'done') })),
  timeEnded: fc.option(fc.record({ generation: generationArbitrary })),
});
const hostArbitrary: fc.Arbitrary<ModelHost> = fc
  .record({
    domain: fc.option(fc.record({ state: fc.constantFrom(...domainStates), generation: generationArbitrary })),
    files: fc.boolean(),
    epoch: fc.integer({ min: 1, max: 3 }),
    leftovers: fc.boolean(),
    awaitsRam: fc.boolean(),
    missingImages: fc.subarray([image(1), image(2), image(3), image(4)]),
    address: fc.constantFrom('right', 'wrong', 'none'),
    networkReady: fc.constant(true),
    mirror: fc.constantFrom('well' as const, 'silent' as const, 'back' as const),
    leased: fc.boolean(),
    hostBootId: fc.constantFrom('boot-a', 'boot-b'),
  })
  // What runs has written, whoever let it go; what awaits RAM, or was only given it, has not.
  .map((host) => {
    const awaitsRam = host.files && host.awaitsRam;
    return { ...host, awaitsRam, written: !awaitsRam || (host.domain !== null && host.domain.state !== 'off' && host.domain.state !== 'saved') };
  });
const codes: readonly FailureCode[] = ['failed', 'timeout', 'unavailable', 'no-room', 'fetch-failed', 'image-corrupt', 'image-missing', 'hung', 'no-effect', 'save-unusable'];
const guestArbitrary: fc.Arbitrary<ModelGuest> = fc.record({
  takesAddress: fc.boolean(),
  obeysPowerButton: fc.boolean(),
  diskErrors: fc.integer({ min: 0, max: 6 }),
  faults: fc.array(fc.option(fc.constantFrom(...codes)), { maxLength: 12 }),
  saveWaitsMs: fc.array(fc.constantFrom(0, 1000, pausedWaitMs - 1, pausedWaitMs + 1), { maxLength: 4 }),
});
const worldArbitrary = fc.record({ of: fc.constantFrom(spec, withRam), host: hostArbitrary, marks: marksArbitrary, guest: guestArbitrary, desired: fc.constantFrom<DesiredState>('running', 'suspended', 'stopped', 'deleted') });

/** A guest that is shutting down by itself comes to its end; no step brings that about. */
function endShutdowns(m: Model): void {
  if (m.host.domain?.state === 'shutting-down') m.host.domain = { ...m.host.domain, state: 'off' };
}

function converge(m: Model, check: (plan: Plan, m: Model) => void): Plan {
  run(m, check);
  endShutdowns(m);
  return run(m, check);
}

describe('from any combination of facts, memories and faults', () => {
  test('comes to what is desired, or says why not, in a bounded number of steps', () => {
    fc.assert(
      fc.property(worldArbitrary, ({ of, host, marks, guest, desired }) => {
        const m = new Model(id, spec, host, guest, { desired: wanted(desired, 3, of), marks, timeOver: false });
        const plan = converge(m, () => undefined);
        const { state, reason } = plan.observed ?? { state: null, reason: null };
        if (desired === 'deleted') {
          expect({ ...m.host, missingImages: [] }).toMatchObject({ domain: null, files: false, address: 'none' });
          expect(state).toBe('deleted');
          return;
        }
        const reached = { running: 'running', suspended: 'suspended', stopped: 'stopped' }[desired];
        if (state !== reached) {
          expect(['failed', 'stopped', 'suspended']).toContain(state);
          expect(reason).not.toBeNull();
        }
        if (state === 'running') expect(m.host.domain?.state).toBe('running');
        const ramIsToCome = of.ram !== undefined && (m.host.awaitsRam || !m.host.files);
        if (state === 'suspended' && !ramIsToCome) expect(m.host.domain?.state).toBe('saved');
        if (state === 'stopped') expect(['off', 'crashed', null]).toContain(m.host.domain?.state ?? null);
      }),
      { numRuns: 3000 },
    );
  });

  test('never takes the power from a domain that is wanted running, and never the disk of one that has booted', () => {
    fc.assert(
      fc.property(worldArbitrary, ({ of, host, marks, guest, desired }) => {
        const m = new Model(id, spec, host, guest, { desired: wanted(desired, 3, of), marks, timeOver: false });
        converge(m, (plan, { known }) => {
          for (const { kind } of plan.steps) {
            if (desired === 'running' || desired === 'suspended') expect(kind).not.toBe('destroy');
            if (kind === 'remove-files' && desired !== 'deleted' && m.host.files) expect(known.marks).toMatchObject(m.host.awaitsRam ? { booted: false } : { booted: false, made: true });
            if (kind === 'undefine' && desired === 'running') expect(known.marks.booted).toBe(false);
            if (kind === 'shutdown') expect(desired).toBe('stopped');
            if (kind === 'save' || kind === 'pause') expect(desired).toBe('suspended');
          }
        });
      }),
      { numRuns: 3000 },
    );
  });

  test('a settled instance is left alone, whoever asks again', () => {
    fc.assert(
      fc.property(worldArbitrary, ({ of, host, marks, guest, desired }) => {
        const m = new Model(id, spec, host, guest, { desired: wanted(desired, 3, of), marks, timeOver: false });
        const settled = converge(m, () => undefined);
        m.recollection = { ...m.recollection, failures: new Map() };
        const before = JSON.stringify(m.host);
        const again = converge(m, () => undefined);
        if (settled.observed?.reason === null) expect(JSON.stringify(m.host)).toBe(before);
        expect(again.observed?.instanceId).toBe(id);
      }),
      { numRuns: 1000 },
    );
  });

  test('an older generation than the one on the domain moves nothing', () => {
    fc.assert(
      fc.property(worldArbitrary, fc.constantFrom(...domainStates), ({ host, marks, desired }, state) => {
        const m = new Model(id, spec, { ...host, domain: { state, generation: 3 } }, goodGuest(), { desired: wanted(desired, 2), marks, timeOver: false });
        const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
        expect(plan.steps).toEqual([]);
        expect(plan.observed).toMatchObject({ generation: 3, reason: { code: 'SlaveRefused' } });
      }),
    );
  });
});

test('a launch fetches, then makes disk and definition side by side, then starts, then reserves the address', () => {
  const m = model(wanted('running', 1));
  const rounds: string[][] = [];
  const plan = run(m, ({ steps }) => rounds.push(steps.map(({ kind }) => kind)));
  expect(rounds.slice(0, 4)).toEqual([['fetch-image', 'fetch-image', 'fetch-image'], ['create-files', 'define'], ['start'], ['note', 'reserve-address']]);
  expect(plan.observed).toMatchObject({ state: 'running', reason: null });
});

test('a guest that takes no address is called running after the grace, with a reason', () => {
  const m = model(wanted('running', 1), { missingImages: [] }, {}, { takesAddress: false });
  const plan = run(m);
  expect(plan.observed).toMatchObject({ state: 'running', reason: { code: 'DeadlinePassed' } });
  expect(m.nowMs).toBeGreaterThanOrEqual(bootGraceMs);
});

test('an address that cannot be reserved is the reason of a guest that took none', () => {
  const m = model(
    wanted('running', 1),
    { domain: { state: 'running', generation: 1 }, files: true, address: 'none' },
    { booted: true, ran: { generation: 1, hostBootId: 'boot-b' } },
    { takesAddress: false, faults: Array<FailureCode>(100).fill('failed') },
  );
  // It is tried again for ever.
  const last = run(m, undefined, 2 * bootGraceMs).observed;
  expect(last).toMatchObject({ state: 'running', reason: { code: 'SlaveRefused' } });
  expect(last?.reason?.sentence).toMatch(/address could not be reserved/);
});

test('a restored guest is running at once', () => {
  const m = model(wanted('running', 3), { domain: { state: 'saved', generation: 1 }, files: true, missingImages: [], address: 'right' }, { booted: true, ran: { generation: 1, hostBootId: 'boot-b' }, up: 'yes' });
  const states: string[] = [];
  run(m, ({ observed }) => states.push(observed?.state ?? ''));
  expect([...new Set(states)]).toEqual(['resuming', 'running']);
  expect(m.nowMs).toBe(1000);
});

test('a guest that ignores the power button loses its power after two minutes', () => {
  const m = model(wanted('stopped', 2), { domain: { state: 'running', generation: 1 }, files: true }, { booted: true }, { obeysPowerButton: false });
  expect(run(m).observed).toMatchObject({ state: 'stopped', reason: null });
  expect(m.done.filter((kind) => kind === 'shutdown').length).toBeGreaterThan(3);
  expect(m.nowMs).toBeGreaterThanOrEqual(1000 + shutdownGraceMs);
});

test('a guest that is still booting drops the power button, and is asked again soon; one that is up is given time', () => {
  const pressed = (up: 'no' | 'yes'): number => {
    const m = model(wanted('stopped', 2), { domain: { state: 'running', generation: 1 }, files: true }, { booted: true, up }, { obeysPowerButton: false });
    run(m);
    return m.done.filter((kind) => kind === 'shutdown').length;
  };
  expect(pressed('no')).toBeGreaterThanOrEqual(2 * pressed('yes'));
  expect(pressed('yes')).toBeLessThanOrEqual(7);
});

test('a forced stop asks nobody', () => {
  const m = model({ instanceId: id, generation: 2, desired: 'stopped', forceStop: true, spec }, { domain: { state: 'running', generation: 1 }, files: true }, { booted: true });
  run(m);
  expect(m.done).not.toContain('shutdown');
  expect(m.host.domain?.state).toBe('off');
});

test.each([
  ['the guest powered itself off: stopped, not started again', { domain: { state: 'off' as const, generation: 2 }, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-b' } }, 'stopped', 'StoppedByGuest'],
  ['the host restarted under it: started again', { domain: { state: 'off' as const, generation: 2 }, files: true, missingImages: [] }, { booted: true, ran: { generation: 2, hostBootId: 'boot-a' } }, 'running', undefined],
  ['a newer order starts it again', { domain: { state: 'off' as const, generation: 1 }, files: true, missingImages: [] }, { booted: true, ran: { generation: 1, hostBootId: 'boot-b' } }, 'running', undefined],
  ['its domain vanished: failed, the disk kept', { domain: null, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-b' } }, 'failed', 'DomainLost'],
  ['its power was taken away behind the agent’s back: lost, the disk kept', { domain: { state: 'off' as const, generation: 2, destroyed: true as const }, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-b' } }, 'failed', 'DomainLost'],
  ['that was told, and why it is off is forgotten: still lost', { domain: { state: 'off' as const, generation: 2 }, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-b' }, lost: { generation: 2 } }, 'failed', 'DomainLost'],
  ['its power was taken away under an older order: started again', { domain: { state: 'off' as const, generation: 1, destroyed: true as const }, files: true, missingImages: [] }, { booted: true, ran: { generation: 1, hostBootId: 'boot-b' } }, 'running', undefined],
  ['its domain vanished and a newer order came: started from the kept disk', { domain: null, files: true, missingImages: [] }, { booted: true, lost: { generation: 1 } }, 'running', undefined],
])('%s', (_, host, marks, state, code) => {
  const m = model(wanted('running', 2), host, marks);
  expect(run(m).observed).toMatchObject({ state, ...(code === undefined ? { reason: null } : { reason: { code } }) });
  expect(m.host.files).toBe(true);
});

test.each(['image-missing', 'no-room', 'failed'] as const)('a launch that fails for good (%s) leaves nothing behind and says why', (code) => {
  const m = model(wanted('running', 1), {}, {}, { faults: [null, null, null, null, null, ...Array<FailureCode>(3).fill(code)] });
  const plan = run(m);
  expect(plan.observed).toMatchObject({ state: 'failed' });
  expect(plan.observed?.reason?.sentence).toMatch(/could not be started/);
  expect(m.host).toMatchObject({ domain: null, files: false, address: 'none' });
});

test.each([
  ['a deletion', wanted('deleted', 2), {}, 'stopping', 'deleted'],
  ['a launch that failed', wanted('running', 2), { failed: { generation: 2, reason: { code: 'LaunchFailed', sentence: 'No.' } } }, 'preparing', 'failed'],
] as const)('%s is not over while nobody can say whether its address is still reserved', (_, desired, marks, meanwhile, end) => {
  // As an agent finds it that was killed between two steps and starts again: all gone but the address, the network not asked yet.
  const m = model(desired, { address: 'right', networkReady: false }, marks);
  expect(run(m)).toMatchObject({ steps: [], observed: { state: meanwhile } });

  m.host.networkReady = true;
  expect(run(m).observed?.state).toBe(end);
  expect(m.host.address).toBe('none');
});

test('a guest stopped by a disk error goes on when the cause is gone, and says what is wrong meanwhile', () => {
  const m = model(wanted('running', 1), { domain: { state: 'paused-io', generation: 1 }, files: true, leased: true }, { booted: true, up: 'yes' }, { diskErrors: 3 });
  const reasons = new Set<string | undefined>();
  const plan = run(m, ({ observed }) => reasons.add(observed?.reason?.code));
  expect([...reasons]).toEqual(['DiskError', undefined]);
  expect(plan.observed).toMatchObject({ state: 'running', reason: null });
});

test('a guest that a disk error stops again and again says so also while it runs in between, and no more once it runs on', () => {
  const m = model(wanted('running', 1), { domain: { state: 'paused-io', generation: 1 }, files: true, leased: true }, { booted: true, up: 'no' }, { diskErrors: 3 });
  const told: string[] = [];
  run(m, ({ observed }) => told.push(`${m.host.domain?.state ?? ''}: ${observed?.reason?.code ?? 'well'}`));
  expect([...new Set(told)]).toEqual(['paused-io: DiskError', 'running: DiskError', 'running: well']);
  // Continued at once, and well ever since: that is not worth a word.
  const once = model(wanted('running', 1), { domain: { state: 'paused-io', generation: 1 }, files: true, leased: true }, { booted: true, up: 'yes' });
  told.length = 0;
  run(once, ({ observed }) => told.push(`${once.host.domain?.state ?? ''}: ${observed?.reason?.code ?? 'well'}`));
  expect([...new Set(told)]).toEqual(['paused-io: DiskError', 'running: well']);
});

test.each([
  ['well', /most often its disk is full, or nobody can give it a part of its image; it goes on by itself once the cause is gone\.$/],
  ['silent', /: the mirror of this host, through which it reads an image that is not whole here, does not answer; it goes on by itself once it does\. Look with "systemctl status paravcl-mirror" there\.$/],
  ['back', /: the mirror of this host, through which it reads an image that is not whole here, was away\. It answers again, and the guest goes on by itself within half a minute\.$/],
] as const)('a guest stopped by a disk error says which it is as far as its host knows: its mirror is %s', (mirror, sentence) => {
  const m = model(wanted('running', 1), { domain: { state: 'paused-io', generation: 1 }, files: true, leased: true, mirror }, { booted: true, up: 'yes' }, { diskErrors: 3 });
  expect(reconcile(m.known, m.facts(), m.recollection, m.nowMs).observed).toMatchObject({ state: 'running', reason: { code: 'DiskError', sentence: expect.stringMatching(sentence) as string } });
});

test('a save that cannot be read back is kept and not booted over', () => {
  const m = model(wanted('running', 2), { domain: { state: 'saved', generation: 1 }, files: true, missingImages: [], address: 'right' }, { booted: true }, { faults: Array<FailureCode>(200).fill('save-unusable') });
  m.look();
  for (const step of reconcile(m.known, m.facts(), m.recollection, m.nowMs).steps) m.apply(step);
  const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
  expect(plan.observed).toMatchObject({ state: 'suspended', reason: { code: 'LaunchFailed' } });
  expect(m.host.domain?.state).toBe('saved');
});

test('a save that finds no room keeps the guest running and says so', () => {
  const m = model(wanted('suspended', 2), { domain: { state: 'running', generation: 1 }, files: true }, { booted: true }, { faults: ['no-room'] });
  for (const step of reconcile(m.known, m.facts(), m.recollection, m.nowMs).steps) m.apply(step);
  expect(reconcile(m.known, m.facts(), m.recollection, m.nowMs).observed).toMatchObject({ state: 'running', reason: { code: 'NotEnoughDisk' } });
});

describe('when its time is over', () => {
  const endsAt = '2026-03-02T09:00:00.000Z';
  const withEnd = (generation: number): DesiredInstance => ({ instanceId: id, generation, desired: 'running', spec, endsAt });
  const atItsEnd = fc.record({ host: hostArbitrary, marks: marksArbitrary, guest: guestArbitrary });
  const startsSomething = ['fetch-image', 'create-files', 'define', 'start', 'resume-disk'];
  const takesAway = ['shutdown', 'destroy'];

  test('nothing is started or taken down, whatever is there: it ends saved or off, and says that its time ended', () => {
    fc.assert(
      fc.property(atItsEnd, ({ host, marks, guest }) => {
        const m = new Model(id, spec, structuredClone(host), structuredClone(guest), { desired: withEnd(3), marks, timeOver: true });
        const before = m.host.domain?.state ?? null;
        const plan = converge(m, ({ steps }, { known }) => {
          for (const { kind } of steps) {
            expect([...startsSomething, ...takesAway]).not.toContain(kind);
            if (kind === 'remove-files' && m.host.files) expect(known.marks).toMatchObject({ booted: false, made: true });
            if (kind === 'undefine') expect(known.marks.booted).toBe(false);
          }
          expect(steps.filter(({ kind }) => kind === 'note').length).toBeLessThanOrEqual(1);
        });
        const { state, reason } = plan.observed ?? { state: null, reason: null };
        expect(['suspended', 'stopped', 'failed']).toContain(state);
        expect(['TimeEnded', 'StoppedByGuest', 'DomainLost', 'LaunchFailed']).toContain(reason?.code);
        if (state === 'suspended') expect(reason?.code).toBe('TimeEnded');
        expect(m.known.marks.timeEnded).toEqual({ generation: 3 });
        // RAM that was there is there.
        if (['running', 'paused', 'paused-io', 'saved'].includes(before ?? '')) expect({ state, domain: m.host.domain?.state }).toEqual({ state: 'suspended', domain: 'saved' });
      }),
      { numRuns: 2000 },
    );
  });

  test('neither a restart of the agent nor one of the host starts it again, and more time does', () => {
    fc.assert(
      fc.property(atItsEnd, fc.nat({ max: 12 }), fc.boolean(), fc.boolean(), ({ host, guest, marks }, rounds, hostRestarts, endsWhileOff) => {
        const m = new Model(id, spec, structuredClone(host), { ...structuredClone(guest), diskErrors: 0 }, { desired: withEnd(3), marks, timeOver: false });
        for (let round = 0; round < rounds; round += 1) {
          m.look();
          const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
          for (const step of plan.steps) m.apply(step);
          m.nowMs += 1000;
        }
        const restart = (): void => {
          m.recollection = { ...m.recollection, failures: new Map(), bootingSinceMs: null, stopping: null };
          if (hostRestarts) m.restartHost();
        };
        if (endsWhileOff) restart();
        m.known = { ...m.known, timeOver: true };
        const doneBefore = m.done.length;
        converge(m, () => undefined);
        restart();
        const ended = converge(m, () => undefined);
        for (const kind of m.done.slice(doneBefore)) expect(startsSomething).not.toContain(kind);
        const wasSaved = m.host.domain?.state === 'saved';

        m.guest.faults.length = 0;
        m.known = { ...m.known, desired: withEnd(4), timeOver: false };
        const later = converge(m, () => undefined);
        // Without its disk there is nothing to go on with.
        if (ended.observed?.reason?.code === 'TimeEnded' && (m.host.files || (m.host.domain === null && !m.known.marks.booted))) expect(later.observed).toMatchObject({ state: 'running', generation: 4 });
        if (wasSaved && m.host.files) expect(m.host.domain?.state).toBe('running');
      }),
      { numRuns: 2000 },
    );
  });

  test('a guest that is running is saved under the same generation, and told so at each stage', () => {
    const m = model(withEnd(2), { domain: { state: 'running', generation: 2 }, files: true }, { booted: true, up: 'yes', ran: { generation: 2, hostBootId: 'boot-b' } });
    m.known = { ...m.known, timeOver: true };
    const told: string[] = [];
    const plan = run(m, ({ observed }) => told.push(`${observed?.state} ${observed?.reason?.code}`));
    expect([...new Set(told)]).toEqual(['suspending TimeEnded', 'suspended TimeEnded']);
    expect(plan.observed).toMatchObject({ generation: 2, reason: { sentence: 'Saved with everything open, because its time was over. Give it more time to go on.' } });
  });

  test('a guest that cannot be saved for want of room keeps running, says why, and is saved when there is room', () => {
    const m = model(withEnd(2), { domain: { state: 'running', generation: 2 }, files: true }, { booted: true }, { faults: [null, 'no-room', 'no-room'] });
    m.known = { ...m.known, timeOver: true };
    const reasons = new Map<string, string | undefined>();
    const plan = run(m, ({ observed }) => reasons.set(`${observed?.state} ${observed?.reason?.code}`, observed?.reason?.sentence));
    expect([...reasons.keys()]).toEqual(['suspending TimeEnded', 'running NotEnoughDisk', 'suspended TimeEnded']);
    expect(reasons.get('running NotEnoughDisk')).toMatch(/Its time is over; the guest keeps running and it is tried again/);
    expect(plan.wakeAtMs).toBeNull();
  });

  test.each([
    ['the host was off at the end: off, the disk kept', { domain: { state: 'off' as const, generation: 2 }, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-a' } }, 'stopped', 'TimeEnded'],
    ['the guest had powered itself off before: that is what is told', { domain: { state: 'off' as const, generation: 2 }, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-b' } }, 'stopped', 'StoppedByGuest'],
    ['its launch took longer than its time: not started', { domain: null, files: false }, {}, 'stopped', 'TimeEnded'],
    ['its domain vanished before: told as lost', { domain: null, files: true }, { booted: true, ran: { generation: 2, hostBootId: 'boot-b' } }, 'failed', 'DomainLost'],
  ])('%s', (_, host, marks, state, code) => {
    const m = model(withEnd(2), host, marks);
    m.known = { ...m.known, timeOver: true };
    expect(run(m).observed).toMatchObject({ state, reason: { code } });
    expect(m.host.files).toBe(host.files);
    expect(m.done.filter((kind) => kind !== 'note')).toEqual([]);
  });
});

describe('an instance that is to go on with RAM from elsewhere', () => {
  const at = (desired: DesiredState, host: Partial<ModelHost> = {}, marks: Partial<Marks> = {}, guest: Partial<ModelGuest> = {}, of: InstanceSpec = withRam): Model =>
    model(wanted(desired, 2, of), { missingImages: [image(1), image(2), image(3), image(4)], ...host }, marks, guest);
  const awaiting: Partial<ModelHost> = { domain: { state: 'off', generation: 1 }, files: true, awaitsRam: true, missingImages: [image(4)] };
  const made: Partial<Marks> = { made: true, diskEpoch: 1 };

  test('its RAM is brought with its images, then its files and its definition are made, then it is given its RAM, and goes on with it', () => {
    const m = at('running');
    const rounds: string[] = [];
    const plan = run(m, ({ steps, observed }) => rounds.push(`${observed?.state}: ${steps.map(({ kind }) => kind).join(' ')}`));
    expect(rounds.slice(0, 5)).toEqual(['preparing: fetch-image fetch-image fetch-image fetch-image', 'preparing: create-files define', 'preparing: adopt-ram', 'resuming: reserve-address', 'resuming: start']);
    expect(plan.observed).toMatchObject({ state: 'running', reason: null });
    expect(m.done).not.toContain('give-up-ram');
  });

  test('wanted suspended it is suspended as it is, and nothing is done for it', () => {
    for (const host of [{}, awaiting, { ...awaiting, domain: null }]) {
      const m = at('suspended', host, made);
      expect(run(m).observed).toMatchObject({ state: 'suspended', reason: null });
      expect(m.done).toEqual([]);
    }
  });

  test('when its time is over before it went on, it is suspended', () => {
    const m = at('running', awaiting, made);
    m.known = { ...m.known, timeOver: true };
    expect(run(m).observed).toMatchObject({ state: 'suspended', reason: { code: 'TimeEnded' } });
    expect(m.host.awaitsRam).toBe(true);
  });

  test('an order that stops it, or that knows of no RAM, gives the RAM up; from then on it boots', () => {
    for (const [desired, of] of [['stopped', withRam], ['running', spec]] as const) {
      const m = at(desired, awaiting, made, {}, of);
      run(m);
      expect(m.host.awaitsRam).toBe(false);
      m.known = { ...m.known, desired: wanted('running', 3, withRam) };
      expect(run(m).observed).toMatchObject({ state: 'running', reason: null });
      expect(m.done).not.toContain('adopt-ram');
      expect(m.done[0]).toBe('give-up-ram');
    }
  });

  test('RAM that cannot be used ends the launch as failed, with what was made for it gone and the guest never booted', () => {
    const m = at('running', awaiting, made, { faults: [null, null, 'save-unusable'] });
    expect(run(m).observed).toMatchObject({ state: 'failed', reason: { code: 'LaunchFailed', sentence: expect.stringContaining('the RAM that it was saved with could not be given to it') as string } });
    expect(m.done).not.toContain('start');
    expect(m.host).toMatchObject({ domain: null, files: false });
    // The order that follows has it again from the store.
    m.known = { ...m.known, desired: wanted('suspended', 3, withRam) };
    expect(run(m).observed).toMatchObject({ state: 'suspended', reason: null });
  });

  test('one that somebody started past the agent runs on, and its RAM is never given to it', () => {
    const m = at('running', { ...awaiting, domain: { state: 'running', generation: 2 }, written: true }, made);
    expect(run(m).observed).toMatchObject({ state: 'running' });
    expect(m.done).not.toContain('adopt-ram');
    expect(m.host.awaitsRam).toBe(false);
  });

  test('wherever its agent dies, whatever is ordered next: it never boots while its RAM is to come, and RAM meets no disk that was written since', () => {
    const orders = fc.array(fc.record({ desired: fc.constantFrom<DesiredState>('running', 'suspended', 'stopped'), of: fc.constantFrom(spec, withRam), rounds: fc.nat({ max: 8 }), dies: fc.boolean(), hostRestarts: fc.boolean() }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(orders, guestArbitrary, (all, guest) => {
        const m = at('suspended', {}, {}, { ...structuredClone(guest), faults: guest.faults.filter((code) => code !== 'save-unusable' && code !== 'image-missing' && code !== 'no-room') });
        let mayBoot = false;
        let boots = 0;
        const act = (steps: Plan['steps']): void => {
          for (const step of steps) {
            if (step.kind === 'start' && step.boots) boots += 1;
            m.apply(step);
          }
        };
        all.forEach(({ desired, of, rounds, dies, hostRestarts }, index) => {
          m.known = { ...m.known, desired: wanted(desired, index + 2, of) };
          mayBoot ||= desired === 'stopped' || of.ram === undefined || m.host.written;
          m.recollection = { ...m.recollection, failures: new Map() };
          for (let round = 0; round < rounds; round += 1) {
            m.look();
            const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
            const [first] = plan.steps;
            if (dies && round === rounds - 1 && first !== undefined) m.die(first);
            else act(plan.steps);
            m.nowMs += 5000;
            mayBoot ||= m.host.written;
          }
          if (hostRestarts) m.restartHost();
        });
        if (!mayBoot) expect(boots).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });
});
