/**
 * The test cases of the 2014 report, by name, end to end: a master, two hosts with libvirt and QEMU of their own, real
 * guests, and a clock that all of them share. What a host must show is asked of its virsh, its files and its guests.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { DateTime } from 'luxon';
import { getDecision, getInstanceWhy, getQueue } from '@paravcl/shared/api/decisions';
import { addMember, createGroup } from '@paravcl/shared/api/groups';
import { getImage } from '@paravcl/shared/api/images';
import { createInstance, deleteInstance, getInstance, getLaunchOptions, type CreateInstanceBody } from '@paravcl/shared/api/instances';
import { listNotices } from '@paravcl/shared/api/notices';
import { cancelReservation, checkReservation, claimReservation, getReservation, listReservations, releaseReservation, requestReservation, type ReservationAnswer } from '@paravcl/shared/api/reservations';
import { login } from '@paravcl/shared/api/sessions';
import { approveSlave, drainSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Notice, NoticeKind } from '@paravcl/shared/domain/notice';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient, CallInput, CallOutput } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { makeUser, type LabUser } from '@paravcl/workbench/lab/make-user';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';

jest.setTimeout(2 * patienceMs);

/** Where the report was written: half an hour beside whole hours of UTC, and never a day of 23 or 25 hours. */
const zone = 'Asia/Kolkata';
const minute = 60_000;
const hour = 60 * minute;

let site: LabSite;
let small: LabHost;
let large: LabHost;
let imageId: string;
let admin: ApiClient;
/** Two students, and the teacher of a course in which only Asha is. */
let asha: LabUser;
let ravi: LabUser;
let mira: LabUser;
let course: string;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  site = new LabSite({
    stateDir: await mkdtemp('/var/tmp/pvr-'),
    hosts: [
      { name: 'small', offerCores: 1, offerRamMiB: 128 },
      { name: 'large', offerCores: 2, offerRamMiB: 256 },
    ],
    masterConfig: {
      site: { name: 'Report', timeZone: zone },
      fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 8, addressCheck: 'strict' },
      // What a host offers is all there is, so that the sizes in this file are the sizes that count.
      placement: { hostRamMiB: 0, criticalLimitPercent: 0 },
    },
  });
  await site.up();
  [small, large] = [site.host('small'), site.host('large')];
  const password = randomPassword();
  admin = await site.master.firstAdmin('admin', password);
  imageId = (await registerDemoGuest(admin, guest)).id;
  await site.enrolAll(admin);
  // The lab opens: all of this happens on one morning, whenever it is run. Sessions of the day before are over.
  await site.clock.sleepUntil(DateTime.fromMillis(site.clock.now(), { zone }).plus({ days: 1 }).startOf('day').set({ hour: 8 }).toJSDate());
  admin = await site.master.loginAs('admin', password);
  asha = await makeUser(site.master, admin, { name: 'asha', displayName: 'Asha' });
  ravi = await makeUser(site.master, admin, { name: 'ravi', displayName: 'Ravi' });
  mira = await makeUser(site.master, admin, { name: 'mira', displayName: 'Mira', role: 'teacher' });
  course = (await mira.client.call(createGroup, { body: { name: 'CL II' } })).id;
  await mira.client.call(addMember, { params: { groupId: course }, body: { userName: 'asha' } });
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

test('correct login: the right password opens a session, a wrong one does not, and inside the window one is told what is reserved', async () => {
  await expect(signIn(asha, `${asha.password}x`)).rejects.toMatchObject({ code: 'wrong-credentials' });
  const { start, end } = nextWindow();
  const { id } = await reserve(asha, { start: local(start), minutes: 60 });
  expect(await signIn(asha)).toMatchObject({ user: { name: 'asha', role: 'student' }, claimable: [] });

  await site.clock.sleepUntil(start);
  const [told, ...others] = (await signIn(asha)).claimable;
  expect(others).toEqual([]);
  expect(told).toMatchObject({ reservationId: id, free: 1, end: end.toISOString(), sentence: `Asha has 1 machine until ${said(end)}; none is taken. Start one.` });
  expect((await signIn(ravi)).claimable).toEqual([]);
  await asha.client.call(releaseReservation, { params: { reservationId: id } });
});

