import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { deploymentProgress, type MemberInstance, type MemberNow } from './deployment-progress';
import { aimOf, deploymentVerbs, type DeploymentAim } from './deployment-verbs';
import { slaveIsAwaited } from './slave-silence';

const made = (change: Partial<MemberInstance>): MemberNow => ({
  state: 'made', wish: null, sentence: null,
  instance: { name: 'i-1', desired: 'running', observed: 'running', generation: 2, observedGeneration: 2, reason: null, queuedAt: null, diskEpoch: 1, observedDiskEpoch: 1, liveness: 'online', ...change },
});
const wanted: MemberNow = { state: 'wanted', wish: null, sentence: null, instance: null };
const runs = made({ observed: 'running' });
const waits = (code: ReasonCode): MemberNow => made({ observed: 'queued', observedGeneration: 0, reason: { code, sentence: 'It waits.' } });
const many = (count: number, member: MemberNow): readonly MemberNow[] => Array.from({ length: count }, () => member);
const said = (aim: DeploymentAim, members: readonly MemberNow[], elsewhere = 0): string => {
  const { state, sentence } = deploymentProgress(aim, members, elsewhere);
  return `${state}: ${sentence}`;
};

test('how far a deployment is, is told in words: who runs, and what the others wait for', () => {
  expect(said('make', many(40, wanted))).toBe('pending: 0 of 40 running, 40 to be made');
  expect(said('make', [...many(38, runs), ...many(2, waits('NotEnoughRam'))])).toBe('pending: 38 of 40 running, 2 wait for RAM on any host');
  expect(said('make', [runs, waits('PreparingOthers'), made({ observed: 'booting' }), made({ observed: 'booting' })])).toBe('pending: 1 of 4 running, 2 booting, 1 waits for its turn on a host');
  expect(said('make', many(40, runs))).toBe('done: All 40 run.');
  expect(said('make', [runs])).toBe('done: 1 of 1 running.');
});

test('one that is to come back after it gave way is still on its way', () => {
  const gaveWay = made({ desired: 'suspended', observed: 'suspended', queuedAt: 5, reason: { code: 'LowerPriority', sentence: 'It gave way.' } });
  expect(said('make', [runs, gaveWay])).toBe('pending: 1 of 2 running, 1 gave way and comes back by itself');
});

test('it fails when some cannot, counted by how, with the first told in full', () => {
  const failed = made({ observed: 'failed', reason: { code: 'DeadlinePassed', sentence: 'i-1 took longer than 15 min.' } });
  const refused: MemberNow = { state: 'refused', wish: null, sentence: 'All addresses are in use.', instance: null };
  expect(said('make', [runs, failed, refused])).toBe('failed: 1 of 3 running, 1 could not be made, 1 took too long. i-1 took longer than 15 min.');
  expect(said('make', [runs, failed, waits('NotEnoughCores')])).toMatch(/^pending: /);
});

test('what somebody asked for something else of, or took back, does not keep it from its end', () => {
  const stopped = made({ desired: 'stopped', observed: 'stopping' });
  expect(said('make', [runs, stopped, made({ desired: 'deleted', observed: 'deleted' }), { ...wanted, state: 'cancelled' }])).toBe('done: 1 of 4 running, 1 deleted since, 1 taken back, 1 told to be off since.');
});

test('launches that failed on one slave and went to another are told', () => {
  expect(said('make', [runs, runs], 1)).toBe('done: All 2 run. 1 was tried on another host after a launch failed.');
  expect(said('make', [runs, waits('NotEnoughRam')], 2)).toBe('pending: 1 of 2 running, 1 waits for RAM on any host. 2 were tried on another host after a launch failed.');
});

test('every verb for the whole is told in its own words, from the wish to its end', () => {
  const ends: Readonly<Record<string, MemberNow>> = {
    start: runs,
    resume: runs,
    stop: made({ desired: 'stopped', observed: 'stopped' }),
    suspend: made({ desired: 'suspended', observed: 'suspended' }),
    delete: made({ desired: 'deleted', observed: 'deleted' }),
  };
  for (const [verb, { all, reached }] of Object.entries(deploymentVerbs)) {
    const aim = aimOf(`deployment.${verb}`);
    const end = ends[verb] ?? runs;
    expect(said(aim, [end, { ...runs, wish: aim as 'stop' }])).toBe(`pending: 1 of 2 ${reached}, 1 to be told`);
    expect(said(aim, [end, end])).toBe(`done: All 2 ${all}.`);
    expect(said(aim, [end, { ...runs, sentence: 'It is still being prepared.' }])).toBe(`failed: 1 of 2 ${reached}, 1 refused. It is still being prepared.`);
  }
});

