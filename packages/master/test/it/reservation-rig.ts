import { requestReservationBody, type RequestReservationBody } from '@paravcl/shared/api/reservations';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError, type ErrorDetail } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { z } from 'zod';
import { composeReservations } from '../../src/compose-reservations';
import type { ReservationRules } from '../../src/core/reservation-rules';
import type { UnitOfWork } from '../../src/db/unit-of-work';
import type { Acting } from '../../src/services/acting';
import { defaultReservations } from '../../src/services/instance-settings';
import type { PreCopyService } from '../../src/services/pre-copy-service';
import { openRig, type RigOptions } from './instance-rig';

export interface ReservationRigOptions extends RigOptions {
  readonly rules?: Partial<ReservationRules>;
}

export type ReservationRig = Awaited<ReturnType<typeof openReservationRig>>;

/** Tables in which a reservation would leave something. */
const tables = ['reservations', 'bookings', 'reservation_series', 'notices', 'instances', 'pledges'] as const;

/** The reservation services over those of instances and a real database. The hand clock begins on Mon 2 Mar 2026, 09:00 in Berlin. */
export async function openReservationRig({ rules, ...options }: ReservationRigOptions = {}) {
  const rig = await openRig(options);
  const { unit, clock, agents, pulse, settings, scheduling, priority, quotas, faults } = rig;
  const reservations = { ...defaultReservations, rules: { ...defaultReservations.rules, timeZone: settings.timeZone, ...rules } };
  /** As after a start of the master. */
  const composeAll = (services: Pick<typeof rig, 'world' | 'instances' | 'participation' | 'scheduler'> = rig, unitOfWork: UnitOfWork = unit, preCopy: Pick<PreCopyService, 'readinessOf'> = { readinessOf: () => null }) =>
    composeReservations({
      unitOfWork, agents, figures: pulse, scheduling, clock, settings, priority, quotas, reservations,
      preCopy, world: services.world, instances: services.instances, participation: services.participation, scheduler: services.scheduler, onFault: (error) => void faults.push(error),
    });
  const services = composeAll();

  const acting = (principal: Principal): Acting => ({ principal, clientAddress: '127.0.0.1' });

  /** A group with its teacher; answers its people as they are after joining. */
  const group = async (name: string, teacher: Principal, members: readonly Principal[]): Promise<{ readonly id: string; readonly teacher: Principal; readonly members: readonly Principal[] }> => {
    const id = newId(clock.now());
    await unit.transaction(async (repositories) => {
      await repositories.groups.insert({ id, name, description: '', ownerUserId: teacher.userId }, clock.now());
      for (const { userId } of members) await repositories.groups.addMember(id, userId, clock.now());
    });
    return {
      id,
      teacher: { ...teacher, ownedGroupIds: [...teacher.ownedGroupIds, id] },
      members: members.map((member) => ({ ...member, groupIds: [...member.groupIds, id] })),
    };
  };

  /** A course with its teacher, two members and the image they work with. */
  const course = async (): Promise<{ readonly id: string; readonly teacher: Principal; readonly bob: Principal; readonly carol: Principal; readonly image: string }> => {
    const [tess, bob, carol] = [await rig.person('teacher', 'tess'), await rig.person('student', 'bob'), await rig.person('student', 'carol')];
    const { id, teacher, members } = await group('CL II', tess, [bob, carol]);
    return { id, teacher, bob: members[0] ?? bob, carol: members[1] ?? carol, image: await rig.image() };
  };

  /** Services whose job finds, once it has looked, that somebody has done `meanwhile` before it can lock anything. */
  const overtaken = (meanwhile: () => Promise<unknown>) => {
    let once: Promise<unknown> | null = null;
    return composeAll(rig, {
      read: unit.read,
      launches: unit.launches,
      transaction: async (work) => {
        await (once ??= meanwhile());
        return unit.transaction(work);
      },
    });
  };

  /** Two cores for an hour unless the test says otherwise; times are of the site's zone. */
  const body = (facts: Partial<z.input<typeof requestReservationBody>> = {}): RequestReservationBody =>
    requestReservationBody.parse({ start: '2026-03-03T10:00', vcpus: 2, ramMiB: 512, diskMiB: 1024, ...facts });

  const request = (principal: Principal, facts: Partial<z.input<typeof requestReservationBody>> = {}, reservedId: string | null = null) => services.reservations.request(acting(principal), body(facts), reservedId);

  const round = async (on: Pick<typeof services, 'job'> = services): Promise<void> => {
    await on.job.run((error) => void faults.push(error));
    await rig.scheduler.idle();
  };

  /** Lets time pass until this moment and lets the job do a round. */
  const until = async (moment: string): Promise<void> => {
    clock.advance(Date.parse(moment) - clock.now());
    await round();
  };

  /** Rows per table: equal before and after, nothing is half reserved. */
  const rows = async (): Promise<Readonly<Record<string, number>>> => {
    const counts: Record<string, number> = {};
    for (const table of tables) {
      const [row] = (await rig.database.db(table).count({ n: '*' })) as readonly { n: number }[];
      counts[table] = Number(row?.n);
    }
    return counts;
  };

  const noticesOf = async ({ userId }: Principal): Promise<readonly string[]> =>
    (await unit.read.notices.page({ userId, unread: false, limit: 100 })).items.map(({ kind, sentence }) => `${kind}: ${sentence}`).reverse();

  return { ...rig, ...services, composeAll, overtaken, acting, group, course, body, request, round, until, rows, noticesOf };
}

/** What a call was refused with. */
export async function refusal(asked: Promise<unknown>): Promise<{ readonly code: string; readonly message: string } & ErrorDetail> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof ParavclError) return { code: error.code, message: error.message, ...error.detail };
    throw error;
  }
  throw new Error('It was not refused.');
}
