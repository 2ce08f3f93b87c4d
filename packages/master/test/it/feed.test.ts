import { newId } from '@paravcl/shared/ids';
import type { SlaveRecord } from '../../src/repositories/slave-record';
import type { Tell } from '../../src/services/change-feed';
import { plainDescribe } from './agent-double';
import { eventually } from './eventually';
import { openFeed, type FeedRig } from './feed-rig';
import { sampleImage, sampleInstance, sampleReservation } from './sample-records';
import { openTestSite, type Person, type TestSite } from './test-site';

let site: TestSite;
let feed: FeedRig;
let alice: Person;
let bob: Person;
let groupId: string;

beforeAll(async () => {
  site = await openTestSite();
  const group = await site.send<{ id: string }>('POST', '/groups', { as: site.people.teacher, body: { name: 'CL II' } });
  groupId = group.body.id;
  alice = await site.person('alice', 'student', groupId);
  bob = await site.person('bob', 'student');
  feed = await openFeed(site);
});
afterAll(async () => {
  await feed.close();
  await site.close();
});
afterEach(async () => {
  await feed.closeTabs();
  expect(feed.faults).toEqual([]);
});

const launch = async (person: Person, group: string | null = null): Promise<string> => {
  const instance = sampleInstance({ userId: person.id, groupId: group });
  await site.database.unit.transaction(({ instances }) => instances.insert(instance));
  return instance.id;
};
const notice = (person: Person, id = newId(Date.now())) => ({ id, userId: person.id, at: Date.now(), kind: 'instance.preempted' as const, subjectType: 'instance' as const, subjectId: newId(0), sentence: 'Saved.', decisionId: null });

test('tells of the own things and never of anybody else’s', async () => {
  const [hers, his] = [await feed.open(alice), await feed.open(bob)];
  const { unit } = site.database;
  const bobs = await launch(bob);
  const told = notice(bob);
  const image = sampleImage({ visibility: 'private', createdByUserId: bob.id });
  const reservation = sampleReservation({ userId: bob.id });
  await unit.transaction(async ({ notices, images, reservations }) => {
    await notices.insert(told);
    await images.insert(image);
    await reservations.insert(reservation);
  });
  await unit.read.instances.change(bobs, { observed: 'requested', generation: 1 }, { queuedBecause: 'preempted' });
  // What was written before a marker is told with it or before it.
  await his.told('reservations', reservation.id);
  const marker = await launch(alice);
  await hers.told('instances', marker);
  expect(his.ids('instances')).toContain(bobs);
  expect(his.ids('notices')).toEqual([told.id]);
  expect(his.ids('images')).toEqual([image.id]);
  for (const topic of ['notices', 'images', 'reservations'] as const) expect(hers.ids(topic)).toEqual([]);
  expect(hers.ids('instances')).toEqual([marker]);
  await his.told('instances', await launch(bob));
  expect(his.ids('instances')).not.toContain(marker);
});

test('whoever sees a machine is told when its slave falls silent, and when that is heard again', async () => {
  const { unit } = site.database;
  const slave: SlaveRecord = {
    id: newId(0), name: 'lab-pc-07', kind: 'dedicated', ownerUserId: null, maxConnections: null, admission: 'approved', admissionReason: null, liveness: 'online', publicKey: 'key of lab-pc-07', machineId: '7'.repeat(32),
    macs: [], enrolledAddress: null, address: null, presented: null, describe: plainDescribe('02:00:00:00:00:07'), foreignDomains: [], agentBuild: null, epoch: 1, lastSeenAt: Date.now(), declaredDeadAt: null, createdAt: Date.now(),
  };
  const [its, elsewhere] = [sampleInstance({ userId: alice.id, slaveId: slave.id }), sampleInstance({ userId: alice.id })];
  await unit.transaction(async ({ slaves, instances }) => {
    await slaves.insert(slave);
    await instances.insert(its);
    await instances.insert(elsewhere);
  });
  const steps = [
    () => unit.transaction(({ slaves }) => slaves.moveLiveness(slave.id, 'online', 'suspect')),
    () => unit.transaction(({ slaves }) => slaves.moveLiveness(slave.id, 'suspect', 'lost')),
    () => unit.transaction(({ slaves }) => slaves.declareDead(slave.id, Date.now())),
    () => unit.transaction(({ slaves }) => slaves.openSession(slave.id, slave.admission, { epoch: 2, agentBuild: 'test', address: '127.0.0.1', describe: slave.describe, foreignDomains: [], seenAt: Date.now() })),
  ];
  for (const step of steps) {
    const [hers, his] = [await feed.open(alice), await feed.open(bob)];
    expect(await step()).toBe(true);
    await hers.told('instances', its.id);
    expect([hers.ids('instances'), his.ids('instances')]).toEqual([[its.id], []]);
    await feed.closeTabs();
  }
});