test('slave permanently registered by its correct address: it comes back as the same slave, and from another address it does not', async () => {
  const [smallBefore, largeBefore] = [await slaveOf(small), await slaveOf(large)];
  await small.agent.stop();
  await large.powerOff();
  const restartedAt = site.clock.now();
  await small.startAgent();
  await large.powerOn();
  await large.startAgent();
  for (const [host, before] of [[small, smallBefore], [large, largeBefore]] as const) {
    const { id, createdAt, admission, address } = await seenSince(host, restartedAt);
    expect({ id, createdAt, admission, address }).toEqual({ id: before.id, createdAt: before.createdAt, admission: 'approved', address: host.address });
  }
  expect((await admin.call(listSlaves)).items).toHaveLength(2);

  await small.agent.stop();
  await moveTo(small, '10.77.0.77/24');
  await small.startAgent();
  const elsewhere = await slaveWhere(small, 'it to be quarantined', ({ admission }) => admission === 'quarantined');
  expect(elsewhere).toMatchObject({ id: smallBefore.id, admissionReason: `It came back from address 10.77.0.77; ${small.address} is enrolled and the address check is strict.` });

  await small.agent.stop();
  await moveTo(small, small.options.address);
  await admin.call(approveSlave, { params: { slaveId: smallBefore.id }, body: {} });
  const backAt = site.clock.now();
  await small.startAgent();
  expect(await seenSince(small, backAt)).toMatchObject({ id: smallBefore.id, admission: 'approved', address: small.address });
});

test('image request mapped to a slave with room: one goes where alone it fits, the next where most cores are free', async () => {
  const wide = await launch(ravi, { ramMiB: 192 });
  const placed = await isPlaced(wide);
  expect(placed.slaveId).toBe((await slaveOf(large)).id);
  const narrow = await isPlaced(await launch(ravi, { ramMiB: 128 }));
  expect(narrow.slaveId).toBe((await slaveOf(small)).id);
  await remove(narrow);

  await isRunning(wide);
  expect(await pageOf(large, wide)).toMatchObject({ id: wide.id, name: wide.name });
  expect(await large.evidence.domainState(wide.id)).toBe('running');
  expect(await small.evidence.domainIds()).toEqual([]);
  // The slave brings the image that it lacked while the guest reads it.
  const { manifestId } = await admin.call(getImage, { params: { imageId } });
  expect(await large.evidence.poolFiles()).toContain(`mirror/images/${manifestId ?? ''}/data`);
  await remove(wide);
});

test('hours 1 to 5: 0 and 6 are refused with the limit, and only those are offered for which coming reservations leave room', async () => {
  for (const minutes of [0, 6 * 60]) {
    await expect(launch(asha, { minutes })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'minutes', limit: '60 to 300 minutes' } });
  }
  const offered = async () => {
    const { options, ...more } = await asha.client.call(getLaunchOptions, { query: { imageId } });
    return { ...more, hours: options.map(({ minutes }) => minutes / 60) };
  };
  expect(await offered()).toMatchObject({ fitsNow: true, hours: [1, 2, 3, 4, 5], keptFrom: null, sentence: null });

  // All of the pool, from an hour between the second and the third from now.
  const start = new Date(nextWindow().start.getTime() + 2 * hour);
  const { id } = await reserve(mira, { start: local(start), minutes: 60, count: 3, groupId: course });
  const before = await offered();
  expect(before).toMatchObject({ fitsNow: true, hours: [1, 2] });
  expect(before.risk).toBe(`It may be suspended for a higher priority, and it will be suspended from ${said(start)}, reserved by CL II.`);
  const keptFrom = Date.parse(before.keptFrom ?? '');
  expect(keptFrom).toBeLessThan(start.getTime());
  expect(keptFrom).toBeGreaterThan(start.getTime() - 5 * minute);
  await mira.client.call(cancelReservation, { params: { reservationId: id }, body: {} });
  expect((await offered()).hours).toEqual([1, 2, 3, 4, 5]);
});

