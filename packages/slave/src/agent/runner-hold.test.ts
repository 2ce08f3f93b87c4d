import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import type { Journal } from './journal';
import { emptyJournal, type JournaledInstance } from './journal-state';
import { noMarks, type Marks } from './marks';
import { Runner } from './runner';
import type { Executors, Step } from './steps';

const image = { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' as const };
const spec: NonNullable<DesiredInstance['spec']> = {
  name: 'i-1', vcpus: 1, ramMiB: 1, diskMiB: 1, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: 'i-1', user: 'student', sshPublicKeys: [] },
};
const [first, second] = [newId(2), newId(3)];
const withinMs = 20_000;

/** A runner over instances that run; wanted suspended they are saved, which ends when the test says so. */
class Rig {
  readonly clock = new HandClock();
  /** What was done, in order; a hold adds its own. */
  readonly done: string[] = [];
  reads = 0;
  private readonly instances = new Map<string, JournaledInstance>();
  private readonly saved = new Set<string>();
  private readonly endOfSave = new Map<string, () => void>();

  readonly runner = new Runner({
    clock: this.clock,
    log: pino({ level: 'silent' }),
    journal: { state: { ...emptyJournal, instances: this.instances } } as unknown as Journal,
    executors: new Proxy({}, { get: () => (instanceId: string, step: Step) => this.step(step, instanceId) }) as Executors,
    readHost: (instanceId) => {
      this.reads += 1;
      return Promise.resolve({
        domain: { instanceId, name: 'i-1', state: this.saved.has(instanceId) ? 'saved' : 'running', generation: this.instances.get(instanceId)?.desired?.generation ?? 1 },
        files: true, diskEpoch: 1, leftovers: false, awaitsRam: false, missingImages: [], reservedMac: spec.mac, reservationUnknown: false,
        addressRight: true, leased: true, networkReady: true, hostBootId: 'boot-1', mirror: 'well',
      });
    },
    hostTime: () => ({ utcMs: this.clock.now(), uptimeMs: this.clock.monotonicMs(), hostBootId: 'boot-1' }),
    observe: () => undefined,
    failed: (error) => this.done.push(String(error)),
    looked: () => undefined,
    diskSlots: 5,
    fetchSlots: 1,
  });

  want(instanceId: string, desired: 'running' | 'suspended'): void {
    const generation = (this.instances.get(instanceId)?.desired?.generation ?? 0) + 1;
    const marks: Marks = { ...noMarks, made: true, diskEpoch: 1, booted: true, ran: { generation, hostBootId: 'boot-1' }, up: 'yes' };
    this.instances.set(instanceId, { desired: { instanceId, generation, desired, spec }, spec, told: null, marks });
    this.runner.wake(instanceId);
  }

  /** Its save has ended. */
  async ends(instanceId: string): Promise<void> {
    this.saved.add(instanceId);
    this.endOfSave.get(instanceId)?.();
    await turn();
  }

  /** Holds them until `end` is called. */
  hold(name: string, ...instanceIds: readonly string[]): { readonly end: () => Promise<void>; readonly over: Promise<void> } {
    let end: () => void = () => undefined;
    const over = this.runner.hold(instanceIds, withinMs, async (busy) => {
      const found = [...busy].map(([instanceId, doing]) => `; ${this.nameOf(instanceId)}: ${doing}`);
      this.done.push(`${name} holds${found.join('')}`);
      await new Promise<void>((resolve) => (end = resolve));
      this.done.push(`${name} ends`);
    });
    return {
      over,
      end: async () => {
        end();
        await over;
        await turn();
      },
    };
  }

  private nameOf(instanceId: string): string {
    return instanceId === first ? 'first' : 'second';
  }

  private step(step: Step, instanceId: string): Promise<void> {
    this.done.push(`${step.kind} ${this.nameOf(instanceId)}`);
    if (step.kind === 'start') this.saved.delete(instanceId);
    if (step.kind !== 'save') return Promise.resolve();
    return new Promise((resolve) => this.endOfSave.set(instanceId, resolve));
  }
}

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  for (const instanceId of [first, second]) rig.want(instanceId, 'running');
  await turn();
  expect(rig.done).toEqual([]);
});

