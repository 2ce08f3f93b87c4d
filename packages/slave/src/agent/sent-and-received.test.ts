import type { DesiredInstance, InstanceSpec, MigrationStanding, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import fc from 'fast-check';
import type { FailureCode } from './failures';
import { noMarks, type Marks } from './marks';
import { reconcile } from './reconcile';
import { Model, type ModelGuest, type ModelHost } from './reconcile.model';

const id = '0192f0c1-2345-7abc-8def-0123456789ab';
const migration = '0192f0c1-2345-7abc-8def-0123456789ac';
const image = (n: number) => ({ imageId: id, sha256: String(n).repeat(64), sizeBytes: 1000, format: 'raw' as const });
const spec: InstanceSpec = {
  name: 'i-ubuntu-9af', vcpus: 1, ramMiB: 128, diskMiB: 64, disk: image(1), kernel: image(2), ramdisk: image(3), kernelArguments: '', mac: '00:16:3e:00:00:01', address: '10.77.0.10',
  bandwidthMbps: null, seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: [] },
};
const sent: DesiredInstance = { instanceId: id, generation: 5, desired: 'sent', migration: { id: migration, ticket: 't'.repeat(43), deadlineMs: 600_000 }, spec };
const received: DesiredInstance = { instanceId: id, generation: 4, desired: 'received', migration: { id: migration }, spec };
const running = (generation: number): DesiredInstance => ({ instanceId: id, generation, desired: 'running', spec });
const suspended = (generation: number): DesiredInstance => ({ instanceId: id, generation, desired: 'suspended', spec });
const deleted = (generation: number): DesiredInstance => ({ instanceId: id, generation, desired: 'deleted', spec: null });

const model = (desired: DesiredInstance, host: Partial<ModelHost>, marks: Partial<Marks> = {}, guest: Partial<ModelGuest> = {}) =>
  new Model(
    id,
    spec,
    { domain: null, files: false, epoch: 1, leftovers: false, awaitsRam: false, written: false, missingImages: [], address: 'none', networkReady: true, leased: false, hostBootId: 'boot-a', mirror: 'well', ...host },
    { takesAddress: true, obeysPowerButton: true, diskErrors: 0, faults: [], ...guest },
    { desired, marks: { ...noMarks, ...marks }, timeOver: false },
  );
const source = (guest: Partial<ModelGuest> = {}) => model(sent, { domain: { state: 'running', generation: 3 }, files: true, written: true, address: 'right' }, { made: true, diskEpoch: 1, booted: true, up: 'yes', ran: { generation: 3, hostBootId: 'boot-a' } }, guest);
const destination = (host: Partial<ModelHost> = {}, marks: Partial<Marks> = {}) => model(received, { missingImages: [image(1), image(2), image(3)], ...host }, marks);

/** One round: what it tells, after which its steps are carried out. */
function round(m: Model): { readonly observed: ObservedInstance | null; readonly acted: boolean } {
  m.look();
  const plan = reconcile(m.known, m.facts(), m.recollection, m.nowMs);
  for (const step of plan.steps) m.apply(step);
  m.nowMs += 1000;
  return { observed: plan.observed, acted: plan.steps.length > 0 };
}
function settle(m: Model): ObservedInstance | null {
  for (let n = 0; n < 40; n += 1) {
    const { observed, acted } = round(m);
    if (!acted) return observed;
  }
  throw new Error(`did not settle: ${m.done.join(' ')}`);
}
const standing = (observed: ObservedInstance | null): MigrationStanding | undefined => observed?.migration?.standing;

