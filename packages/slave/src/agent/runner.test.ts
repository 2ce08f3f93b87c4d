import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { HypervisorError, type DomainState } from '../hypervisor/driver';
import type { HostFacts } from './host-facts';
import type { Journal } from './journal';
import { emptyJournal, type JournaledInstance } from './journal-state';
import { noMarks, type Marks } from './marks';
import { diskSlotMs, Runner } from './runner';
import { stepPolicies, type Executors, type StepKind } from './steps';
import { pausedWaitMs } from './towards-suspended';

const image = { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' as const };
const spec = (name: string): NonNullable<DesiredInstance['spec']> => ({
  name, vcpus: 1, ramMiB: 1, diskMiB: 1, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: name, user: 'student', sshPublicKeys: [] },
});
const instanceIds = [newId(2), newId(3), newId(4), newId(5)] as const;
const [first, second, third, fourth] = instanceIds;

/** A runner over two instances that are off and wanted running, whose steps end when the test says so. */
class Rig {
  readonly clock = new HandClock();
  readonly said: string[] = [];
  readonly begun: string[] = [];
  readonly failures: unknown[] = [];
  readonly reads: string[] = [];
  missingImages = false;
  unreadable = false;
  domainThere = true;
  domainState: DomainState = 'off';
  mirror: HostFacts['mirror'] = 'well';
  marks: Partial<Marks> = {};
  readonly ends: { readonly what: string; readonly ok: () => void; readonly fails: (error: Error) => void }[] = [];
  private readonly instances = new Map<string, JournaledInstance>();

  readonly runner = new Runner({
    clock: this.clock,
    log: pino({ level: 'error' }, { write: (line: string) => void this.said.push(line) }),
    journal: this.journal(),
    executors: new Proxy({}, { get: (_, kind) => (instanceId: string) => this.begin(kind as StepKind, instanceId) }) as Executors,
    readHost: (instanceId) => Promise.resolve().then(() => this.facts(instanceId)),
    hostTime: () => ({ utcMs: this.clock.now(), uptimeMs: this.clock.monotonicMs(), hostBootId: 'boot-1' }),
    observe: () => undefined,
    failed: (error) => this.failures.push(error),
    looked: () => undefined,
    diskSlots: 1,
    fetchSlots: 1,
  });

  want(instanceId: string, generation: number, desired: 'running' | 'suspended' | 'stopped', end: { readonly endsAt?: string } = {}): void {
    const wanted: DesiredInstance = { instanceId, generation, desired, spec: spec(instanceId.slice(-4)), ...end };
    this.instances.set(instanceId, { desired: wanted, spec: wanted.spec, told: null, marks: { ...noMarks, made: true, ...this.marks } });
    this.runner.wake(instanceId);
  }

  /** As after the tombstone of the instance was confirmed: its domain is gone, and so is the journal's record of it. */
  forget(instanceId: string): void {
    this.domainThere = false;
    this.instances.delete(instanceId);
    this.runner.forget(instanceId);
  }

  /** How often the host is read when everybody looks again. */
  async readsOfAll(): Promise<number> {
    const before = this.reads.length;
    this.runner.forgive([]);
    await turn();
    return this.reads.length - before;
  }

  nameOf(instanceId: string): string {
    return ['first', 'second', 'third', 'fourth'][instanceIds.indexOf(instanceId)] ?? '';
  }

  private begin(kind: StepKind, instanceId: string): Promise<void> {
    const what = `${kind} ${this.nameOf(instanceId)}`;
    this.begun.push(what);
    return new Promise((resolve, reject) => this.ends.push({ what, ok: resolve, fails: reject }));
  }

  private journal(): Journal {
    return { state: { ...emptyJournal, instances: this.instancesView() } } as unknown as Journal;
  }

  private instancesView(): ReadonlyMap<string, JournaledInstance> {
    return { get: (instanceId: string) => this.instances.get(instanceId) } as ReadonlyMap<string, JournaledInstance>;
  }

  private facts(instanceId: string): HostFacts {
    this.reads.push(this.nameOf(instanceId));
    if (this.unreadable) throw new HypervisorError('unavailable', 'no libvirtd');
    const generation = this.instances.get(instanceId)?.desired?.generation ?? 1;
    return {
      domain: this.domainThere ? { instanceId, name: 'x', state: this.domainState, generation } : null,
      files: true, diskEpoch: 1, leftovers: false, awaitsRam: false,
      missingImages: this.missingImages ? [image] : [],
      reservedMac: null,
      reservationUnknown: false,
      addressRight: false,
      leased: false,
      networkReady: true,
      hostBootId: 'boot-1',
      mirror: this.mirror,
    };
  }
}

let rig: Rig;
beforeEach(() => (rig = new Rig()));

