import type { Principal } from '@paravcl/shared/domain/people';
import { composePreCopy } from '../../src/compose-pre-copy';
import type { PreCopyPolicy } from '../../src/core/pre-copy';
import { PreCopyJob } from '../../src/jobs/pre-copy-job';
import { AccessPatternService } from '../../src/services/access-pattern-service';
import { HandClock } from './hand-clock';
import { holding, MirrorFleetDouble } from './mirror-fleet-double';
import { openReservationRig, type ReservationRig } from './reservation-rig';
import { sampleInstance, sampleTime } from './sample-records';

const [ubuntu, linux] = ['a'.repeat(64), 'b'.repeat(64)];
const policy: PreCopyPolicy = { enabled: true, what: 'boot-set', leadMinutes: 120 };

let rig: ReservationRig;
let ada: Principal;
let fleet: MirrorFleetDouble;
let image: string;
let kernel: string;
let one: string;
let other: string;

/** As after a start of the master. */
const started = (facts: Partial<PreCopyPolicy> = {}, mirrors = fleet) => {
  const patterns = new AccessPatternService(rig.unit, { manifest: () => Promise.resolve(null) }, rig.clock);
  const { calendar, jobs } = composePreCopy({ unit: rig.unit, clock: rig.clock, fleet: mirrors, patterns, policy: { ...policy, ...facts }, timeZone: 'Europe/Berlin' });
  const round = async (): Promise<void> => {
    for (const [, job] of jobs) await job.run((error) => { throw error; });
  };
  return { calendar, round, reservations: rig.composeAll(rig, rig.unit, calendar).reservations };
};
const wanted = () => [fleet.wantedOn(one), fleet.wantedOn(other)];
const bootKnown = () => rig.unit.transaction(({ patterns }) => patterns.save(image, { recordings: [], pattern: { revision: 1, boot: [1], application: [], shutdown: [] } }, 65_536, sampleTime));

beforeEach(async () => {
  rig = await openReservationRig();
  [one, other] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
  ada = await rig.person('admin', 'ada');
  kernel = await rig.image(1, 'kernel', 'ready', { manifestId: linux });
  image = await rig.image(64, 'disk', 'ready', { manifestId: ubuntu, defaultKernelId: kernel });
  fleet = new MirrorFleetDouble();
  await bootKnown();
});
afterEach(() => rig.close());

test('what a reservation boots from is brought to the slaves of its slots as its start comes near, and wanted no more when it is over', async () => {
  await rig.request(ada, { count: 2, imageId: image, start: '2026-03-03T10:00' });
  const { round } = started();
  await round();
  expect(wanted()).toEqual([undefined, undefined]);
  await rig.until('2026-03-03T07:59:59+01:00');
  await round();
  expect(wanted()).toEqual([undefined, undefined]);
  // Time alone brings it nearer: nobody wakes the job.
  await rig.until('2026-03-03T08:00:30+01:00');
  await round();
  expect(wanted()).toEqual([['all bbbb', 'boot-set aaaa'], ['all bbbb', 'boot-set aaaa']]);
  await rig.until('2026-03-03T10:30:00+01:00');
  await round();
  expect(wanted()).toEqual([['all bbbb', 'boot-set aaaa'], ['all bbbb', 'boot-set aaaa']]);
  await rig.until('2026-03-03T11:00:00+01:00');
  await round();
  expect(wanted()).toEqual([[], []]);
});

test('a reservation that is cancelled or made is followed in the next round', async () => {
  await rig.until('2026-03-03T09:00:00+01:00');
  const { round, calendar } = started();
  await round();
  const made = await rig.request(ada, { count: 1, imageId: image, start: '2026-03-03T10:00' });
  await round();
  expect(wanted()).toEqual([undefined, undefined]);
  calendar.wake();
  await round();
  expect(wanted()).toEqual([['all bbbb', 'boot-set aaaa'], undefined]);
  await rig.changes.cancel(rig.acting(ada), made.reservation?.id ?? '', { series: false });
  calendar.wake();
  await round();
  expect(wanted()).toEqual([[], undefined]);
});

test('a master that was started anew tells all of it again', async () => {
  await rig.request(ada, { count: 2, imageId: image, start: '2026-03-03T10:00' });
  await rig.until('2026-03-03T09:00:00+01:00');
  await started().round();
  const after = new MirrorFleetDouble();
  await started({}, after).round();
  expect(after.wantedOn(one)).toEqual(fleet.wantedOn(one));
  expect(after.wantedOn(other)).toEqual(['all bbbb', 'boot-set aaaa']);
});

test('one that waits for a slave that others leave for it is expected there now, with the kernel it was launched with', async () => {
  await rig.unit.transaction(({ instances }) => instances.insert(sampleInstance({ imageId: image, kernelId: kernel, observed: 'queued', nominatedSlaveId: other })));
  await started().round();
  expect(wanted()).toEqual([undefined, ['all bbbb', 'boot-set aaaa']]);
});

test('a disk of which nobody has recorded a boot is brought only where all of it is wanted', async () => {
  await rig.unit.transaction(({ patterns }) => patterns.save(image, { recordings: [], pattern: { revision: 0, boot: [], application: [], shutdown: [] } }, 0, sampleTime));
  await rig.request(ada, { count: 1, imageId: image, start: '2026-03-03T10:00' });
  await rig.until('2026-03-03T09:00:00+01:00');
  const { round, reservations } = started();
  fleet.says(one, []);
  await round();
  expect(wanted()).toEqual([['all bbbb'], undefined]);
  expect((await reservations.list(ada, { limit: 10 })).items[0]?.readiness?.sentence).toMatch(/launch one and stop it, or set images\.preCopy\.what to all\.$/);
  await started({ what: 'all' }).round();
  expect(wanted()).toEqual([['all aaaa', 'all bbbb'], undefined]);
});