describe('a guest that is sent', () => {
  test('leaves once; then nothing of it is started here, and its files stay until somebody says that they go', () => {
    const m = source();
    expect(standing(settle(m))).toBe('sent');
    expect([m.done, m.host.domain, m.host.files]).toEqual([['send-guest', 'note'], null, true]);
    m.restartHost();
    m.restartAgent();
    expect(standing(settle(m))).toBe('sent');
    expect(m.done).toEqual(['send-guest', 'note']);
  });

  test('that cannot leave stays, with the hypervisor’s words, and is never tried again under that order, whatever is forgotten', () => {
    const m = source({ faults: ['unsupported'] });
    const observed = settle(m);
    expect([standing(observed), observed?.state, observed?.reason?.sentence]).toEqual(['stayed', 'running', 'It was not sent: model unsupported']);
    m.restartAgent();
    m.recollection.failures.clear();
    expect(standing(settle(m))).toBe('stayed');
    expect(m.done.filter((kind) => kind === 'send-guest')).toHaveLength(1);
  });

  test('that does not run here is with the other slave, if it is anywhere: its disk stays, and nothing starts it', () => {
    for (const state of ['off', 'crashed'] as const) {
      const m = source();
      m.host.domain = { state, generation: 3 };
      expect(standing(settle(m))).toBe('sent');
      expect([m.host.domain.state, m.host.files, m.done]).toEqual([state, true, ['note']]);
    }
  });

  test('that is paused when the order comes stays as it is', () => {
    for (const state of ['paused', 'migrating', 'paused-io', 'shutting-down', 'saved'] as const) {
      const m = source();
      m.host.domain = { state, generation: 3 };
      expect(standing(settle(m))).toBe('stayed');
      expect([m.host.domain.state, m.done]).toEqual([state, ['note']]);
    }
  });

  test('that was left paused by a migration that broke off goes on with the next order', () => {
    const m = source();
    m.host.domain = { state: 'migrating', generation: 3 };
    settle(m);
    m.known = { ...m.known, desired: running(6) };
    settle(m);
    expect(m.host.domain.state).toBe('running');
  });
});

describe('a guest that is received', () => {
  test('has everything made for it and nothing started', () => {
    const m = destination();
    expect(standing(settle(m))).toBe('awaiting');
    expect(m.host).toMatchObject({ domain: { state: 'off', generation: 4 }, files: true, address: 'right', missingImages: [] });
    expect(m.done).not.toContain('start');
    m.restartHost();
    m.restartAgent();
    expect(standing(settle(m))).toBe('awaiting');
  });

  test('stays paused when it has come, and goes on with its address by the next order', () => {
    const m = destination();
    settle(m);
    m.known = { ...m.known, marks: { ...m.known.marks, migration: { generation: 4, attempt: 'begun' } } };
    m.host.domain = { state: 'migrating', generation: 4 };
    expect(standing(settle(m))).toBe('awaiting');
    m.host.domain = { state: 'paused', generation: 4 };
    expect([standing(settle(m)), m.host.domain.state]).toEqual(['arrived', 'paused']);
    m.known = { ...m.known, desired: running(6) };
    expect([round(m).observed?.state, settle(m)?.state]).toEqual(['running', 'running']);
    expect([m.host.domain, m.known.marks.booted]).toEqual([{ state: 'running', generation: 6 }, true]);
  });

  test('goes on for a moment before it is saved, for its hypervisor opens its disks only then', () => {
    const m = destination();
    settle(m);
    m.known = { ...m.known, marks: { ...m.known.marks, booted: true, up: 'yes', migration: { generation: 4, attempt: 'begun' } } };
    Object.assign(m.host, { domain: { state: 'paused', generation: 4 }, disksClosed: true });
    settle(m);
    m.known = { ...m.known, desired: suspended(6) };
    expect(round(m).observed?.state).toBe('suspending');
    m.restartAgent();
    expect(settle(m)?.state).toBe('suspended');
    expect(m.done.slice(m.done.indexOf('continue'))).toEqual(['continue', 'note', 'save']);
  });

  test('is not awaited on a disk that an attempt which broke off has written into', () => {
    const m = destination();
    settle(m);
    m.known = { ...m.known, marks: { ...m.known.marks, migration: { generation: 4, attempt: 'begun' } } };
    const observed = settle(m);
    expect([standing(observed), observed?.reason?.sentence]).toEqual(['stayed', 'It was not taken: what came of it broke off on the way.']);
  });

  test('is refused where something of it is already, which is left alone', () => {
    for (const host of [{ files: true }, { files: true, domain: { state: 'off', generation: 2 } as const }, { files: true, domain: { state: 'saved', generation: 2 } as const }]) {
      const m = destination(host, { made: true, booted: true });
      expect(standing(settle(m))).toBe('stayed');
      expect([m.host.files, m.done]).toEqual([true, []]);
    }
  });

  test('leaves nothing behind when it is not to come after all', () => {
    const m = destination();
    settle(m);
    m.host.domain = { state: 'paused', generation: 4 };
    m.known = { ...m.known, desired: deleted(6) };
    expect(settle(m)?.state).toBe('deleted');
    expect(m.host).toMatchObject({ domain: null, files: false, address: 'none' });
  });
});

/**
 * Two hosts and a master that decides as decision 0019 says; everything may die at any moment, and a migration may break at any of its
 * stages, with either side knowing of it or not.
 */
