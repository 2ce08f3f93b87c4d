import { wantedPart, type SnapshotPart, type SnapshotRecord } from './snapshot-record';
import { sayStanding, snapshotSteps, type GuestDoes, type SnapshotWorld } from './snapshot-steps';

const snapshot: SnapshotRecord = {
  id: 's1', name: 'before the exam', userId: 'u1', deploymentId: null, familyId: null, production: false, purpose: 'keep', generation: null, state: 'pending', sentence: '', freezeBy: 1000, deadlineAt: 5000, createdAt: 0, endedAt: null, leftOut: null,
};

function part(name: string, slaveId: string, more: Partial<SnapshotPart> = {}): SnapshotPart {
  return { ...wantedPart({ imageId: `image-${name}`, snapshotId: 's1', instanceId: `id-${name}`, instanceName: name, slaveId }), ...more };
}

const world = (connected: readonly string[], now = 10, guests: Readonly<Record<string, GuestDoes>> = {}): SnapshotWorld => ({ now, isConnected: (id) => connected.includes(id), slaveName: (id) => `lab-${id}`, guestDoes: (id) => guests[id] ?? 'away', isRetired: (id) => id === 'retired' });

test('all hosts are told to freeze in one round, each all of its disks', () => {
  const parts = [part('a', 'x'), part('b', 'y'), part('c', 'x')];
  expect(snapshotSteps(snapshot, parts, world(['x', 'y']))).toEqual([
    { kind: 'freeze', slaveId: 'x', parts: [parts[0], parts[2]] },
    { kind: 'freeze', slaveId: 'y', parts: [parts[1]] },
  ]);
});

test('no host is told to freeze while another one is away', () => {
  expect(snapshotSteps(snapshot, [part('a', 'x'), part('b', 'y')], world(['x']))).toEqual([]);
});

test('what was begun is brought to its end where it can be', () => {
  const parts = [part('a', 'x', { state: 'frozen' }), part('b', 'y'), part('c', 'z')];
  expect(snapshotSteps(snapshot, parts, world(['z']))).toEqual([{ kind: 'freeze', slaveId: 'z', parts: [parts[2]] }]);
});

test('disks that are not frozen in time are not of one moment: it fails, naming hosts and instances', () => {
  const [step] = snapshotSteps(snapshot, [part('a', 'x', { state: 'frozen' }), part('b', 'y')], world(['x', 'y'], 1000));
  expect(step).toMatchObject({ kind: 'fail', sentence: expect.stringMatching(/^lab-y did not freeze b in time/) as string });
});

test('nothing is sent before all are frozen; then each host sends and what came is taken', () => {
  const frozen = [part('a', 'x', { state: 'frozen' }), part('b', 'y', { state: 'received' }), part('c', 'z', { state: 'kept' }), part('d', 'away', { state: 'frozen' })];
  expect(snapshotSteps(snapshot, [...frozen, part('e', 'z')], world(['x', 'y', 'z']))).toMatchObject([{ kind: 'freeze' }]);
  expect(snapshotSteps(snapshot, frozen, world(['x', 'y', 'z']))).toEqual([{ kind: 'send', part: frozen[0] }, { kind: 'take', part: frozen[1] }]);
});

test('it is complete when all are kept, also after its time', () => {
  expect(snapshotSteps(snapshot, [part('a', 'x', { state: 'kept' }), part('b', 'y', { state: 'kept' })], world([], 9000))).toEqual([{ kind: 'complete' }]);
});

test('what is not kept by its deadline fails as a whole, naming what is missing', () => {
  const [step] = snapshotSteps(snapshot, [part('a', 'x', { state: 'kept' }), part('b', 'y', { state: 'frozen' })], world(['x', 'y'], 5000));
  expect(step).toMatchObject({ kind: 'fail', sentence: expect.stringContaining('b is not in the store yet') as string });
});

test('one disk that failed fails all of it, with its reason', () => {
  const [step] = snapshotSteps(snapshot, [part('a', 'x', { state: 'kept' }), part('b', 'y', { state: 'failed', sentence: 'its pool is full.' })], world(['x', 'y']));
  expect(step).toEqual({ kind: 'fail', sentence: 'b: its pool is full. Nothing of the snapshot is kept.' });
});

test.each(['ready', 'failed'] as const)('of a snapshot that is %s each host hears once, when it is there', (state) => {
  const parts = [part('a', 'x'), part('b', 'y', { hostTold: true }), part('c', 'away'), part('d', 'retired')];
  expect(snapshotSteps({ ...snapshot, state }, parts, world(['x', 'y']))).toEqual([{ kind: 'tell-end', part: parts[0] }, { kind: 'tell-end', part: parts[3] }]);
});

