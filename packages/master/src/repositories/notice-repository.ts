import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Notice, NoticeKind } from '@paravcl/shared/domain/notice';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { firstIdOf } from './first-id';
import { newestFirst, type PageRequest } from './newest-first';

export interface NewNotice {
  readonly id: string;
  /** Who is told. */
  readonly userId: string;
  readonly at: EpochMs;
  readonly kind: NoticeKind;
  readonly subjectType: Notice['subject']['type'];
  readonly subjectId: string;
  readonly sentence: string;
  readonly decisionId: string | null;
}

/** A notice that is still to be sent, and where to. */
export interface UnmailedNotice {
  readonly notice: Notice;
  readonly mail: string;
  readonly userId: string;
  readonly userName: string;
}

interface NoticeRow {
  readonly id: string;
  readonly at: Date;
  readonly kind: NoticeKind;
  readonly subject_type: Notice['subject']['type'];
  readonly subject_id: string;
  readonly sentence: string;
  readonly decision_id: string | null;
  readonly read_at: Date | null;
}

const columns = ['n.id', 'n.at', 'n.kind', 'n.subject_type', 'n.subject_id', 'n.sentence', 'n.decision_id', 'n.read_at'] as const;

const fromRow = (row: NoticeRow): Notice => ({
  id: row.id,
  at: row.at.toISOString(),
  kind: row.kind,
  subject: { type: row.subject_type, id: row.subject_id },
  sentence: row.sentence,
  decisionId: row.decision_id,
  readAt: row.read_at?.toISOString() ?? null,
});

/** What people are told of without asking. */
export class NoticeRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(notice: NewNotice): Promise<void> {
    await this.db('notices').insert({
      id: notice.id,
      user_id: notice.userId,
      at: new Date(notice.at),
      kind: notice.kind,
      subject_type: notice.subjectType,
      subject_id: notice.subjectId,
      sentence: notice.sentence.slice(0, 1000),
      decision_id: notice.decisionId,
    });
    this.changes.note('notices', notice.id);
  }

  /** One person's, newest first. Throws `invalid-input` for a cursor that is none. */
  async page(filter: PageRequest & { readonly userId: string; readonly unread: boolean }): Promise<Page<Notice>> {
    const query = this.db('notices as n').where('n.user_id', filter.userId).select(...columns);
    if (filter.unread) void query.whereNull('n.read_at');
    const found = await newestFirst<NoticeRow>(query, 'n.id', filter);
    return { items: found.items.map(fromRow), next: found.next };
  }

  async find(id: string): Promise<Notice | null> {
    const row = (await this.db('notices as n').where('n.id', id).first(...columns)) as NoticeRow | undefined;
    return row === undefined ? null : fromRow(row);
  }

  /** False when it is not this person's. One that was read before keeps its time. */
  async markRead(id: string, userId: string, now: EpochMs): Promise<boolean> {
    const read = this.db.raw('COALESCE(read_at, ?)', [new Date(now)]);
    if ((await this.db('notices').where({ id, user_id: userId }).update({ read_at: read })) !== 1) return false;
    this.changes.note('notices', id);
    return true;
  }

  /** Those since then that were not sent yet and whose people have a mail address, none of the `waiting`, oldest first. */
  async unmailed(since: EpochMs, limit: number, waiting: readonly string[] = []): Promise<readonly UnmailedNotice[]> {
    const query = this.db('notices as n')
      .join('users as u', 'u.id', 'n.user_id')
      .whereNull('n.mailed_at')
      .where('n.at', '>=', new Date(since))
      .whereNotNull('u.mail')
      .where('u.disabled', 0)
      .orderBy(['n.at', 'n.id'])
      .limit(limit)
      .select(...columns, 'n.user_id', 'u.mail', 'u.name as user_name');
    if (waiting.length > 0) void query.whereNotIn('u.mail', [...waiting]);
    const rows = (await query) as readonly (NoticeRow & { readonly user_id: string; readonly mail: string; readonly user_name: string })[];
    return rows.map((row) => ({ notice: fromRow(row), mail: row.mail, userId: row.user_id, userName: row.user_name }));
  }

  async markMailed(ids: readonly string[], now: EpochMs): Promise<void> {
    await this.db('notices').whereIn('id', [...ids]).update({ mailed_at: new Date(now) });
  }

  /** At most `limit`, oldest first; says how many. */
  async deleteBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('notices').where('id', '<', firstIdOf(before)).orderBy('id').limit(limit).delete();
  }
}
