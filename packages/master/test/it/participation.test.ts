import type { Principal, Role } from '@paravcl/shared/domain/people';
import type { Admission, Liveness } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import { PledgeJob } from '../../src/jobs/pledge-job';
import { PresenceJob } from '../../src/jobs/presence-job';
import type { Repositories } from '../../src/repositories/repositories';
import { contributingSlaves, presenceDay } from '../../src/services/contributing-slaves';
import { defaultPriority, type ParticipationSettings } from '../../src/services/instance-settings';
import { JoinTokenService } from '../../src/services/join-token-service';
import { Participation, type TakenPart } from '../../src/services/participation';
import { priorityOfRequest, type Asking, type RequestPriority } from '../../src/services/request-priority';
import { plainDescribe } from './agent-double';
import { HandClock } from './hand-clock';
import { openTestDatabase, type TestDatabase } from './test-database';

const hour = 3_600_000;
const day = 24 * hour;
const contributingMs = hour;
const timeZone = 'Europe/Berlin';
const oneLine = 'curl https://lab.example:8443/join.sh';

describe('who adds to the pool', () => {
  let clock: HandClock;
  let database: TestDatabase;
  let books: Repositories;
  let alice: Principal;
  const fresh = (): string => newId(clock.now());

  beforeAll(async () => {
    database = await openTestDatabase();
    books = database.unit.read;
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    clock = new HandClock();
    for (const table of ['users', 'slaves', 'pledges', 'slave_presence', 'notices', 'join_tokens', 'user_groups', 'memberships']) await database.db(table).delete();
    alice = await person('alice');
  });

  const person = async (name: string, role: Role = 'student'): Promise<Principal> => {
    const userId = fresh();
    await books.users.insert({ id: userId, name, displayName: name, role, passwordHash: null, primaryGroupId: null, sshPublicKeys: [] }, clock.now());
    return { userId, userName: name, role, groupIds: [], ownedGroupIds: [], sessionId: fresh() };
  };
  const volunteer = async (owner: Principal, facts: { readonly admission?: Admission; readonly liveness?: Liveness; readonly seenAt?: number | null } = {}): Promise<string> => {
    const id = fresh();
    await books.slaves.insert({
      id, name: `pc-${id}`, kind: 'volunteer', ownerUserId: owner.userId, maxConnections: null, admission: facts.admission ?? 'approved', admissionReason: null, liveness: facts.liveness ?? 'online',
      publicKey: `key of ${id}`, machineId: id.replaceAll('-', ''), macs: ['02:00:00:00:00:01'], enrolledAddress: null, address: null, presented: null, describe: plainDescribe('02:00:00:00:00:01'),
      foreignDomains: [], agentBuild: null, epoch: 1, lastSeenAt: facts.seenAt === undefined ? clock.now() : facts.seenAt, declaredDeadAt: null, createdAt: clock.now(),
    });
    return id;
  };
  const contributor = async (owner: Principal): Promise<string> => {
    const id = await volunteer(owner);
    await books.presence.add(id, presenceDay(clock.now()), hour);
    return id;
  };
  const participation = (settings: Partial<ParticipationSettings> = {}): Participation =>
    new Participation({
      settings: { mode: 'off', optOuts: 2, pledgeMs: day, ...settings }, contributingMs, timeZone,
      joinTokens: new JoinTokenService(database.unit, clock, { url: 'https://lab.example:8443', caFingerprint: null }, () => Promise.resolve(oneLine)),
    });
  const takePart = (who: Principal, asSlave: boolean, settings: Partial<ParticipationSettings> = {}): Promise<TakenPart> =>
    database.unit.transaction((repositories) => participation(settings).takePart(repositories, { principal: who, clientAddress: null }, asSlave, clock.now()));
  const priority = (who: Principal, more: Partial<Asking> = {}, memberGroups: readonly string[] = []): Promise<RequestPriority> =>
    priorityOfRequest(
      books,
      { who, image: { platformValue: 0, ownerGroupId: null }, reservationGroupId: null, ramMiB: 600, minutes: 45, asSlave: false, ...more },
      { ...defaultPriority, memberGroups, contributingMs, timeZone },
      clock.now(),
    );
  const pledges = async (): Promise<void> => {
    await new PledgeJob({ unitOfWork: database.unit, clock, contributingMs, timeZone }).run((error) => { throw error; });
  };
  const noticesOf = async (who: Principal): Promise<readonly { readonly kind: string; readonly sentence: string }[]> => (await books.notices.page({ userId: who.userId, unread: false, limit: 50 })).items;

  describe('a priority', () => {
    it('is the report’s own for its golden rows, as a slave or not', async () => {
      await contributor(alice);
      expect((await priority(alice)).parts).toMatchObject({ ras: 1, mon: 0, pi: 7.592904 });
      expect((await priority(await person('bob'), { ramMiB: 200, minutes: 120 })).parts).toMatchObject({ ras: 0, mon: 0, pi: 7.51373 });
    });

    it('counts PfV of the image, and the site’s without one; endless as long as the site says', async () => {
      expect(await priority(alice, { image: { platformValue: 2.5, ownerGroupId: null } })).toMatchObject({ parts: { pfv: 2.5 }, minutes: 45 });
      expect(await priority(alice, { image: null, minutes: null })).toMatchObject({ parts: { pfv: 1 }, minutes: 20_160 });
    });

    it('has MON for the people of the image’s group, of the reservation’s, and of the site’s member groups', async () => {
      const [theirs, foreign] = [fresh(), fresh()];
      await books.groups.insert({ id: theirs, name: 'CL II', description: '', ownerUserId: null }, clock.now());
      await books.groups.addMember(theirs, alice.userId, clock.now());
      const member = { ...alice, groupIds: [theirs] };
      const mon = async (...asking: Parameters<typeof priority>): Promise<number> => (await priority(...asking)).parts.mon;
      expect(await mon(member, { image: { platformValue: 0, ownerGroupId: theirs } })).toBe(1);
      expect(await mon(member, { image: { platformValue: 0, ownerGroupId: foreign } })).toBe(0);
      expect(await mon(member, { reservationGroupId: theirs })).toBe(1);
      expect(await mon(member, {}, ['CL II'])).toBe(1);
      expect(await mon(member, {}, ['CL III'])).toBe(0);
      const teacher = { ...(await person('tess', 'teacher')), ownedGroupIds: [theirs] };
      expect(await mon(teacher, { reservationGroupId: theirs })).toBe(1);
      expect(await mon(teacher, {}, ['CL II'])).toBe(1);
      expect(await mon(teacher, {}, ['CL III'])).toBe(0);
    });

    it('has RAS for who promises a machine, but not after a broken promise, which is said', async () => {
      expect((await priority(alice, { asSlave: true })).parts.ras).toBe(1);
      await takePart(alice, true);
      clock.advance(day);
      const broken = await priority(alice, { asSlave: true });
      expect(broken.parts.ras).toBe(0);
      expect(broken.said).toEqual([expect.stringContaining('it was not online by Tue 09:00')]);
      await contributor(alice);
      expect(await priority(alice, { asSlave: true })).toMatchObject({ parts: { ras: 1 }, said: [] });
    });
  });

  describe('a slave contributes', () => {
    it('when it is an approved volunteer that was online for an hour in the last seven days', async () => {
      const [enough, less, longAgo, draining] = [await volunteer(alice), await volunteer(alice), await volunteer(alice), await volunteer(alice, { admission: 'draining' })];
      const today = presenceDay(clock.now());
      for (const ago of [0, 3 * day]) await books.presence.add(enough, presenceDay(clock.now() - ago), hour / 2);
      await books.presence.add(less, today, hour - 1);
      await books.presence.add(longAgo, presenceDay(clock.now() - 8 * day), hour);
      await books.presence.add(draining, today, hour);
      expect([...(await contributingSlaves(books, await books.fleet.unretired(), contributingMs, clock.now()))]).toEqual([enough]);
    });

    it('by the minutes it is online, and the time while the master slept counts for two minutes at most', async () => {
      const [online, lost, pending] = [await volunteer(alice), await volunteer(alice, { liveness: 'lost' }), await volunteer(alice, { admission: 'pending' })];
      const job = new PresenceJob(database.unit, clock);
      const round = (): Promise<void> => job.run((error) => { throw error; });
      await round();
      clock.advance(60_000);
      await round();
      clock.advance(8 * hour);
      await round();
      const counted = await books.presence.since(presenceDay(clock.now() - day));
      expect([online, lost, pending].map((id) => counted.get(id))).toEqual([180_000, undefined, undefined]);
    });
  });

  describe('an opt-out', () => {
    const counted = (who: Principal): Promise<number> => books.users.optOuts(who.userId);

    it('is not counted where the rule is off, nor of teachers, nor of who owns a contributing slave or promises one', async () => {
      await takePart(alice, false);
      expect(await counted(alice)).toBe(0);
      const teacher = await person('tess', 'teacher');
      await takePart(teacher, false, { mode: 'warn' });
      expect(await counted(teacher)).toBe(0);
      await takePart(alice, true, { mode: 'enforce' });
      expect(await counted(alice)).toBe(0);
      const bob = await person('bob');
      await contributor(bob);
      expect(await takePart(bob, false, { mode: 'enforce', optOuts: 0 })).toEqual({ pledge: null, warnings: [] });
      expect(await counted(bob)).toBe(0);
    });

    it('is warned of beyond the allowed two, and the request goes on', async () => {
      const warnings = [];
      for (let request = 1; request <= 3; request += 1) warnings.push((await takePart(alice, false, { mode: 'warn' })).warnings);
      expect(warnings).toEqual([[], [], [expect.stringMatching(/^You have asked 3 times without a machine of your own .*RAS 0.*within 24 h/)]]);
      expect(await counted(alice)).toBe(3);
    });

    it('is refused beyond the allowed two where the rule is enforced, naming the limit and the way out', async () => {
      expect((await takePart(alice, false, { mode: 'enforce' })).warnings).toEqual([expect.stringContaining('opt-out 1 of 2')]);
      expect((await takePart(alice, false, { mode: 'enforce' })).warnings).toEqual([expect.stringContaining('The next request needs one')]);
      await expect(takePart(alice, false, { mode: 'enforce' })).rejects.toMatchObject({
        code: 'participation-required',
        message: expect.stringMatching(/lets you ask twice .*Ask with "asSlave" .*make a join token/),
        detail: { field: 'asSlave', limit: expect.stringContaining('twice') },
      });
      expect(await counted(alice)).toBe(2);
      expect((await takePart(alice, true, { mode: 'enforce' })).pledge).not.toBeNull();
    });

    it('is what a promise counts as after a broken one, so that promising is no way around the rule', async () => {
      await takePart(alice, true, { mode: 'enforce', optOuts: 0 });
      clock.advance(day);
      await expect(takePart(alice, true, { mode: 'enforce', optOuts: 0 })).rejects.toMatchObject({ code: 'participation-required', message: expect.stringContaining('was not online by Tue 09:00') });
      await contributor(alice);
      expect(await takePart(alice, true, { mode: 'enforce', optOuts: 0 })).toEqual({ pledge: null, warnings: [] });
    });
  });

  describe('a promise of a machine', () => {
    it('comes with all the ways that its machine has into the pool, as a join token does, and is not made twice while it is awaited', async () => {
      const { pledge, warnings } = await takePart(alice, true);
      expect(pledge).toMatchObject({ oneLine, commandThatAsks: 'paravcl-slave enrol --master https://lab.example:8443', command: expect.stringContaining('paravcl-slave enrol --master https://lab.example:8443'), until: new Date(clock.now() + day).toISOString() });
      expect(pledge?.command).toContain(pledge?.token);
      expect(warnings).toEqual([expect.stringContaining('online by Tue 09:00')]);
      expect(await books.joinTokens.page({ limit: 10 }, clock.now())).toMatchObject({ items: [{ kind: 'volunteer', ownerUserId: alice.userId, preapproved: false, expiresAt: clock.now() + day }] });
      const again = await takePart(alice, true);
      expect(again).toMatchObject({ pledge: null, warnings: [expect.stringContaining('promised a machine already')] });
      expect(await books.pledges.ofUser(alice.userId)).toHaveLength(1);
    });

    it('is kept when a machine of that person is heard of in time', async () => {
      await volunteer(alice, { seenAt: clock.now() - 1 });
      await takePart(alice, true);
      await pledges();
      expect(await books.pledges.ofUser(alice.userId)).toMatchObject([{ state: 'open' }]);
      clock.advance(hour);
      await volunteer(alice, { admission: 'pending' });
      await pledges();
      clock.advance(2 * day);
      await pledges();
      expect(await books.pledges.ofUser(alice.userId)).toMatchObject([{ state: 'kept' }]);
      expect(await noticesOf(alice)).toEqual([]);
    });

    it('is broken when none is, and its person is told once', async () => {
      await takePart(alice, true);
      await volunteer(await person('bob'));
      await volunteer(alice, { admission: 'quarantined' });
      clock.advance(day);
      await pledges();
      await pledges();
      expect(await books.pledges.ofUser(alice.userId)).toMatchObject([{ state: 'broken' }]);
      expect(await noticesOf(alice)).toEqual([expect.objectContaining({ kind: 'pledge.broken', sentence: expect.stringContaining('leave it on: after 1 h') })]);
    });
  });
});
