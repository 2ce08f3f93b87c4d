import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { firstIdOf } from './first-id';

export interface ApplicationOnSlave {
  readonly slaveId: string;
  readonly imageId: string;
  readonly name: string;
  readonly deployed: number;
  readonly running: number;
}

/** A thing that is not as it was promised, and the slave it is booked or placed on. */
export interface ViolationOn {
  readonly slaveId: string;
  readonly id: string;
}

/** Begun to run, and not told to end. */
const runningStates = ['booting', 'running'] as const;

/** Counts over the whole site, for who watches it. */
export class MonitoringRepository {
  constructor(private readonly db: Knex) {}

  /** Machines by slave and image, those without a slave left out. */
  async applications(): Promise<readonly ApplicationOnSlave[]> {
    interface Row { readonly slave_id: string; readonly image_id: string; readonly name: string | null; readonly deployed: number; readonly running: number }
    const rows = (await this.db('instances as i')
      .leftJoin('images as m', 'm.id', 'i.image_id')
      .whereNotNull('i.slave_id')
      .whereNot('i.observed', 'deleted')
      .groupBy('i.slave_id', 'i.image_id', 'm.name')
      .orderBy('m.name')
      .select('i.slave_id', 'i.image_id', 'm.name', this.db.raw('COUNT(*) AS deployed'), this.db.raw('SUM(i.observed IN (?, ?)) AS running', [...runningStates]))) as readonly Row[];
    return rows.map(({ slave_id: slaveId, image_id: imageId, name, deployed, running }) => ({ slaveId, imageId, name: name ?? 'an image that is gone', deployed: Number(deployed), running: Number(running) }));
  }

  /** Reservations that are told to be at risk, by the slaves that their machines are booked on. */
  async reservationsAtRisk(): Promise<readonly ViolationOn[]> {
    const held = this.db('reservations as r').join('bookings as b', 'b.reservation_id', 'r.id').where('r.at_risk', 1).whereIn('r.state', ['confirmed', 'active', 'no-show']);
    return (await held.distinct('b.slave_id as slaveId', 'r.id as id')) as readonly ViolationOn[];
  }

  /** Machines that were claimed from a reservation which has begun, and still wait. */
  async claimsWaiting(at: EpochMs): Promise<readonly ViolationOn[]> {
    const waiting = this.db('bookings as b').join('reservations as r', 'r.id', 'b.reservation_id').join('instances as i', 'i.id', 'b.instance_id').where('r.state', 'active').where('r.starts_at', '<=', new Date(at)).where('i.desired', 'running');
    return (await waiting.where((state) => state.whereIn('i.observed', ['requested', 'queued']).orWhereNotNull('i.queued_at')).select('b.slave_id as slaveId', 'i.id as id')) as readonly ViolationOn[];
  }

  /** Machines that were seen lost from then on, by the slave they were on. */
  async lostSince(since: EpochMs): Promise<readonly ViolationOn[]> {
    const lost = this.db('instance_transitions').where('id', '>=', firstIdOf(since)).where({ to_state: 'lost' }).whereNotNull('slave_id');
    return (await lost.distinct('slave_id as slaveId', 'instance_id as id')) as readonly ViolationOn[];
  }

  /** Machines that get less of a processor than their due now. */
  async shortOfProcessor(): Promise<readonly ViolationOn[]> {
    return (await this.db('sla_violations').whereNotNull('open_of').select('slave_id as slaveId', 'instance_id as id')) as readonly ViolationOn[];
  }

  /** How many instances are in each observed state; deleted ones are left out. */
  async instancesByState(): Promise<ReadonlyMap<string, number>> {
    return counted(await this.db('instances').whereNot('observed', 'deleted').groupBy('observed').select('observed as name', this.db.raw('COUNT(*) AS n')));
  }

  /** How many reservations hold room, by state. */
  async reservationsByState(): Promise<ReadonlyMap<string, number>> {
    return counted(await this.db('reservations').whereIn('state', ['confirmed', 'active', 'no-show']).groupBy('state').select('state as name', this.db.raw('COUNT(*) AS n')));
  }

  /** Who waits to run: how many, and since when the one that waits longest does. */
  async queue(): Promise<{ readonly length: number; readonly oldestAt: EpochMs | null }> {
    const row = (await this.db('instances')
      .where((waits) => waits.where((unplaced) => unplaced.whereIn('observed', ['requested', 'queued']).where({ desired: 'running' })).orWhereNotNull('queued_at'))
      .whereNot('observed', 'deleted')
      .whereNot('desired', 'deleted')
      .first(this.db.raw('COUNT(*) AS n'), this.db.raw('MIN(COALESCE(queued_at, created_at)) AS oldest'))) as { readonly n: number; readonly oldest: Date | null } | undefined;
    return { length: Number(row?.n ?? 0), oldestAt: row?.oldest == null ? null : new Date(row.oldest).getTime() };
  }
}

function counted(rows: readonly { readonly name: string; readonly n: number }[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ name, n }) => [name, Number(n)]));
}