test('a step past its deadline keeps its instance’s turn until it has really ended, and its slot for two minutes', async () => {
  rig.want(first, 1, 'running');
  await turn();
  rig.want(second, 1, 'running');
  await turn();
  await rig.clock.advance(diskSlotMs - 1);
  expect(rig.begun).toEqual(['start first']);
  await rig.clock.advance(1);
  expect(rig.begun).toEqual(['start first', 'start second']);
  const readBefore = rig.reads.length;
  await rig.clock.advance(stepPolicies.start.deadlineMs * 3);
  rig.runner.wake(first);
  rig.want(first, 2, 'stopped');
  await turn();
  expect(rig.begun).toEqual(['start first', 'start second']);
  expect(rig.reads).toHaveLength(readBefore);
  expect(rig.said.join()).toMatch(/not ended by its deadline/);
  rig.ends[0]?.fails(new Error('killed'));
  await turn();
  expect(rig.failures).toEqual([new Error('killed')]);
  // The newer order of the first is obeyed.
  expect(rig.begun.filter((what) => what === 'start first')).toHaveLength(1);
  expect(rig.reads.length).toBeGreaterThan(readBefore);
});

test('a fetch gives way to a newer order at once, and its slot is free when it has ended', async () => {
  rig.missingImages = true;
  rig.want(first, 1, 'running');
  await turn();
  rig.want(second, 1, 'running');
  rig.want(first, 2, 'stopped');
  await turn();
  expect(rig.begun).toEqual(['fetch-image first', 'note first']);
  rig.ends[0]?.ok();
  await turn();
  expect(rig.begun).toEqual(['fetch-image first', 'note first', 'fetch-image second']);
});

test('a step that ended after its deadline counts as what it was', async () => {
  rig.want(first, 1, 'running');
  await turn();
  await rig.clock.advance(stepPolicies.start.deadlineMs + 1);
  rig.ends[0]?.ok();
  await turn();
  expect(rig.failures).toEqual([]);
});

test('what failed because the hypervisor was silent is tried at once when it answers, and what failed otherwise is not', async () => {
  rig.want(first, 1, 'running');
  rig.want(second, 1, 'running');
  await turn();
  rig.ends[0]?.fails(new HypervisorError('unavailable', 'no libvirtd'));
  await turn();
  rig.ends[1]?.fails(new HypervisorError('failed', 'no such device'));
  await turn();
  expect(rig.begun).toEqual(['start first', 'start second']);
  rig.runner.forgive(['unavailable', 'timeout', 'hung']);
  await turn();
  expect(rig.begun).toEqual(['start first', 'start second', 'start first']);
});

test('a host that could not be read is read at once when the hypervisor answers, and every five seconds at the latest', async () => {
  rig.unreadable = true;
  rig.want(first, 1, 'running');
  await rig.clock.advance(60_000);
  const reads = rig.reads.length;
  await rig.clock.advance(5000);
  expect(rig.reads.length).toBeGreaterThan(reads);
  rig.unreadable = false;
  rig.runner.forgive(['unavailable']);
  await turn();
  expect(rig.begun).toEqual(['start first']);
});

describe('what nothing is known of any more', () => {
  test('is not looked at again, also when it was forgotten during a round', async () => {
    rig.want(first, 1, 'running');
    rig.want(second, 1, 'running');
    rig.forget(first);
    rig.forget(second);
    await turn();
    expect(rig.begun).toEqual([]);
    expect(await rig.readsOfAll()).toBe(0);
    expect(rig.clock.waiting).toEqual([]);
  });

  test('is dropped when its step has ended, although everybody was woken meanwhile', async () => {
    rig.want(first, 1, 'running');
    await turn();
    expect(rig.begun).toEqual(['start first']);
    rig.forget(first);
    rig.runner.forgive([]);
    rig.ends[0]?.ok();
    await turn();
    expect(await rig.readsOfAll()).toBe(0);
  });

  test('is not read for ever when the hypervisor is silent', async () => {
    rig.unreadable = true;
    rig.want(first, 1, 'running');
    rig.forget(first);
    await turn();
    expect(rig.clock.waiting).toEqual([]);
    expect(await rig.readsOfAll()).toBe(0);
  });

  test('is kept when it is wanted again before its round has ended', async () => {
    rig.want(first, 1, 'running');
    await turn();
    rig.forget(first);
    rig.domainThere = true;
    rig.want(first, 2, 'stopped');
    rig.ends[0]?.ok();
    await turn();
    expect(rig.begun).toEqual(['start first', 'note first']);
    rig.ends[1]?.fails(new Error('no room'));
    await turn();
    expect(await rig.readsOfAll()).toBe(1);
  });

  test('is dropped after an event of a domain that is gone', async () => {
    rig.domainThere = false;
    rig.runner.wake(first);
    await turn();
    expect(rig.reads).toEqual(['first']);
    expect(await rig.readsOfAll()).toBe(0);
  });

  test('is kept while the host has a domain of ours, or cannot be asked for one', async () => {
    rig.unreadable = true;
    rig.runner.wake(first);
    await turn();
    expect(rig.clock.waiting).toHaveLength(1);
    rig.unreadable = false;
    await rig.clock.advance(5000);
    expect(await rig.readsOfAll()).toBe(1);
    rig.domainThere = false;
    expect(await rig.readsOfAll()).toBe(1);
    expect(await rig.readsOfAll()).toBe(0);
  });
});