test('whatever dies, a guest never runs on two hosts, is started with no disk but its own, and goes on, or is saved, in the end', () => {
  type Event = 'round-from' | 'round-to' | 'agent-from' | 'agent-to' | 'power-from' | 'power-to' | 'decide';
  const events = fc.array(fc.constantFrom<Event>('round-from', 'round-to', 'round-from', 'round-to', 'decide', 'agent-from', 'agent-to', 'power-from', 'power-to'), { minLength: 5, maxLength: 60 });
  const wishes = fc.constantFrom(running(6), suspended(6));
  const breaks = fc.constantFrom<'refused' | 'on-the-way' | 'unheard' | 'unheard-paused' | null>('refused', 'on-the-way', 'unheard', 'unheard-paused', null, null);
  fc.assert(
    fc.property(events, breaks, wishes, (happenings, broken, wish) => {
      const to = destination();
      const from = source({
        sent: () => {
          const letIn = to.host.domain?.state === 'off' && to.known.desired?.desired === 'received' && to.known.marks.migration?.attempt === 'made';
          if (!letIn || broken === 'refused') throw new Broken('failed');
          to.known = { ...to.known, marks: { ...to.known.marks, migration: { generation: received.generation, attempt: 'begun' } } };
          if (broken === 'on-the-way') throw new Broken('failed');
          Object.assign(to.host, { domain: { state: 'paused', generation: to.host.domain?.generation ?? 0 }, disksClosed: true });
          if (broken === 'unheard-paused' && from.host.domain !== null) Object.assign(from.host, { domain: { ...from.host.domain, state: 'migrating' }, disksClosed: true });
          if (broken !== null) throw new Broken('timeout');
        },
      });
      let decided: 'moved' | 'stayed' | null = null;
      let unarrived = 0;
      let [saysFrom, saysTo]: (MigrationStanding | undefined)[] = [];
      const neverTwo = (): void => {
        expect([from.host.domain?.state, to.host.domain?.state]).not.toEqual(['running', 'running']);
        if (to.host.domain?.state === 'running') expect(decided).toBe('moved');
        if (decided === null) expect([from.done, to.done].flat()).not.toContain('start');
      };
      const oneRound = (m: Model): ObservedInstance | null => {
        try {
          return round(m).observed;
        } catch (error) {
          if (!(error instanceof Broken)) throw error;
          m.recollection.failures.set('send-guest', { attempts: 1, retryAtMs: m.nowMs + 500, code: error.code, message: 'broken' });
          return null;
        }
      };
      const happen = (event: Event): void => {
        if (event === 'round-from') saysFrom = standing(oneRound(from)) ?? saysFrom;
        if (event === 'round-to') saysTo = standing(oneRound(to)) ?? saysTo;
        if (event === 'agent-from') from.restartAgent();
        if (event === 'agent-to') to.restartAgent();
        if (event === 'power-from') from.restartHost();
        if (event === 'power-to') {
          to.restartHost();
          if (decided === null && saysTo === 'arrived') saysTo = undefined;
        }
        if (event === 'decide' && decided === null && (saysFrom === 'sent' || saysFrom === 'stayed')) {
          if (saysFrom === 'stayed' || saysTo === 'stayed') decided = 'stayed';
          else if (saysTo === 'arrived') decided = 'moved';
          else if ((unarrived += 1) > 30) decided = 'stayed';
          if (decided !== null) {
            from.known = { ...from.known, desired: decided === 'moved' ? deleted(7) : wish };
            to.known = { ...to.known, desired: decided === 'moved' ? wish : deleted(7) };
          }
        }
        neverTwo();
      };
      for (const event of happenings) happen(event);
      for (let n = 0; n < 60; n += 1) for (const event of ['round-from', 'round-to', 'decide'] as const) happen(event);
      expect(decided).not.toBeNull();
      const [has, hasNot] = decided === 'moved' ? [to, from] : [from, to];
      expect(hasNot.host).toMatchObject({ domain: null, files: false });
      expect(has.host.files).toBe(true);
      const keptItsRam = saysFrom === 'stayed' || decided === 'moved';
      if (wish.desired === 'running') expect(has.host.domain?.state).toBe('running');
      else if (keptItsRam && !happenings.some((event) => event.startsWith('power'))) expect(has.host.domain?.state).toBe('saved');
    }),
  );
});

class Broken extends Error {
  constructor(readonly code: FailureCode) {
    super(code);
  }
}