test('a site that has switched it off brings nothing, and takes back what was wanted before', async () => {
  await rig.request(ada, { count: 1, imageId: image, start: '2026-03-03T10:00' });
  await rig.until('2026-03-03T09:00:00+01:00');
  fleet.says(one, []);
  await started({ enabled: false }).round();
  expect(wanted()).toEqual([[], undefined]);
});

test('a reservation of an image of an earlier release, or of none, asks for nothing', async () => {
  await rig.request(ada, { count: 1, imageId: await rig.image(), start: '2026-03-03T10:00' });
  await rig.request(ada, { count: 1, start: '2026-03-03T10:00' });
  await rig.until('2026-03-03T09:00:00+01:00');
  const { round, reservations } = started();
  await round();
  expect(wanted()).toEqual([undefined, undefined]);
  expect((await reservations.list(ada, { limit: 10 })).items.map(({ readiness }) => readiness)).toEqual([undefined, undefined]);
});

test('a round writes nothing', async () => {
  await rig.request(ada, { count: 2, imageId: image, start: '2026-03-03T10:00' });
  await rig.until('2026-03-03T09:00:00+01:00');
  const { round } = started();
  const statements: string[] = [];
  rig.database.db.on('query', ({ sql }: { readonly sql: string }) => void statements.push(sql));
  await round();
  rig.database.db.removeAllListeners('query');
  expect(statements.length).toBeGreaterThan(3);
  expect(statements.filter((sql) => !sql.startsWith('select'))).toEqual([]);
});

describe('a reservation near its start', () => {
  test('tells on how many of its hosts its image is ready, as the mirrors say', async () => {
    const made = await rig.request(ada, { count: 2, imageId: image, start: '2026-03-03T10:00' });
    const id = made.reservation?.id ?? '';
    const { round, reservations } = started();
    await round();
    expect((await reservations.get(ada, id)).readiness).toBeUndefined();
    await rig.until('2026-03-03T09:00:00+01:00');
    fleet.says(one, [holding(ubuntu, 10, 10), holding(linux, 100)]);
    await round();
    expect((await reservations.get(ada, id)).readiness).toEqual({ slaves: 2, ready: 1, sentence: 'The image is ready on 1 of 2 hosts; the 2nd fetches what it reads as it boots. The mirror of one host is not connected.' });
    fleet.says(other, [holding(ubuntu, 10, 10), holding(linux, 99)]);
    await round();
    expect((await reservations.get(ada, id)).readiness).toEqual({ slaves: 2, ready: 1, sentence: 'The image is ready on 1 of 2 hosts; it is being brought to 1, and whoever lacks some of it at the start fetches what it reads as it boots.' });
    fleet.says(other, [holding(ubuntu, 10, 10), holding(linux, 100)]);
    await round();
    expect((await reservations.list(ada, { limit: 10 })).items[0]?.readiness).toEqual({ slaves: 2, ready: 2, sentence: 'The image is ready on all 2 hosts.' });
  });

  test('is never refused a machine for want of an image: a late one is claimed and fetches what it reads', async () => {
    const made = await rig.request(ada, { count: 1, imageId: image, start: '2026-03-03T10:00' });
    await rig.until('2026-03-03T10:00:00+01:00');
    const { round, reservations } = started();
    fleet.says(one, [], { poolFull: true });
    await round();
    const id = made.reservation?.id ?? '';
    expect((await reservations.get(ada, id)).readiness).toEqual({ slaves: 1, ready: 0, sentence: 'The image is not ready on its host; what is missing at the start is fetched as it is read.' });
    const { instance } = await rig.claims.claim(rig.acting(ada), id, { imageId: undefined, instanceId: undefined, name: undefined, sshPublicKeys: [] });
    await rig.scheduler.idle();
    expect(rig.agents.last(instance.id).slaveId).toBe(one);
  });
});

describe('the job', () => {
  const clock = new HandClock();
  let rounds: number;
  let fails: boolean;
  const job = () => {
    [rounds, fails] = [0, false];
    return new PreCopyJob(
      {
        round: () => {
          rounds++;
          return fails ? Promise.reject(new Error('the database is away')) : Promise.resolve();
        },
      },
      clock,
    );
  };

  test('looks once at its start, then when something changed, and after 30 s anyway', async () => {
    const asked = job();
    for (let n = 0; n < 3; n++) await asked.run();
    expect(rounds).toBe(1);
    asked.wake();
    asked.wake();
    for (let n = 0; n < 3; n++) await asked.run();
    expect(rounds).toBe(2);
    clock.advance(29_999);
    await asked.run();
    expect(rounds).toBe(2);
    clock.advance(1);
    await asked.run();
    expect(rounds).toBe(3);
  });

  test('makes a round again that failed', async () => {
    const asked = job();
    fails = true;
    await expect(asked.run()).rejects.toThrow('the database is away');
    fails = false;
    await asked.run();
    await asked.run();
    expect(rounds).toBe(2);
  });
});