test('told when resources are insufficient: one who waits why, one who reserves more than there is what can be had', async () => {
  const first = await isPlaced(await launch(ravi, { ramMiB: 192 }));
  // As strong, so nobody gives way.
  const second = await launch(asha, { ramMiB: 192 });
  const waiting = await instanceWhere(asha.client, second.id, 'it to wait', ({ observed }) => observed === 'queued');
  const sentence = `1st in the queue. It needs 192 MiB of RAM on one host, and 192 of the pool's 384 MiB are free. Its priority is ${second.priority.pi.toFixed(2)}; nobody of a lower one could give way. It starts by itself when somebody suspends or stops.`;
  expect(waiting.reason).toEqual({ code: 'NotEnoughRam', sentence });
  const { length, items } = await asha.client.call(getQueue);
  expect(length).toBe(1);
  expect(items).toEqual([expect.objectContaining({ instanceId: second.id, place: 1, earliestStart: first.endsAt })]);
  await remove(second);
  await remove(first);

  const { start, end } = nextWindow();
  const asked = { start: local(start), minutes: 60, count: 64, ramMiB: 128, imageId };
  const refused: unknown = await mira.client.call(requestReservation, { body: asked }).catch((error: unknown) => error);
  const offers = [
    { kind: 'size', start: start.toISOString(), end: end.toISOString(), count: 3, vcpus: 3, vcpusEach: 1 },
    expect.objectContaining({ kind: 'best-effort', count: 1 }),
  ];
  expect(refused).toMatchObject({ code: 'reservation-refused', detail: { offers } });
  expect((refused as Error).message).toContain(`Cannot reserve 64 cores: the whole pool has 3. The largest you can get at ${said(start)} is 3.`);
  // Nothing is half reserved, and what is offered is there for who takes it.
  expect((await mira.client.call(listReservations, { query: { state: 'confirmed' } })).items).toEqual([]);
  expect(await mira.client.call(checkReservation, { body: { ...asked, count: 3 } })).toMatchObject({ admitted: true, moves: [] });
});

test('normal and reserved told apart by time: before the window what one has is best-effort, inside it what is claimed is reserved', async () => {
  const { start, end } = nextWindow();
  const { id } = await reserve(mira, { start: local(start), minutes: 60, groupId: course });
  const normal = await launch(asha);
  expect(normal).toMatchObject({ type: 'BE', reservationId: null });
  const tooEarly = `This reservation begins at ${said(start)}. Claim from it then; until then you may launch an instance without it.`;
  await expect(claim(asha, id)).rejects.toMatchObject({ code: 'conflict', message: tooEarly });
  // What is on its way while the lab sleeps would be too late for its deadline.
  await remove(normal);

  await site.clock.sleepUntil(start);
  const reserved = await isPlaced(await claim(asha, id));
  expect(reserved).toMatchObject({ type: 'AR', reservationId: id, groupId: course, endsAt: end.toISOString() });
  const besides = await launch(asha);
  expect(besides).toMatchObject({ type: 'BE', reservationId: null });
  // Nobody gets more than was reserved, and nobody of another course any.
  await expect(claim(asha, id)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('Its one machine is claimed.') as string, detail: { limit: '1 machine' } });
  await expect(claim(ravi, id)).rejects.toMatchObject({ code: 'not-found' });

  await mira.client.call(releaseReservation, { params: { reservationId: id } });
  expect(await instanceOf(reserved)).toMatchObject({ type: 'BE', reservationId: null });
  await Promise.all([remove(besides), remove(reserved)]);
});