test('how it stands is said in words', () => {
  const name = (id: string): string => `lab-${id}`;
  expect(sayStanding([part('a', 'x')], name, 'keep')).toBe('The disk is being frozen.');
  expect(sayStanding([part('a', 'x'), part('b', 'y', { state: 'frozen' })], name, 'keep')).toBe('2 disks are being frozen.');
  expect(sayStanding([part('a', 'x', { state: 'kept' }), part('b', 'y', { state: 'frozen' }), part('c', 'y', { state: 'frozen' })], name, 'keep')).toBe(
    '1 of 3 disks are in the store; lab-y sends b, and 1 more are to come.',
  );
  expect(sayStanding([part('a', 'x', { state: 'received' })], name, 'keep')).toBe('0 of 1 disk is in the store; what came is being taken in.');
});

test('what moves is still already, and is not said to be frozen', () => {
  const name = (): string => '';
  const of = (what: SnapshotPart['what'], more: Partial<SnapshotPart> = {}): SnapshotPart => part('exam', 'x', { what, ...more });
  expect(sayStanding([of('disk')], name, 'move')).toBe('exam is off: its disk is about to leave for the store.');
  expect(sayStanding([of('disk'), of('ram')], name, 'move')).toBe('exam is saved: its disk and its RAM are about to leave for the store.');
  expect(sayStanding([of('disk'), of('ram'), of('home', { state: 'frozen' })], name, 'move')).toBe('exam is saved: its disk, its RAM and its home volume are about to leave for the store.');
});

describe('with RAM', () => {
  const ram = (name: string, slaveId: string, more: Partial<SnapshotPart> = {}): SnapshotPart => part(name, slaveId, { imageId: `ram-${name}`, what: 'ram', ...more });

  test('all guests are asked to be saved at once, and nothing is frozen before all are', () => {
    const asked = [part('a', 'x'), ram('a', 'x', { ramStep: 'suspend' }), part('b', 'y'), ram('b', 'y', { ramStep: 'suspend' })];
    expect(snapshotSteps(snapshot, asked, world(['x', 'y']))).toEqual([{ kind: 'suspend', part: asked[1] }, { kind: 'suspend', part: asked[3] }]);
    const waiting = asked.map((each) => (each.what === 'ram' ? { ...each, ramStep: 'resume' as const } : each));
    expect(snapshotSteps(snapshot, waiting, world(['x', 'y'], 10, { 'id-a': 'saved', 'id-b': 'between' }))).toEqual([]);
    expect(snapshotSteps(snapshot, waiting, world(['x', 'y'], 10, { 'id-a': 'saved', 'id-b': 'saved' }))).toMatchObject([{ kind: 'freeze', slaveId: 'x', parts: [waiting[0], waiting[1]] }, { kind: 'freeze', slaveId: 'y' }]);
  });

  test.each(['away', 'deleted', 'runs'] as const)('one that is %s before all are saved fails it, as does the end of the time for it', (does) => {
    const waiting = [part('a', 'x'), ram('a', 'x', { ramStep: 'resume' })];
    expect(snapshotSteps(snapshot, waiting, world(['x'], 10, { 'id-a': does }))).toMatchObject([{ kind: 'fail' }]);
    expect(snapshotSteps(snapshot, waiting, world(['x'], 1000, { 'id-a': 'between' }))).toMatchObject([{ kind: 'fail' }]);
  });

  test('one that cannot be saved fails it at once with its reason, so that no other waits for it', () => {
    const waiting = [part('a', 'x'), ram('a', 'x', { ramStep: 'resume' }), part('b', 'x'), ram('b', 'x', { ramStep: 'resume' })];
    expect(snapshotSteps(snapshot, waiting, world(['x'], 10, { 'id-a': 'saved', 'id-b': { stuck: 'There is no room for its RAM.' } }))).toEqual([
      { kind: 'fail', sentence: 'b cannot be saved: There is no room for its RAM. Nothing of the snapshot is kept.' },
    ]);
  });

  test('guests go on as soon as all is frozen, before anything is sent, and when it has failed', () => {
    const frozen = [part('a', 'x', { state: 'frozen' }), ram('a', 'x', { state: 'frozen', ramStep: 'resume' })];
    expect(snapshotSteps(snapshot, frozen, world(['x']))).toEqual([{ kind: 'resume', part: frozen[1] }]);
    expect(snapshotSteps({ ...snapshot, state: 'failed' }, frozen, world(['x']))).toEqual([{ kind: 'resume', part: frozen[1] }, { kind: 'tell-end', part: frozen[0] }]);
    const gone = frozen.map((each) => ({ ...each, ramStep: null }));
    expect(snapshotSteps(snapshot, gone, world(['x']))).toEqual([{ kind: 'send', part: gone[0] }, { kind: 'send', part: gone[1] }]);
  });

  test('how it stands is said in words', () => {
    const name = (id: string): string => `lab-${id}`;
    expect(sayStanding([part('a', 'x'), ram('a', 'x', { ramStep: 'resume' })], name, 'keep')).toBe('a is being saved, and goes on when it is kept.');
    expect(sayStanding([part('a', 'x', { state: 'kept' }), ram('a', 'x', { state: 'frozen' })], name, 'keep')).toBe('1 of 2 parts (disks and RAM) are in the store; lab-x sends the RAM of a.');
  });
});