test('a reset ends with machines that do what they did, and with nothing earlier on their disks', () => {
  const anew = { diskEpoch: 2, observedDiskEpoch: 2 } as const;
  const old = { diskEpoch: 2, observedDiskEpoch: 1, observedGeneration: 1 } as const;
  const emptied = made({ ...old, observed: 'preparing' });
  const off = made({ ...anew, desired: 'stopped', observed: 'stopped' });
  const waitsOff = made({ ...anew, desired: 'stopped', observed: 'stopped', queuedAt: 5, reason: { code: 'LowerPriority', sentence: 'It gave way.' } });
  expect(said('reset', [made(anew), off, emptied, made({ ...old, desired: 'stopped', observed: 'suspended' }), made({ ...anew, observed: 'booting', observedGeneration: 1 })])).toBe('pending: 2 of 5 begun anew, 2 being emptied, 1 booting');
  expect(said('reset', [made(anew), off, waitsOff])).toBe('done: All 3 began anew.');
  expect(said('reset', [made(anew), made({ ...old, observed: 'lost', liveness: 'lost' })])).toBe('pending: 1 of 2 begun anew, 1 waits for a host that is offline');
  expect(said('reset', [made(anew), made({ ...anew, observed: 'failed', reason: { code: 'ImageMissing', sentence: 'i-1 did not get its image.' } })])).toBe('failed: 1 of 2 begun anew, 1 did not get its image. i-1 did not get its image.');
  // What it ran before is no answer, though it does what it is to do.
  expect(said('reset', [made({ diskEpoch: 2, observedDiskEpoch: 1 })])).toBe('pending: 0 of 1 begun anew, 1 being emptied');
  expect(said('reset', [made(anew), made({ ...old, desired: 'deleted' }), made({ desired: 'deleted', observed: 'deleted' })])).toBe('done: 1 of 3 begun anew, 1 deleted since, 1 told to be deleted since.');
});

test.each(['suspect', 'lost'] as const)('what runs on a slave that is silent and %s is not told to run, nor is anything else done there; what is off or saved is', (liveness) => {
  const offline = '1 waits for a host that is offline';
  const silent = (change: Partial<MemberInstance>): MemberNow => made({ ...change, liveness });
  expect(said('make', [runs, silent({})])).toBe(`pending: 1 of 2 running, ${offline}`);
  expect(said('make', [runs, silent({ observed: 'booting', observedGeneration: 1 })])).toBe(`pending: 1 of 2 running, ${offline}`);
  expect(said('suspend', [silent({ desired: 'suspended', observedGeneration: 1 }), silent({ desired: 'suspended', observed: 'suspended' })])).toBe(`pending: 1 of 2 saved, ${offline}`);
  expect(said('stop', [silent({ desired: 'stopped', observed: 'stopped' })])).toBe('done: 1 of 1 off.');
  expect(said('delete', [silent({ desired: 'deleted', observed: 'stopped', observedGeneration: 1 })])).toBe(`pending: 0 of 1 gone, ${offline}`);
  expect(said('reset', [silent({ diskEpoch: 2, observedGeneration: 1 }), silent({ diskEpoch: 2, observedDiskEpoch: 2 })])).toBe('pending: 0 of 2 begun anew, 2 wait for a host that is offline');
  // It has failed, and its slave's return does not mend that.
  expect(said('make', [silent({ observed: 'failed', reason: { code: 'ImageMissing', sentence: 'i-1 did not get its image.' } })])).toMatch(/^failed: /);
});

test('a machine waits for a slave that does not answer with everything but what is off, saved, failed or deleted', () => {
  const isAwaited = (change: Partial<MemberInstance>, liveness: MemberInstance['liveness'] = 'suspect'): boolean => {
    const { instance } = made(change);
    return instance !== null && slaveIsAwaited(instance, liveness);
  };
  expect([isAwaited({}), isAwaited({ observed: 'lost', observedGeneration: 1 }), isAwaited({ desired: 'stopped', observed: 'running', observedGeneration: 1 })]).toEqual([true, true, true]);
  expect([isAwaited({}, 'online'), isAwaited({}, null), isAwaited({ desired: 'suspended', observed: 'suspended' }), isAwaited({ observed: 'failed' }), isAwaited({ desired: 'deleted', observed: 'deleted' })]).toEqual([false, false, false, false, false]);
});

test('one whose domain is gone is told as lost, not as waiting for its slave, which answers', () => {
  const gone = made({ observed: 'lost', reason: { code: 'DomainLost', sentence: 'i-1 is gone from lab-1.' } });
  expect(said('make', [runs, gone])).toBe('failed: 1 of 2 running, 1 is lost. i-1 is gone from lab-1.');
});

test('a cancel ends with what never ran, and tells of what ran meanwhile', () => {
  const deleting = { ...made({ desired: 'deleted', observed: 'queued' }), state: 'cancelled' } as const;
  expect(said('cancel', [{ ...wanted, state: 'cancelled' }, deleting])).toBe('pending: 1 of 2 deleted, 1 being deleted');
  expect(said('cancel', [{ ...wanted, state: 'cancelled' }, runs])).toBe('done: 1 of 2 deleted, 1 stays, because it ran.');
});

test('an operation of another kind is none of deployments', () => {
  expect(() => aimOf('instance.start')).toThrow(RangeError);
  expect(() => aimOf('deployment.frobnicate')).toThrow(RangeError);
});