test('a running VM suspended when a reservation needs room: saved before the start, told why, and back by itself after the end', async () => {
  // One that is late on a busy machine is given nothing, and the launch would be queued first.
  await seenSince(large, site.clock.now());
  const { start, end } = nextWindow();
  const lent = await isRunning(await launch(ravi, { ramMiB: 192 }));
  const before = await pageOf(large, lent);
  const { id, sentence } = await reserve(mira, { start: local(start), minutes: 60, ramMiB: 192, groupId: course });
  expect(sentence).toContain('CL II');

  // Until it is really needed the room is lent.
  await site.clock.sleepUntil(new Date(start.getTime() - 2 * minute));
  await countsOn(large, lent, before);
  await site.clock.sleepUntil(new Date(start.getTime() - 25_000));
  await instanceWhere(ravi.client, lent.id, 'it to be saved', ({ observed }) => observed === 'suspended');
  expect(site.clock.now()).toBeLessThan(start.getTime());
  expect(await large.evidence.domainState(lent.id)).toBe('shut off');
  expect(await large.evidence.hasSavedRam(lent.id)).toBe(true);

  const why = `${lent.name} is saved with everything open, because its room is reserved by CL II from ${said(start)}. It comes back by itself when there is room, likely ${said(end)}.`;
  const told = await noticeOf(ravi, 'instance.preempted', lent);
  expect(told).toMatchObject({ sentence: why, readAt: null });
  const { items: reasons } = await ravi.client.call(getInstanceWhy, { params: { instanceId: lent.id } });
  // Whole, so that what else was decided says why.
  expect(reasons).toMatchObject([{ kind: 'preempt' }, { kind: 'place' }]);
  expect(reasons[0]).toMatchObject({ id: told.decisionId, sentence: why, victims: [{ instanceId: lent.id, pi: lent.priority.pi }] });
  expect(await ravi.client.call(getDecision, { params: { decisionId: told.decisionId ?? '' } })).toEqual(reasons[0]);
  expect(await instanceOf(lent)).toMatchObject({ reason: { code: 'Recalled', sentence: why }, preemptionsToday: 1 });

  await site.clock.sleepUntil(start);
  expect((await signIn(asha)).claimable).toMatchObject([{ reservationId: id, free: 1 }]);
  const reserved = await isRunning(await claim(asha, id));
  expect(reserved).toMatchObject({ type: 'AR', slaveId: lent.slaveId, endsAt: end.toISOString() });
  expect(await pageOf(large, reserved)).toMatchObject({ id: reserved.id, name: reserved.name });
  expect((await instanceOf(lent)).observed).toBe('suspended');

  await site.clock.sleepUntil(end);
  await instanceWhere(asha.client, reserved.id, 'the reserved one to be saved', ({ observed, reason }) => observed === 'suspended' && reason?.code === 'TimeEnded');
  expect(await large.evidence.hasSavedRam(reserved.id)).toBe(true);
  const back = await isRunning(lent);
  const after = await pageOf(large, lent);
  expect(after.bootId).toBe(before.bootId);
  expect(after.counter).toBeGreaterThanOrEqual(before.counter);
  // Its clock stood all the while.
  expect(Date.parse(back.endsAt ?? '') - Date.parse(lent.endsAt ?? '')).toBeGreaterThanOrEqual(hour);
  expect(await noticeOf(ravi, 'instance.resumed', lent)).toMatchObject({ sentence: expect.stringContaining(`${lent.name} goes on on large`) as string });
  expect(await reservationWhere(id, 'it to be over', ({ state }) => state === 'expired')).toMatchObject({ used: { count: 1 } });
  await Promise.all([remove(lent), remove(reserved)]);
});

test('a stronger request has the weaker VM suspended and hands the room back; one of equal priority waits', async () => {
  const { id: largeId } = await slaveOf(large);
  await admin.call(drainSlave, { params: { slaveId: largeId } });
  const weaker = await isRunning(await launch(ravi));
  const before = await pageOf(small, weaker);
  const equal = await launch(asha);
  expect(equal.priority.pi).toBe(weaker.priority.pi);
  const waiting = await instanceWhere(asha.client, equal.id, 'it to wait', ({ observed }) => observed === 'queued');
  expect(waiting.reason).toMatchObject({ code: 'NotEnoughCores', sentence: expect.stringContaining(`Its priority is ${equal.priority.pi.toFixed(2)}; nobody of a lower one could give way.`) as string });
  await countsOn(small, weaker, before);

  const stronger = await launch(asha, { minutes: 60 });
  expect(stronger.priority.pi).toBeGreaterThan(weaker.priority.pi);
  await isRunning(stronger);
  expect(await pageOf(small, stronger)).toMatchObject({ id: stronger.id });
  expect(await instanceOf(weaker)).toMatchObject({ observed: 'suspended', reason: { code: 'LowerPriority' } });
  expect(await small.evidence.hasSavedRam(weaker.id)).toBe(true);
  const priorities = `(${stronger.priority.pi.toFixed(2)} against ${weaker.priority.pi.toFixed(2)})`;
  expect((await noticeOf(ravi, 'instance.preempted', weaker)).sentence).toContain(`because a request with a higher priority ${priorities} needs the room`);
  const { items: reasons } = await asha.client.call(getInstanceWhy, { params: { instanceId: stronger.id } });
  expect(reasons.find(({ kind }) => kind === 'preempt')).toMatchObject({ victims: [{ instanceId: weaker.id, pi: weaker.priority.pi }], priority: stronger.priority });

  await remove(stronger);
  await isRunning(weaker);
  const after = await pageOf(small, weaker);
  expect(after.bootId).toBe(before.bootId);
  expect(after.counter).toBeGreaterThanOrEqual(before.counter);
  expect((await instanceOf(equal)).observed).toBe('queued');
  await remove(equal);
  await remove(weaker);
  await admin.call(undrainSlave, { params: { slaveId: largeId } });
});

interface Window {
  readonly start: Date;
  readonly end: Date;
}