test('a transaction that comes to nothing tells nothing, and a repeated one tells of its last run alone', async () => {
  const tab = await feed.open(alice);
  const rolledBack = sampleInstance({ userId: alice.id });
  await expect(
    site.database.unit.transaction(async ({ instances }) => {
      await instances.insert(rolledBack);
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  const first = sampleInstance({ userId: alice.id });
  const second = sampleInstance({ userId: alice.id });
  let runs = 0;
  await site.database.unit.transaction(async ({ instances }) => {
    runs += 1;
    await instances.insert(runs === 1 ? first : second);
    // ER_LOCK_DEADLOCK, as the server says it.
    if (runs === 1) throw Object.assign(new Error('Deadlock found'), { errno: 1213 });
  });
  await tab.told('instances', second.id);
  expect(tab.ids('instances')).toEqual([second.id]);
});

test('a teacher is told of what runs in the own groups, a member of the group’s reservations, who runs the site of everything', async () => {
  const [teacher, hers, his, operator] = [await feed.open(site.people.teacher), await feed.open(alice), await feed.open(bob), await feed.open(site.people.operator)];
  const outside = await launch(bob);
  const inside = await launch(alice, groupId);
  const shared = sampleReservation({ userId: site.people.teacher.id, groupId });
  await site.database.unit.transaction(({ reservations }) => reservations.insert(shared));
  await Promise.all([teacher.told('instances', inside), hers.told('reservations', shared.id), operator.told('instances', outside)]);
  await his.told('instances', await launch(bob));
  expect(teacher.ids('instances')).not.toContain(outside);
  expect(his.ids('reservations')).toEqual([]);
});

test('who joins a group is told from then on, and who leaves it once more', async () => {
  const tab = await feed.open(bob);
  const reserve = async (): Promise<string> => {
    const reservation = sampleReservation({ userId: alice.id, groupId });
    await site.database.unit.transaction(({ reservations }) => reservations.insert(reservation));
    return reservation.id;
  };
  expect((await site.send('POST', `/groups/${groupId}/members`, { as: site.people.teacher, body: { userName: 'bob' } })).status).toBe(201);
  await tab.told('groups', groupId);
  await tab.told('reservations', await reserve());
  const before = tab.ids('groups').length;
  expect((await site.send('DELETE', `/groups/${groupId}/members/${bob.id}`, { as: site.people.teacher })).status).toBe(204);
  await eventually('bob is told that he is out', () => tab.ids('groups').length > before);
  const unseen = await reserve();
  await tab.told('instances', await launch(bob));
  expect(tab.ids('reservations')).not.toContain(unseen);
});

test('everybody is told that free room may have changed, without whose', async () => {
  const tab = await feed.open(alice);
  await launch(bob);
  await eventually('alice is told of the pool', () => tab.messages.some((message) => message.type === 'changed' && message.changes.some(({ topic, ids }) => topic === 'pool' && ids === null)));
  expect(tab.ids('instances')).toEqual([]);
});

test('ends with the session', async () => {
  const again = await site.login('alice');
  const tab = await feed.open(again);
  const other = await feed.open(alice);
  expect((await site.send('DELETE', '/sessions/current', { as: again })).status).toBe(204);
  await feed.watch.run();
  expect(await tab.closed).toEqual({ code: 4001, reason: 'Your session has ended. Log in again.' });
  expect(other.socket.readyState).toBe(other.socket.OPEN);
});

test('opens to pages of this site with a session, and to nothing else', async () => {
  const cookie = feed.cookie(alice);
  for (const origin of ['https://evil.example', 'null', feed.origin.replace('https:', 'http:'), `${feed.origin}1`]) expect(await feed.dial({ cookie, origin })).toBe(403);
  expect(await feed.dial({ cookie })).toBe(403);
  expect(await feed.dial({ origin: feed.origin })).toBe(401);
  expect(await feed.dial({ origin: feed.origin, cookie: '__Host-paravcl=pvs_nobody' })).toBe(401);
  expect(await feed.dial({ origin: feed.origin, authorization: `Bearer ${alice.token}` })).toBe(401);
  expect(await feed.dial({ origin: feed.origin, cookie })).toBe(101);
});

test('whoever sends something is closed, and so is whoever floods', async () => {
  const [word, flood] = [await feed.open(alice), await feed.open(alice)];
  word.socket.send('hello');
  expect(await word.closed).toEqual({ code: 1008, reason: 'Nothing may be sent here.' });
  for (let n = 0; n < 100; n++) flood.socket.send('x'.repeat(10_000), () => undefined);
  expect([1006, 1008, 1009]).toContain((await flood.closed).code);
});

test('a session has so many tabs and no more; a closed one makes room', async () => {
  const carol = await site.person('carol', 'student');
  const tabs = await Promise.all([1, 2, 3, 4, 5].map(() => feed.open(carol)));
  expect(await feed.dial({ origin: feed.origin, cookie: feed.cookie(carol) })).toBe(429);
  tabs[0]?.socket.terminate();
  await eventually('there is room again', async () => (await feed.dial({ origin: feed.origin, cookie: feed.cookie(carol) })) === 101);
});

test('one that does not read is cut off, and the others are told on', async () => {
  const dan = await site.person('dan', 'student');
  const tells = new Set<Tell>();
  const narrow = await openFeed(site, {}, {
    listen: (_principal, tell) => {
      tells.add(tell);
      return () => tells.delete(tell);
    },
  });
  const [slow, quick] = [await narrow.open(dan), await narrow.open(dan)];
  slow.socket.pause();
  const long = JSON.stringify({ type: 'changed', changes: Array.from({ length: 20 }, () => ({ topic: 'notices', ids: Array.from({ length: 200 }, () => newId(0)) })) });
  let told = 0;
  // Until the kernel takes no more of them.
  await eventually('the slow one is cut off', () => {
    for (const tell of tells) tell(long);
    told += 1;
    return narrow.door.size === 1;
  });
  await eventually('the quick one is told all', () => quick.messages.length === told + 1);
  await narrow.closeTabs();
  await narrow.close();
});