test('while an instance is held no round of it begins, those of others do, and then it looks again', async () => {
  const hold = rig.hold('a', first);
  await turn();
  rig.want(first, 'suspended');
  rig.want(second, 'suspended');
  await turn();
  expect(rig.done).toEqual(['a holds', 'save second']);
  await hold.end();
  expect(rig.done).toEqual(['a holds', 'save second', 'a ends', 'save first']);
});

test('a hold that nothing woke the instance during costs no look at the host', async () => {
  const before = rig.reads;
  await rig.runner.hold([first], withinMs, () => Promise.resolve());
  await turn();
  expect(rig.reads).toBe(before);
});

test('a hold waits for the round under way, and comes before the next one', async () => {
  rig.want(first, 'suspended');
  await turn();
  const hold = rig.hold('a', first);
  rig.want(first, 'running');
  await turn();
  expect(rig.done).toEqual(['save first']);
  await rig.ends(first);
  expect(rig.done).toEqual(['save first', 'a holds']);
  await hold.end();
});

test('an instance that is busy for longer than the hold waits is told with what goes on, the others are held', async () => {
  rig.want(first, 'suspended');
  await turn();
  const hold = rig.hold('a', first, second);
  await rig.clock.advance(withinMs - 1);
  expect(rig.done).toEqual(['save first']);
  await rig.clock.advance(1);
  expect(rig.done).toEqual(['save first', 'a holds; first: its memory is being saved']);
  // What ends meanwhile is not held any more, and goes on as it likes.
  rig.want(first, 'running');
  rig.want(second, 'suspended');
  await rig.ends(first);
  await hold.end();
  expect(rig.done).toEqual(['save first', 'a holds; first: its memory is being saved', 'start first', 'a ends', 'save second']);
});

test('two who want the same instances have them one after the other, in whatever order they name them', async () => {
  const one = rig.hold('a', first, second);
  const other = rig.hold('b', second, first);
  await turn();
  expect(rig.done).toEqual(['a holds']);
  await one.end();
  await other.end();
  expect(rig.done).toEqual(['a holds', 'a ends', 'b holds', 'b ends']);
});

test('who holds too long is told to the next one', async () => {
  const one = rig.hold('a', first);
  const other = rig.hold('b', first);
  await rig.clock.advance(withinMs);
  expect(rig.done).toEqual(['a holds', 'b holds; first: another snapshot of it is being made']);
  await other.end();
  await one.end();
});

test('an order that came during a hold is obeyed before the next hold', async () => {
  const one = rig.hold('a', first);
  const other = rig.hold('b', first);
  rig.want(first, 'suspended');
  await turn();
  await one.end();
  expect(rig.done).toEqual(['a holds', 'a ends', 'save first']);
  await rig.ends(first);
  expect(rig.done).toEqual(['a holds', 'a ends', 'save first', 'b holds']);
  await other.end();
});

test('work that fails lets go', async () => {
  await expect(rig.runner.hold([first], withinMs, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
  rig.want(first, 'suspended');
  await turn();
  expect(rig.done).toEqual(['save first']);
});

test('a stopped agent gives nobody anything to hold', async () => {
  rig.runner.stop();
  await expect(rig.runner.hold([first], withinMs, () => Promise.resolve())).rejects.toThrow(/being stopped/);
});

test('a hold counts as work that is not settled', async () => {
  const hold = rig.hold('a', first);
  let settled = false;
  void rig.runner.settled().then(() => (settled = true));
  await turn();
  expect(settled).toBe(false);
  await hold.end();
  expect(settled).toBe(true);
});

test('an instance that is forgotten during a hold, and comes back, begins no round before the hold has ended', async () => {
  const hold = rig.hold('a', first);
  rig.runner.forget(first);
  rig.want(first, 'suspended');
  await turn();
  expect(rig.done).toEqual(['a holds']);
  await hold.end();
  expect(rig.done).toEqual(['a holds', 'a ends', 'save first']);
});
