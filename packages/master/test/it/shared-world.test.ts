import type { Principal } from '@paravcl/shared/domain/people';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { MysqlUnitOfWork } from '../../src/db/mysql-unit-of-work';
import type { Repositories } from '../../src/repositories/repositories';
import { lockCalendar, seeCalendar, shareCalendar } from '../../src/services/calendar-lock';
import { loadWorld, type World } from '../../src/services/world-loader';
import { eventually } from './eventually';
import { openReservationRig, type ReservationRig } from './reservation-rig';
import { sampleReservation } from './sample-records';

const hour = 3_600_000;

/** The world of a large pool, which everybody who asks about it shares, beside one that is read whole: over a real database. */
describe('the world that the master keeps for all who ask', () => {
  let rig: ReservationRig;
  let alice: Principal;
  let imageId: string;

  beforeEach(async () => {
    rig = await openReservationRig({ readWholeUpTo: 0 });
    [alice, imageId] = [await rig.person('student', 'alice'), await rig.image()];
  });
  afterEach(async () => {
    await rig.scheduler.idle();
    expect([rig.faults, rig.drifts]).toEqual([[], []]);
    await rig.close();
  });

  const deps = () => ({ agents: rig.agents, figures: rig.pulse, scheduling: rig.scheduling });
  const whole = (repositories: Repositories): Promise<World> => loadWorld(repositories, deps(), rig.clock.now());
  const comparable = ({ snapshot, bookings, active, slaves }: World) => ({ snapshot, bookings, active: [...active.keys()].sort(), slaves: [...slaves.keys()].sort() });
  /** What one who has the calendar alone is given to decide from. */
  const within = (repositories: Repositories): Promise<World> => rig.world.decided(repositories, rig.clock.now(), (world) => Promise.resolve(world), () => []);
  const launched = async (): Promise<string> => {
    const { instance } = await rig.instances.create(alice, { imageId, minutes: 120 });
    await rig.scheduler.idle();
    return instance.id;
  };
  const booked = async (slaveIds: readonly string[]) => {
    const reservation = sampleReservation({ userId: alice.userId, start: rig.clock.now() + hour, end: rig.clock.now() + 2 * hour, count: slaveIds.length });
    await rig.unit.transaction(async ({ reservations, bookings }) => {
      await reservations.insert(reservation);
      await bookings.insert(slaveIds.map((slaveId, index) => ({ reservationId: reservation.id, slot: index + 1, slaveId, instanceId: null })));
    });
    return reservation;
  };

  it('has all that is written, what is booked on slaves that left too', async () => {
    const [first, second] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
    await rig.world.now(rig.clock.now(), []);
    await launched();
    await booked([first, second, second]);
    await booked([second]);
    await rig.unit.transaction(async ({ slaves }) => void (await slaves.moveAdmission(second, 'approved', 'retired', null)));
    const seen = await rig.world.seen(rig.clock.now());
    expect(comparable(seen)).toEqual(comparable(await whole(rig.unit.read)));
    expect(seen.bookedElsewhere).toEqual((await whole(rig.unit.read)).bookedElsewhere);
    expect(seen.bookedElsewhere).toHaveLength(3);
    expect(seen.bookings.map(({ slaveId }) => slaveId).sort()).toEqual([first, second, second, second].sort());
  });

  it('shows everybody at once what was committed before they asked', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 40 });
    await rig.world.now(rig.clock.now(), []);
    const looks = Array.from({ length: 20 }, async () => {
      const reservation = await booked([slaveId]);
      const { bookings } = await rig.world.seen(rig.clock.now());
      return bookings.some(({ reservationId }) => reservationId === reservation.id);
    });
    expect(await Promise.all(looks)).toEqual(looks.map(() => true));
  });

  it('is for a transaction with the calendar what that reads itself, whatever it wrote before, and nobody else sees it', async () => {
    let hosts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ kind: fc.constantFrom('book', 'move', 'remove', 'drain', 'forget'), which: fc.nat(1) }), { minLength: 1, maxLength: 6 }), async (moves) => {
        const slaves = [await rig.slave(`lab-${String(++hosts)}`), await rig.slave(`lab-${String(++hosts)}`)];
        const [one = '', other = ''] = slaves;
        const before = await booked([one, other]);
        const instanceId = await launched();
        const outside = comparable(await rig.world.seen(rig.clock.now()));
        const undone = rig.unit.transaction(async (repositories) => {
          await lockCalendar(repositories);
          for (const { kind, which } of moves) {
            const slaveId = slaves[which] ?? one;
            if (kind === 'book') {
              const more = sampleReservation({ userId: alice.userId, start: rig.clock.now() + hour, end: rig.clock.now() + 3 * hour });
              await repositories.reservations.insert(more);
              await repositories.bookings.insert([{ reservationId: more.id, slot: 1, slaveId, instanceId: null }]);
            }
            if (kind === 'move') await repositories.bookings.moveSlot(before.id, 1, slaveId);
            if (kind === 'remove') await repositories.bookings.remove(before.id);
            if (kind === 'drain') await repositories.slaves.moveAdmission(slaveId, 'approved', 'draining', null);
            if (kind === 'forget') await repositories.placements.clean(instanceId, slaveId, 99, null);
            expect(comparable(await within(repositories))).toEqual(comparable(await whole(repositories)));
          }
          throw new Error('nothing of it stays');
        });
        await expect(undone).rejects.toThrow('nothing of it stays');
        expect(comparable(await rig.world.seen(rig.clock.now()))).toEqual(outside);
      }),
      { numRuns: 12 },
    );
  });

  describe('when the answer to a commit is long under way', () => {
    /** A unit of work of which the first transaction hears of its commit when it is told to, and then everybody of what it wrote. */
    const slowly = () => {
      let arrive: () => void = () => undefined;
      let answer = new Promise<void>((resolve) => (arrive = resolve));
      const db = new Proxy(rig.database.db, {
        get: (knex, key: keyof Knex) =>
          key !== 'transaction' ? (knex[key] as unknown) : async (work: (transaction: Knex.Transaction) => Promise<unknown>) => {
            const [done, answered] = [knex.transaction(work), answer];
            answer = Promise.resolve();
            await done;
            await answered;
            return done;
          },
      });
      return { unit: new MysqlUnitOfWork(db, rig.clock, null, rig.database.changes), arrive: () => { arrive(); } };
    };
    const reserveAfter = (unit: MysqlUnitOfWork, lock: (repositories: Repositories) => Promise<unknown>, slaveId: string) => {
      const reservation = sampleReservation({ userId: alice.userId, start: rig.clock.now() + hour, end: rig.clock.now() + 2 * hour });
      return unit.transaction(async (repositories) => {
        await lock(repositories);
        await repositories.reservations.insert(reservation);
        await repositories.bookings.insert([{ reservationId: reservation.id, slot: 1, slaveId, instanceId: null }]);
      });
    };
    const committed = () => eventually('it is committed', async () => (await rig.unit.read.bookings.held()).length === 1);

    it('who has the calendar alone decides after it, from all that was written by who shared it', async () => {
      const slaveId = await rig.slave('lab-1');
      await rig.world.now(rig.clock.now(), []);
      const { unit, arrive } = slowly();
      const shared = reserveAfter(unit, shareCalendar, slaveId);
      await committed();
      const decided = unit.transaction(async (repositories) => {
        await lockCalendar(repositories);
        const seen = within(repositories);
        await repositories.settings.find('nothing');
        arrive();
        return seen;
      });
      expect((await decided).bookings).toHaveLength(1);
      await shared;
    });

    it('who looks at what the calendar is sees all that was reserved when it became that', async () => {
      const slaveId = await rig.slave('lab-1');
      await rig.world.now(rig.clock.now(), []);
      const { unit, arrive } = slowly();
      const reserved = reserveAfter(unit, lockCalendar, slaveId);
      await committed();
      const look = seeCalendar(unit.read).then(() => rig.world.seen(rig.clock.now()));
      await rig.unit.read.settings.find('nothing');
      arrive();
      expect((await look).bookings).toHaveLength(1);
      await reserved;
    });
  });

  it('lets nobody book twice, however many ask at once, and refuses nobody for whom there is room', async () => {
    const slaves = [await rig.slave('lab-1'), await rig.slave('lab-2'), await rig.slave('lab-3')];
    await rig.world.now(rig.clock.now(), []);
    const people = await Promise.all(Array.from({ length: 9 }, (_, number) => rig.person('student', `person-${String(number)}`)));
    const asked = people.map(async (person, number) => {
      if (number % 3 === 0) await rig.instances.create(person, { imageId, minutes: 120 });
      return rig.request(person, { count: 2, vcpus: 1 }).then(() => 'confirmed', (error: unknown) => (error as { code?: string }).code);
    });
    const answers = await Promise.all(asked);
    // Twelve cores, two for each.
    expect(answers.filter((answer) => answer === 'confirmed')).toHaveLength(6);
    expect(answers.filter((answer) => answer === 'reservation-refused')).toHaveLength(3);
    const rows = (await rig.database.db('bookings').select('slave_id')) as readonly { readonly slave_id: string }[];
    expect(slaves.map((id) => rows.filter((row) => row.slave_id === id).length)).toEqual([4, 4, 4]);
  });

  it('lets who asks to reserve see what was placed right before, and what is wrong in memory is found before it is booked', async () => {
    const slaveId = await rig.slave('lab-1', { poolTotalMiB: 4000 });
    await rig.world.now(rig.clock.now(), []);
    const { instance } = await rig.instances.create(alice, { imageId, minutes: 120 });
    await rig.scheduler.idle();
    const { diskMiB, ramMiB } = (await rig.unit.read.instances.find(instance.id)) ?? { diskMiB: 0, ramMiB: 0 };
    const rest = 4000 - diskMiB - ramMiB - 512;
    await expect(rig.request(alice, { count: 1, vcpus: 1, ramMiB: 512, diskMiB: rest + 1 })).rejects.toMatchObject({ code: 'reservation-refused' });
    await rig.world.seen(rig.clock.now());
    // Nobody was told of it.
    await rig.database.db('slaves').where({ id: slaveId }).update({ admission: 'draining' });
    expect((await rig.world.seen(rig.clock.now())).snapshot.slaves[0]?.admission).toBe('approved');
    await expect(rig.request(alice, { count: 1, vcpus: 1, ramMiB: 512, diskMiB: rest })).rejects.toMatchObject({ code: 'reservation-refused' });
    await rig.database.db('slaves').where({ id: slaveId }).update({ admission: 'approved' });
    await rig.unit.transaction(async (repositories) => void repositories.run?.notes.note('slaves', slaveId));
    await rig.request(alice, { count: 1, vcpus: 1, ramMiB: 512, diskMiB: rest });
  });
});
