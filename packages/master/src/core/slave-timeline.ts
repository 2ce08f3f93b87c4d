import type { EpochMs } from '@paravcl/shared/clock';
import { overlaps, Timeline, type Lease, type Window } from './calendar';
import { compute, type RunningInstance, type SlaveView } from './snapshot';

/** Slaves that reservations count on: in the pool, not lost, able to run guests; volunteers only while they contribute. */
export function reservable(slave: SlaveView): boolean {
  return slave.admission === 'approved' && slave.liveness !== 'lost' && slave.hypervisor.usable && (slave.kind === 'dedicated' || slave.contributing);
}

const nobody: ReadonlySet<string> = new Set();
const allTime: Window = { start: -Infinity, end: Infinity };

/**
 * What of a slave is taken for reservations, from `at` on and without the slots of the reservations `except`:
 * - the slots booked on it (`Booking.need`: without the disk that is there already);
 * - best-effort instances that may not be suspended again today, until they may be or end;
 * - reserved instances that run without a slot here, until they end.
 * Other best-effort counts by its disk alone, for it can be suspended in time. Disk that is promised stays so:
 * it is not part of the capacity, and neither is what somebody else has written into the pool's file system.
 *
 * Of a slave whose timeline is kept (`keepTimeline`) it is that one.
 *
 * @param span whoever asks about nothing beyond it spares the building of the rest
 */
export function slaveTimeline(slave: SlaveView, at: EpochMs, except: ReadonlySet<string> = nobody, span: Window = allTime): Timeline {
  const whole = kept.get(slave);
  return whole === undefined || at < whole.from ? built(slave, at, except, span) : without(slave, whole, except);
}

/** A slave with what is taken of it through time. */
export interface BookedSlave {
  readonly id: string;
  readonly name: string;
  readonly volunteer: boolean;
  /** Whether it takes slots that it does not have yet; one that is being drained only keeps what is fixed to it. */
  readonly takesNew: boolean;
  readonly timeline: Timeline;
}

/** The slave with `slaveTimeline`; the same value again of one that is kept. */
export function bookedSlave(slave: SlaveView, at: EpochMs, except: ReadonlySet<string> = nobody, span: Window = allTime): BookedSlave {
  const whole = kept.get(slave);
  if (whole === undefined || at < whole.from) return booked(slave, built(slave, at, except, span));
  return whole.isOfNone(except) ? whole.booked() : booked(slave, without(slave, whole, except));
}

function booked(slave: SlaveView, timeline: Timeline): BookedSlave {
  return { id: slave.id, name: slave.name, volunteer: slave.kind === 'volunteer', takesNew: reservable(slave), timeline };
}

/** Its timeline from a moment on, built when somebody asks: one is kept with each launch, and few of them are asked for. */
class KeptSlave {
  private made: BookedSlave | null = null;
  private reservationIds: ReadonlySet<string> | null = null;

  constructor(
    private readonly slave: SlaveView,
    readonly from: EpochMs,
  ) {}

  booked(): BookedSlave {
    return (this.made ??= booked(this.slave, built(this.slave, this.from, nobody, allTime)));
  }

  /** None of these has a slot there. */
  isOfNone(reservationIds: ReadonlySet<string>): boolean {
    const known = (this.reservationIds ??= new Set(this.slave.bookings.map(({ reservationId }) => reservationId)));
    for (const id of reservationIds) if (known.has(id)) return false;
    return true;
  }
}

const kept = new WeakMap<SlaveView, KeptSlave>();

/** The slave's whole timeline is built once for whoever asks about it from `at` on, when the first does: of a slave that is looked at again and again while nothing about it changes. */
export function keepTimeline(slave: SlaveView, at: EpochMs): void {
  kept.set(slave, new KeptSlave(slave, at));
}

function without(slave: SlaveView, whole: KeptSlave, except: ReadonlySet<string>): Timeline {
  const { timeline } = whole.booked();
  if (whole.isOfNone(except)) return timeline;
  return slave.bookings.filter(({ reservationId }) => except.has(reservationId)).reduce((left, slot) => left.withoutLease(slot), timeline);
}

function built(slave: SlaveView, at: EpochMs, except: ReadonlySet<string>, span: Window): Timeline {
  const { capacity, promised, poolAvailableMiB, bookings } = slave;
  const diskMiB = Math.max(0, Math.min(capacity.diskMiB - promised.diskMiB, poolAvailableMiB));
  const withSlot = new Set(bookings.flatMap(({ instanceId }) => instanceId ?? []));
  const slots = bookings
    .filter((booking) => overlaps(booking, span) && !except.has(booking.reservationId))
    .map(({ start, end, need }) => ({ start, end, need }));
  const guests = slave.running.filter(({ id, leaving }) => !leaving && !withSlot.has(id)).flatMap((instance) => leaseOf(instance, at));
  return Timeline.of({ ...capacity, diskMiB }, [...slots, ...guests]);
}

function leaseOf({ type, need, endsAt, sparedUntil }: RunningInstance, at: EpochMs): Lease | [] {
  if (type === 'BE' && sparedUntil === null) return [];
  const end = type === 'AR' ? (endsAt ?? Infinity) : Math.min(endsAt ?? Infinity, sparedUntil ?? Infinity);
  return { start: at, end, need: compute(need) };
}
