import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import type { HostFacts } from './host-facts';
import type { Journal } from './journal';
import { emptyJournal, type JournaledInstance } from './journal-state';
import { noMarks } from './marks';
import { Runner } from './runner';
import { stepPolicies, type Executors, type StepKind } from './steps';

const image = { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' as const };
const spec = (name: string): NonNullable<DesiredInstance['spec']> => ({
  name, vcpus: 1, ramMiB: 1, diskMiB: 1, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: name, user: 'student', sshPublicKeys: [] },
});
const [first, second] = [newId(2), newId(3)];

/** A runner over two instances that are off and wanted running, whose steps end when the test says so. */
class Rig {
  readonly clock = new HandClock();
  readonly said: string[] = [];
  readonly begun: string[] = [];
  readonly failures: unknown[] = [];
  readonly reads: string[] = [];
  missingImages = false;
  readonly ends: { readonly what: string; readonly ok: () => void; readonly fails: (error: Error) => void }[] = [];
  private readonly instances = new Map<string, JournaledInstance>();

  readonly runner = new Runner({
    clock: this.clock,
    log: pino({ level: 'error' }, { write: (line: string) => void this.said.push(line) }),
    journal: this.journal(),
    executors: new Proxy({}, { get: (_, kind) => (instanceId: string) => this.begin(kind as StepKind, instanceId) }) as Executors,
    readHost: (instanceId) => Promise.resolve(this.facts(instanceId)),
    hostTime: () => ({ utcMs: this.clock.now(), uptimeMs: this.clock.monotonicMs(), hostBootId: 'boot-1' }),
    observe: () => undefined,
    failed: (error) => this.failures.push(error),
    looked: () => undefined,
    diskSlots: 1,
    fetchSlots: 1,
  });

  want(instanceId: string, generation: number, desired: 'running' | 'stopped'): void {
    const wanted: DesiredInstance = { instanceId, generation, desired, spec: spec(instanceId.slice(-4)) };
    this.instances.set(instanceId, { desired: wanted, spec: wanted.spec, told: null, marks: { ...noMarks, made: true } });
    this.runner.wake(instanceId);
  }

  nameOf(instanceId: string): string {
    return instanceId === first ? 'first' : 'second';
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
    const generation = this.instances.get(instanceId)?.desired?.generation ?? 1;
    return {
      domain: { instanceId, name: 'x', state: 'off', generation },
      files: true,
      missingImages: this.missingImages ? [image] : [],
      reservedMac: null,
      addressRight: false,
      leased: false,
      networkReady: true,
      hostBootId: 'boot-1',
    };
  }
}

let rig: Rig;
beforeEach(() => (rig = new Rig()));

test('a step past its deadline keeps its instance’s turn and its slot until it has really ended', async () => {
  rig.want(first, 1, 'running');
  await turn();
  rig.want(second, 1, 'running');
  await turn();
  expect(rig.begun).toEqual(['start first']);
  const readBefore = rig.reads.length;
  await rig.clock.advance(stepPolicies.start.deadlineMs * 3);
  rig.runner.wake(first);
  rig.want(first, 2, 'stopped');
  await turn();
  expect(rig.begun).toEqual(['start first']);
  expect(rig.reads).toHaveLength(readBefore);
  expect(rig.said.join()).toMatch(/not ended by its deadline/);
  rig.ends[0]?.fails(new Error('killed'));
  await turn();
  expect(rig.failures).toEqual([new Error('killed')]);
  // Both go on: the slot is free, and the newer order of the first is obeyed.
  expect(rig.begun).toContain('start second');
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
