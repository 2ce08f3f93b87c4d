import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Notice } from '@paravcl/shared/domain/notice';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { fit } from '../core/say';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';

/** Something that happened to what belongs to somebody, without their asking. */
export interface NewNotice {
  /** Who is told. */
  readonly userId: string;
  readonly kind: Notice['kind'];
  readonly subjectType: Notice['subject']['type'];
  readonly subjectId: string;
  /** Who, why, until when, and what they can do; written for this person alone. */
  readonly sentence: string;
  readonly decisionId: string | null;
}

/** Writes a notice, and the event of the same kind, within the transaction that makes it true. A mail follows by itself. */
export async function tell(repositories: Repositories, notice: NewNotice, now: EpochMs): Promise<void> {
  await notify(repositories, notice, now);
  const { kind, subjectType, subjectId } = notice;
  await repositories.events.append({ kind, subjectType, subjectId, actor: 'master', actorUserId: null, clientAddress: null, sentence: fit(notice.sentence) }, now);
}

/** The notice alone: of what somebody else did, and has its event by. */
export async function notify(repositories: Repositories, notice: NewNotice, now: EpochMs): Promise<void> {
  const { userId, kind, subjectType, subjectId, decisionId } = notice;
  await repositories.notices.insert({ id: newId(now), userId, at: now, kind, subjectType, subjectId, sentence: fit(notice.sentence), decisionId });
}

/** What people were told of; nobody reads what was told to somebody else. */
export class NoticeService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /** Newest first. */
  list(principal: Principal, query: { readonly limit: number; readonly cursor?: string | undefined; readonly unread: boolean }): Promise<Page<Notice>> {
    return this.unitOfWork.read.notices.page({ ...query, userId: principal.userId });
  }

  /** Marks it as read; once more changes nothing. Throws `not-found` for somebody else's too. */
  async read(principal: Principal, noticeId: string): Promise<Notice> {
    const { notices } = this.unitOfWork.read;
    const notice = (await notices.markRead(noticeId, principal.userId, this.clock.now())) ? await notices.find(noticeId) : null;
    if (notice === null) throw new ParavclError('not-found', `There is no notice ${noticeId}, or it is not yours to see.`);
    return notice;
  }
}
