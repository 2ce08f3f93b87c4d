import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { HandClock } from '../../test/fixtures/hand-clock';
import { InstanceEndWatch } from './instance-end-watch';
import { emptyJournal, type JournaledInstance, type JournalState } from './journal-state';
import { noMarks } from './marks';

const one = newId(1);
const spec: InstanceSpec = {
  name: 'i-a', vcpus: 1, ramMiB: 1, diskMiB: 1, disk: { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' }, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: 'i-a', user: 'student', sshPublicKeys: [] },
};

/** A watch over one instance whose time ends `inMs` from now, on a host that can sleep. */
class Rig {
  readonly clock = new HandClock();
  sleptMs = 0;
  readonly over: string[] = [];
  readonly journal: { state: JournalState } = { state: emptyJournal };
  readonly watch = new InstanceEndWatch(this.clock, this.journal, () => this.now(), (_, generation, first) => this.over.push(`${generation}${first ? ' first' : ''}`));

  want(generation: number, inMs: number, known: Partial<JournaledInstance> = {}): void {
    const endsAt = new Date(this.clock.now() + this.sleptMs + inMs).toISOString();
    const desired: DesiredInstance = { instanceId: one, generation, desired: 'running', spec, endsAt };
    this.journal.state = { ...emptyJournal, instances: new Map([[one, { desired, spec, told: { endsAt, ...this.now() }, marks: noMarks, ...known }]]) };
  }

  now() {
    return { utcMs: this.clock.now() + this.sleptMs, uptimeMs: this.clock.monotonicMs() + this.sleptMs, hostBootId: 'boot-a' };
  }
}

test('an end that comes while the host sleeps is seen within a second of waking', async () => {
  const rig = new Rig();
  rig.want(1, 60_000);
  rig.watch.start();
  await rig.clock.advance(5000);
  expect(rig.over).toEqual([]);
  rig.sleptMs = 3600_000;
  await rig.clock.advance(1000);
  expect(rig.over).toEqual(['1 first']);
});

test('says the end at its moment, and again each second until it is noted', async () => {
  const rig = new Rig();
  rig.want(1, 2300);
  rig.watch.start();
  await rig.clock.advance(2299);
  expect(rig.over).toEqual([]);
  await rig.clock.advance(2001);
  expect(rig.over).toEqual(['1 first', '1', '1']);
  rig.want(1, 0, { marks: { ...noMarks, timeEnded: { generation: 1 } } });
  await rig.clock.advance(10_000);
  expect(rig.over).toHaveLength(3);
});

test('an end that somebody else’s wake had noted first is said all the same, once; one noted before the start is not', async () => {
  const rig = new Rig();
  const noted = { marks: { ...noMarks, timeEnded: { generation: 1 } } };
  rig.want(1, 0, noted);
  rig.watch.start();
  expect(rig.over).toEqual([]);
  rig.want(2, 5000);
  rig.watch.start();
  await rig.clock.advance(4900);
  rig.want(2, 100, { marks: { ...noMarks, timeEnded: { generation: 2 } } });
  await rig.clock.advance(5000);
  expect(rig.over).toEqual(['2 first']);
});

test('more time is a new end', async () => {
  const rig = new Rig();
  rig.want(1, 0, { marks: { ...noMarks, timeEnded: { generation: 1 } } });
  rig.watch.start();
  rig.want(2, 5000, { marks: { ...noMarks, timeEnded: { generation: 1 } } });
  await rig.clock.advance(5000);
  expect(rig.over).toEqual(['2 first']);
});

test('looks no more once it is stopped', async () => {
  const rig = new Rig();
  rig.want(1, 1000);
  rig.watch.start();
  rig.watch.stop();
  await rig.clock.advance(5000);
  expect(rig.over).toEqual([]);
  expect(rig.clock.waiting).toEqual([]);
});
