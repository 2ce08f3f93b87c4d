import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { PoolItem, PoolSlave } from '@paravcl/shared/api/pool';
import { overlaps, type Window } from '../core/calendar';
import { takesPart } from '../core/room-now';
import type { Booking, RunningInstance, SlaveView } from '../core/snapshot';
import type { UnitOfWork } from '../db/unit-of-work';
import type { WorkingWorld } from './working-world';
import type { World } from './world-loader';

export interface PoolServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly world: Pick<WorkingWorld, 'seen'>;
  readonly clock: Clock;
}

const hourMs = 3_600_000;

export interface Pool {
  readonly from: string;
  readonly to: string;
  readonly slaves: PoolSlave[];
  readonly unplaced: PoolItem[];
}

/** Whose everything is. */
interface Names {
  readonly users: ReadonlyMap<string, string>;
  readonly owners: ReadonlyMap<string, { readonly userId: string; readonly groupName: string | null }>;
}

/** The calendar of the pool, slaves by time, for who runs the site. */
export class PoolService {
  constructor(private readonly deps: PoolServiceDeps) {}

  async pool(from: Date | null, hours: number): Promise<Pool> {
    const { unitOfWork: { read }, clock } = this.deps;
    const at = clock.now();
    const world = await this.deps.world.seen(at);
    const start = from?.getTime() ?? at;
    const span = { start, end: start + hours * hourMs };
    const owners = await read.reservations.ownersOf([...new Set(world.bookings.map(({ reservationId }) => reservationId))]);
    const userIds = [...[...world.active.values()].map(({ userId }) => userId), ...[...owners.values()].map(({ userId }) => userId)];
    const names = { owners, users: await read.users.namesOf([...new Set(userIds)]) };
    const slaves = [...world.snapshot.slaves].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    return {
      from: new Date(span.start).toISOString(),
      to: new Date(span.end).toISOString(),
      slaves: slaves.map((slave) => poolSlave(slave, world, names, span, at)),
      unplaced: reserved(world.bookedElsewhere, new Set(), names, span),
    };
  }
}

function poolSlave(slave: SlaveView, world: World, names: Names, span: Window, at: EpochMs): PoolSlave {
  const { id, name, kind, admission, liveness, capacity, bookings } = slave;
  const slots = new Map(bookings.flatMap((booking) => (booking.instanceId === null ? [] : [[booking.instanceId, booking] as const])));
  const runningHere = new Set(slave.running.map((instance) => instance.id));
  return {
    id, name, kind, admission, liveness,
    takesGuests: takesPart(slave),
    sentence: sentenceOf(slave),
    vcpus: capacity.vcpus,
    ramMiB: Math.floor(capacity.ramMiB),
    items: [...slave.running.flatMap((instance) => held(instance, slots.get(instance.id), world, names, span, at)), ...reserved(bookings, runningHere, names, span)].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.id < b.id ? -1 : 1)),
  };
}

/** One that runs in its slot holds it, and has it until the slot's end. */
function held({ id, name, userId, need, since, endsAt }: RunningInstance, slot: Booking | undefined, { active }: World, { users }: Names, span: Window, at: EpochMs): readonly PoolItem[] {
  const end = slot?.end ?? endsAt;
  // What should be over and still runs has its room until it is gone.
  const until = end === null ? null : Math.max(end, at + 1);
  if (!overlaps({ start: since, end: until ?? Infinity }, span)) return [];
  return [{ kind: 'instance', id, name: active.get(id)?.name ?? name, userId, userName: users.get(userId) ?? '', machines: 1, vcpus: need.vcpus, ramMiB: need.ramMiB, start: new Date(since).toISOString(), end: until === null ? null : new Date(until).toISOString() }];
}

/** The slots of each reservation together, without those whose instance runs and is shown itself. */
function reserved(bookings: readonly Booking[], shown: ReadonlySet<string>, { users, owners }: Names, span: Window): PoolItem[] {
  const items = new Map<string, PoolItem>();
  for (const { reservationId, instanceId, start, end, need } of bookings) {
    if (!overlaps({ start, end }, span) || (instanceId !== null && shown.has(instanceId))) continue;
    const before = items.get(reservationId);
    const owner = owners.get(reservationId);
    const userName = users.get(owner?.userId ?? '') ?? '';
    items.set(reservationId, {
      kind: 'reservation', id: reservationId, name: owner?.groupName ?? userName, userId: owner?.userId ?? reservationId, userName,
      machines: (before?.machines ?? 0) + 1, vcpus: (before?.vcpus ?? 0) + need.vcpus, ramMiB: (before?.ramMiB ?? 0) + need.ramMiB,
      start: new Date(start).toISOString(), end: new Date(end).toISOString(),
    });
  }
  return [...items.values()];
}

/** How it stands, the reason it takes nobody first. */
export function sentenceOf(slave: SlaveView): string {
  const { name, admission, liveness, connected, hypervisor, troubles, promised, capacity } = slave;
  const [trouble] = troubles;
  if (admission === 'pending') return `${name} waits for your approval.`;
  if (admission === 'quarantined') return `${name} is quarantined: it showed another identity than the one it enrolled with. Approve it again, or retire it.`;
  if (admission === 'draining') return `${name} takes nobody new: it is being drained.`;
  if (liveness === 'lost') return `${name} is lost: nothing was heard of it for longer than the site waits. Look at the machine and its network.`;
  if (!connected || liveness === 'suspect') return `${name} is not connected now.`;
  if (!hypervisor.usable) return `${name} cannot run guests: ${hypervisor.why}`;
  if (trouble !== undefined) return trouble;
  return `${name} is well: ${promised.vcpus} of ${capacity.vcpus} cores promised.`;
}