describe('the end of its time', () => {
  const inMs = (ms: number) => ({ endsAt: new Date(rig.clock.now() + ms).toISOString() });

  test('while it waits for a slot: it is not started', async () => {
    rig.want(first, 1, 'running');
    await turn();
    rig.want(second, 1, 'running', inMs(1000));
    await rig.clock.advance(1000);
    rig.runner.wake(second);
    await turn();
    rig.ends[0]?.ok();
    await turn();
    expect(rig.begun).not.toContain('start second');
    expect(rig.begun).toContain('note second');
  });

  test('during a fetch: nobody waits for the image any more', async () => {
    rig.missingImages = true;
    rig.want(first, 1, 'running', inMs(1000));
    await turn();
    await rig.clock.advance(1000);
    rig.runner.wake(first);
    await turn();
    expect(rig.begun).toEqual(['fetch-image first', 'note first']);
  });
});

test.each(['running', 'stopped'] as const)('a guest (wanted %s) that the absence of its mirror paused is continued seldom meanwhile, and each second once it is back, without its power being taken', async (desired) => {
  /** How often it is continued within so long; each time it meets the error again. */
  const resumes = async (forMs: number): Promise<number> => {
    const before = rig.begun.length;
    for (let ms = 0; ms < forMs; ms += 250) {
      await rig.clock.advance(250);
      for (const { ok } of rig.ends.splice(0)) ok();
      await turn();
    }
    return rig.begun.slice(before).filter((what) => what === 'resume-disk first').length;
  };
  rig.domainState = 'paused-io';
  rig.mirror = 'silent';
  rig.marks = { booted: true, up: 'yes' };
  rig.want(first, 1, desired);
  expect(await resumes(20_000)).toBeLessThanOrEqual(7);
  rig.mirror = 'back';
  rig.runner.forgive([], ['resume-disk']);
  await turn();
  expect(rig.begun.at(-1)).toBe('resume-disk first');
  const often = await resumes(20_000);
  expect(often).toBeGreaterThanOrEqual(15);
  expect(often).toBeLessThanOrEqual(21);
  expect(rig.begun).not.toContain('destroy first');
  rig.mirror = 'well';
  expect(await resumes(20_000)).toBeLessThanOrEqual(7);
});

describe('guests that are suspended together, one save at a time', () => {
  /** The first is being saved, the second is paused and waits for its turn. */
  const untilOneWaits = async (): Promise<void> => {
    rig.domainState = 'running';
    rig.marks = { booted: true, up: 'yes' };
    rig.want(first, 1, 'suspended');
    await turn();
    rig.want(second, 1, 'suspended');
    await turn();
    expect(rig.begun).toEqual(['save first', 'pause second']);
    rig.domainState = 'paused';
    rig.ends.splice(1, 1)[0]?.ok();
    await turn();
    expect(rig.begun).toEqual(['save first', 'pause second']);
  };

  test('are paused at once, and saved when their turn comes', async () => {
    await untilOneWaits();
    await rig.clock.advance(pausedWaitMs / 2);
    rig.domainState = 'saved';
    rig.ends[0]?.ok();
    await turn();
    expect(rig.begun).toEqual(['save first', 'pause second', 'save second']);
  });

  test('wait for their turn so long and no longer; then they run, and wait as long as it takes', async () => {
    await untilOneWaits();
    // The slot of a save that hangs is lent for two minutes: there is one after the other.
    rig.domainState = 'running';
    for (const instanceId of [third, fourth]) rig.want(instanceId, 1, 'suspended');
    await turn();
    rig.domainState = 'paused';
    for (const { ok } of rig.ends.splice(1)) ok();
    await turn();
    await rig.clock.advance(pausedWaitMs - 1);
    expect(rig.begun.slice(2)).toEqual(['pause third', 'pause fourth', 'save second']);
    await rig.clock.advance(1);
    expect(rig.begun.slice(5)).toEqual(['continue third', 'continue fourth']);
    rig.domainState = 'running';
    for (const { ok } of rig.ends.splice(2)) ok();
    await turn();
    await rig.clock.advance(diskSlotMs - 1);
    expect(rig.begun.slice(7)).toEqual(['save third']);
    await rig.clock.advance(diskSlotMs);
    expect(rig.begun.slice(7)).toEqual(['save third', 'save fourth']);
    expect(rig.failures.map((error) => (error as Error).name)).toEqual(['NoTurnError', 'NoTurnError']);
  });

  test('one that is wanted running meanwhile is continued without waiting for a turn', async () => {
    await untilOneWaits();
    rig.want(second, 2, 'running');
    await turn();
    expect(rig.begun).toEqual(['save first', 'pause second', 'continue second']);
  });
});
