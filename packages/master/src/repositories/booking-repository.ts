import { holdingReservationStates } from '@paravcl/shared/domain/reservation';
import type { Knex } from 'knex';
import type { BookingRecord } from '../core/reservation-record';
import { beyondDisk, roomFor, type Booking, type Room } from '../core/snapshot';
import { noNotes, type ChangeNotes } from './committed-changes';

interface BookingRow {
  readonly reservation_id: string;
  readonly slot: number;
  readonly slave_id: string;
  readonly instance_id: string | null;
}

interface HeldRow extends BookingRow {
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly vcpus: number;
  readonly ram_mib: number;
  readonly disk_mib: number;
  readonly bandwidth_mbps: number | null;
  readonly min_speed: number | null;
  readonly group_name: string | null;
  readonly promised_disk_mib: number;
}

const columns = ['reservation_id', 'slot', 'slave_id', 'instance_id'] as const satisfies readonly (keyof BookingRow)[];

/** Rows of one statement: about 100 KiB of text, far below max_allowed_packet. */
const rowsPerStatement = 1000;

/** Who reserved for themselves is nobody else's business: sentences about room go to strangers. */
export const strangerName = 'another person';

/** A booking as the scheduler sees it, with the slave that keeps room for it. */
export type HeldBooking = Booking & { readonly slaveId: string };

/** The machines of reservations, each booked on one slave. An instance is in one slot at most: the key decides races. */
export class BookingRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(bookings: readonly BookingRecord[]): Promise<void> {
    for (let from = 0; from < bookings.length; from += rowsPerStatement) {
      const rows = bookings.slice(from, from + rowsPerStatement).map(
        (booking): BookingRow => ({ reservation_id: booking.reservationId, slot: booking.slot, slave_id: booking.slaveId, instance_id: booking.instanceId }),
      );
      await this.db('bookings').insert(rows);
    }
    for (const reservationId of new Set(bookings.map((booking) => booking.reservationId))) this.changes.note('reservations', reservationId);
  }

  /** In the order of reservation and slot. */
  async ofReservations(reservationIds: readonly string[]): Promise<readonly BookingRecord[]> {
    const rows = await this.db<BookingRow>('bookings').whereIn('reservation_id', [...reservationIds]).orderBy(['reservation_id', 'slot']).select(...columns);
    return rows.map((row) => ({ reservationId: row.reservation_id, slot: row.slot, slaveId: row.slave_id, instanceId: row.instance_id }));
  }

  /** The images of reservations that hold room on this slave. */
  async disksBookedOn(slaveId: string): Promise<readonly string[]> {
    return (await this.db('bookings as b')
      .join('reservations as r', 'r.id', 'b.reservation_id')
      .where('b.slave_id', slaveId)
      .whereIn('r.state', [...holdingReservationStates])
      .whereNotNull('r.image_id')
      .distinct()
      .pluck('r.image_id')) as string[];
  }

  /** All of reservations that hold room, or those on these slaves, on such as left the pool, or of these instances, without the disk that is on its slave already; in the order of start, reservation and slot. */
  async held(of: { readonly slaveIds: readonly string[] } | { readonly instanceIds: readonly string[] } | { readonly admission: 'retired' } | null = null): Promise<readonly HeldBooking[]> {
    const query = this.db('bookings as b')
      .join('reservations as r', 'r.id', 'b.reservation_id')
      .leftJoin('user_groups as g', 'g.id', 'r.group_id')
      .leftJoin('instances as i', 'i.id', 'b.instance_id')
      .whereIn('r.state', [...holdingReservationStates])
      .orderBy(['r.starts_at', 'b.reservation_id', 'b.slot'])
      .select(
        'b.reservation_id', 'b.slot', 'b.slave_id', 'b.instance_id', 'r.starts_at', 'r.ends_at', 'r.vcpus', 'r.ram_mib', 'r.disk_mib', 'r.bandwidth_mbps', 'r.min_speed',
        'g.name as group_name', this.db.raw('CASE WHEN i.slave_id = b.slave_id THEN i.disk_mib + i.ram_mib ELSE 0 END AS promised_disk_mib'),
      );
    if (of !== null && 'slaveIds' in of) void query.whereIn('b.slave_id', [...of.slaveIds]);
    if (of !== null && 'instanceIds' in of) void query.whereIn('b.instance_id', [...of.instanceIds]);
    if (of !== null && 'admission' in of) void query.whereIn('b.slave_id', this.db('slaves').select('id').where('admission', of.admission));
    return ((await query) as readonly HeldRow[]).map((row) => ({
      reservationId: row.reservation_id,
      ownerName: row.group_name ?? strangerName,
      slot: row.slot,
      slaveId: row.slave_id,
      start: row.starts_at.getTime(),
      end: row.ends_at.getTime(),
      need: needOf(row),
      instanceId: row.instance_id,
    }));
  }

  /** Another slave keeps room for it from now on. */
  async moveSlot(reservationId: string, slot: number, slaveId: string): Promise<void> {
    await this.db('bookings').where({ reservation_id: reservationId, slot }).update({ slave_id: slaveId });
    this.changes.note('reservations', reservationId);
  }

  /** False when it is claimed by now. Throws a duplicate-key error when the instance is in a slot already. */
  async claim(reservationId: string, slot: number, instanceId: string): Promise<boolean> {
    if ((await this.db('bookings').where({ reservation_id: reservationId, slot }).whereNull('instance_id').update({ instance_id: instanceId })) !== 1) return false;
    this.changes.note('reservations', reservationId);
    return true;
  }

  /** Whatever slot the instance was in may be claimed again. */
  async unclaim(instanceId: string): Promise<void> {
    const of = (await this.db('bookings').where({ instance_id: instanceId }).pluck('reservation_id')) as readonly string[];
    await this.db('bookings').where({ instance_id: instanceId }).update({ instance_id: null });
    for (const reservationId of of) this.changes.note('reservations', reservationId);
  }

  /** All of a reservation. */
  async remove(reservationId: string): Promise<void> {
    await this.db('bookings').where({ reservation_id: reservationId }).delete();
    this.changes.note('reservations', reservationId);
  }
}

/**
 * What is on the slave of its instance already is promised already, and must not count twice. An instance that is smaller
 * than what was reserved leaves the rest to the slot, which may be claimed anew once it is deleted.
 */
function needOf(row: HeldRow): Room {
  const need = roomFor({ vcpus: row.vcpus, ramMiB: row.ram_mib, diskMiB: row.disk_mib, bandwidthMbps: row.bandwidth_mbps, minSpeed: row.min_speed });
  return beyondDisk(need, Number(row.promised_disk_mib));
}