/** The next hour of the site's clock that is far enough for what has to be done before it. */
function nextWindow(): Window {
  const start = DateTime.fromMillis(site.clock.now() + 10 * minute, { zone }).startOf('hour').plus({ hours: 1 });
  return { start: start.toJSDate(), end: start.plus({ hours: 1 }).toJSDate() };
}

/** As people write a time of the site. */
const local = (at: Date): string => DateTime.fromJSDate(at, { zone }).toFormat("yyyy-MM-dd'T'HH:mm:ss");
/** As people are told a time of the same day. */
const said = (at: Date): string => DateTime.fromJSDate(at, { zone }).setLocale('en-GB').toFormat('ccc HH:mm');

async function signIn({ user, password }: LabUser, typed = password): Promise<CallOutput<typeof login>> {
  return (await site.master.client()).call(login, { body: { name: user.name, password: typed, transport: 'bearer' } });
}

async function reserve({ client }: LabUser, wish: Partial<NonNullable<CallInput<typeof requestReservation>['body']>> & { readonly start: string }): Promise<Reservation> {
  const { reservation, sentence }: ReservationAnswer = await client.call(requestReservation, { body: { imageId, ...wish } });
  if (reservation === null) throw new Error(`Nothing was reserved: ${sentence}`);
  return reservation;
}

async function claim({ client }: LabUser, reservationId: string): Promise<Instance> {
  return (await client.call(claimReservation, { params: { reservationId }, body: {} })).instance;
}

/** Of the demo guest's own size, for the longest time a student may ask for. */
async function launch({ client }: LabUser, wish: Partial<CreateInstanceBody> = {}): Promise<Instance> {
  return (await client.call(createInstance, { body: { imageId, ramMiB: 128, minutes: 300, ...wish } })).instance;
}

const instanceOf = ({ id }: Instance): Promise<Instance> => admin.call(getInstance, { params: { instanceId: id } });
const isPlaced = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to be placed`, ({ slaveId }) => slaveId !== null);
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
const pageOf = (host: LabHost, instance: Instance): Promise<GuestPage> => eventually(`the page of ${instance.name}`, patienceMs, () => host.evidence.guestPage(instance.address ?? ''));

/** The guest was not stopped or saved since then: nobody lets it count meanwhile. */
async function countsOn(host: LabHost, instance: Instance, before: GuestPage): Promise<void> {
  await eventually(`${instance.name} to count on`, patienceMs, async () => {
    const page = await host.evidence.guestPage(instance.address ?? '');
    return page?.bootId === before.bootId && page.counter > before.counter ? true : undefined;
  });
  expect(await host.evidence.domainState(instance.id)).toBe('running');
}

async function remove({ id }: Instance): Promise<void> {
  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: id } })).operation);
}

function noticeOf({ client }: LabUser, kind: NoticeKind, { id, name }: Instance): Promise<Notice> {
  return eventually(`a notice ${kind} of ${name}`, patienceMs, async () => (await client.call(listNotices)).items.find((notice) => notice.kind === kind && notice.subject.id === id));
}

function reservationWhere(reservationId: string, what: string, holds: (reservation: Reservation) => boolean): Promise<Reservation> {
  return eventually(what, patienceMs, async () => {
    const reservation = await admin.call(getReservation, { params: { reservationId } });
    return holds(reservation) ? reservation : undefined;
  });
}

async function slaveOf(host: LabHost): Promise<Slave> {
  const slave = (await admin.call(listSlaves)).items.find(({ name }) => name === host.name);
  if (slave === undefined) throw new Error(`There is no host ${host.name}.`);
  return slave;
}

function slaveWhere(host: LabHost, what: string, holds: (slave: Slave) => boolean): Promise<Slave> {
  return eventually(what, patienceMs, async () => {
    const slave = await slaveOf(host);
    return holds(slave) ? slave : undefined;
  });
}

/** Heard of since then, so by a connection that was made since. */
function seenSince(host: LabHost, at: number): Promise<Slave> {
  return slaveWhere(host, `${host.name} to be back`, ({ liveness, lastSeenAt }) => liveness === 'online' && lastSeenAt !== null && Date.parse(lastSeenAt) >= at);
}

/** Gives the host another address instead of its own. */
async function moveTo(host: LabHost, address: string): Promise<void> {
  await host.run('ip', ['address', 'flush', 'dev', 'lan0', 'scope', 'global']);
  await host.run('ip', ['address', 'add', address, 'dev', 'lan0']);
}
