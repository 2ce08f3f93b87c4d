import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import { holdingReservationStates, type ReservationState } from '@paravcl/shared/domain/reservation';
import type { Knex } from 'knex';
import type { ReservationRecord } from '../core/reservation-record';
import { noNotes, type ChangeNotes } from './committed-changes';
import { newestFirst, type PageRequest } from './newest-first';
import { reservationColumns, reservationFromRow, reservationToRow, type ReservationRow } from './reservation-rows';

export interface ReservationFilter extends PageRequest {
  readonly state?: ReservationState | undefined;
  readonly userId?: string | undefined;
  readonly groupId?: string | undefined;
  /** Those whose window is not over at this time. */
  readonly from?: EpochMs | undefined;
  /** Those whose window begins before this time. */
  readonly to?: EpochMs | undefined;
  /** Their own, and those of these groups. */
  readonly visibleTo?: { readonly userId: string; readonly groupIds: readonly string[] } | undefined;
}

/** Reservations owned by a group count for the group only, not for whoever asked for them. */
export type ReservationOwner = { readonly userId: string } | { readonly groupId: string };

/** Reservations; those that are over stay for their history. Their machines are `bookings`. */
export class ReservationRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(reservation: ReservationRecord): Promise<void> {
    await this.db('reservations').insert(reservationToRow(reservation));
    this.changes.note('reservations', reservation.id);
  }

  async find(id: string): Promise<ReservationRecord | null> {
    return one(await this.rows().where({ id }).first());
  }

  /** The row is locked until the transaction ends. */
  async lock(id: string): Promise<ReservationRecord | null> {
    return one(await this.rows().where({ id }).forUpdate().first());
  }

  /** Newest first. Throws `invalid-input` for a cursor that is none. */
  async page(filter: ReservationFilter): Promise<Page<ReservationRecord>> {
    const query = this.rows();
    const { state, userId, groupId, from, to, visibleTo } = filter;
    if (state !== undefined) void query.where({ state });
    if (userId !== undefined) void query.where('user_id', userId);
    if (groupId !== undefined) void query.where('group_id', groupId);
    if (from !== undefined) void query.where('ends_at', '>', new Date(from));
    if (to !== undefined) void query.where('starts_at', '<', new Date(to));
    if (visibleTo !== undefined) void query.where((seen) => seen.where('user_id', visibleTo.userId).orWhereIn('group_id', [...visibleTo.groupIds]));
    const found = await newestFirst<ReservationRow>(query, 'id', filter);
    return { items: found.items.map(reservationFromRow), next: found.next };
  }

  /** All that hold room in the calendar, in the order of their start. */
  async holding(): Promise<readonly ReservationRecord[]> {
    return this.inOrder(this.rows().whereIn('state', [...holdingReservationStates]));
  }

  /** Those that hold room and are for this image. */
  async usingImage(imageId: string): Promise<readonly ReservationRecord[]> {
    return (await this.rows().where({ image_id: imageId }).whereIn('state', [...holdingReservationStates]).orderBy(['starts_at', 'id'])).map(reservationFromRow);
  }

  /** How many of this owner's hold room. */
  async openOf(owner: ReservationOwner): Promise<number> {
    const theirs = 'groupId' in owner ? { group_id: owner.groupId } : { user_id: owner.userId, group_id: null };
    const [row] = (await this.db('reservations').where(theirs).whereIn('state', [...holdingReservationStates]).count({ found: '*' })) as readonly { found: number | string }[];
    return Number(row?.found ?? 0);
  }

  /** Writes the change if the state is still this one; false when somebody was faster. */
  async change(id: string, from: ReservationState, change: Partial<Omit<ReservationRecord, 'id'>>): Promise<boolean> {
    if ((await this.db('reservations').where({ id, state: from }).update(reservationToRow(change))) !== 1) return false;
    this.changes.note('reservations', id);
    return true;
  }

  /** Those the clock may lead on: their window begins, or is over, or nobody has claimed from them within the grace. */
  async due(now: EpochMs, noShowGraceMs: number): Promise<readonly ReservationRecord[]> {
    const claims = this.db('bookings').select(this.db.raw('1')).whereRaw('bookings.reservation_id = reservations.id').whereNotNull('instance_id');
    return this.inOrder(
      this.rows()
        .where((begins) => begins.where({ state: 'confirmed' }).where('starts_at', '<=', new Date(now)))
        .orWhere((over) => over.whereIn('state', ['active', 'no-show']).where('ends_at', '<=', new Date(now)))
        .orWhere((unclaimed) => unclaimed.where({ state: 'active' }).where('starts_at', '<=', new Date(now - noShowGraceMs)).whereNotExists(claims)),
    );
  }

  /** Whose these are: who asked for each, and the name of its group. */
  async ownersOf(ids: readonly string[]): Promise<ReadonlyMap<string, { readonly userId: string; readonly groupName: string | null }>> {
    const rows = (await this.db('reservations as r').leftJoin('user_groups as g', 'g.id', 'r.group_id').whereIn('r.id', [...ids]).select('r.id', 'r.user_id', 'g.name as group_name')) as readonly {
      readonly id: string;
      readonly user_id: string;
      readonly group_name: string | null;
    }[];
    return new Map(rows.map((row) => [row.id, { userId: row.user_id, groupName: row.group_name }]));
  }

  /** Those that hold room and are at risk. */
  async atRisk(): Promise<readonly ReservationRecord[]> {
    return this.inOrder(this.rows().where({ at_risk: 1 }).whereIn('state', [...holdingReservationStates]));
  }

  /** All of a weekly repeat, in the order of their start. */
  async ofSeries(seriesId: string): Promise<readonly ReservationRecord[]> {
    return this.inOrder(this.rows().where({ series_id: seriesId }));
  }

  private async inOrder(query: Knex.QueryBuilder<ReservationRow, ReservationRow[]>): Promise<readonly ReservationRecord[]> {
    return (await query.orderBy(['starts_at', 'id'])).map(reservationFromRow);
  }

  private rows(): Knex.QueryBuilder<ReservationRow, ReservationRow[]> {
    return this.db<ReservationRow>('reservations').select([...reservationColumns]) as unknown as Knex.QueryBuilder<ReservationRow, ReservationRow[]>;
  }
}

function one(row: ReservationRow | undefined): ReservationRecord | null {
  return row === undefined ? null : reservationFromRow(row);
}
