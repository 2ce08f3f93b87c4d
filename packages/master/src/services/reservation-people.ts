import type { EpochMs } from '@paravcl/shared/clock';
import type { NoticeKind } from '@paravcl/shared/domain/notice';
import { newId } from '@paravcl/shared/ids';
import type { ReservationRecord } from '../core/reservation-record';
import { fit } from '../core/say';
import type { NewEvent } from '../repositories/event-repository';
import type { Repositories } from '../repositories/repositories';
import type { Acting } from './acting';

/** Who did something to a reservation: a person, or the master by itself. */
export type By = Pick<NewEvent, 'actor' | 'actorUserId' | 'clientAddress'>;

export function byPerson({ principal, clientAddress }: Acting): By {
  return { actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress };
}

export const byMaster: By = { actor: 'master', actorUserId: null, clientAddress: null };

type Told = Pick<ReservationRecord, 'id' | 'userId' | 'groupId'>;

export interface ReservationNews {
  readonly kind: NoticeKind;
  readonly sentence: string;
  readonly decisionId: string | null;
}

const pageOfMembers = 200;

/** Whoever asked for it, and the teacher of its group. */
export async function answerable(repositories: Repositories, { userId, groupId }: Told): Promise<readonly string[]> {
  const group = groupId === null ? null : await repositories.groups.find(groupId);
  return [...new Set([userId, group?.ownerUserId ?? userId])];
}

/** Those, and the members of its group: everybody who may claim from it. */
export async function claimants(repositories: Repositories, reservation: Told): Promise<readonly string[]> {
  const people = new Set(await answerable(repositories, reservation));
  if (reservation.groupId === null) return [...people];
  let cursor: string | undefined;
  do {
    const page = await repositories.users.page({ groupIds: [reservation.groupId], limit: pageOfMembers, cursor });
    for (const { id } of page.items) people.add(id);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return [...people];
}

/** A notice for each of these people, and one event, within the transaction that makes it true. */
export async function tellPeople(repositories: Repositories, userIds: readonly string[], { id }: Told, news: ReservationNews, now: EpochMs, by: By = byMaster): Promise<void> {
  const subject = { subjectType: 'reservation', subjectId: id } as const;
  const sentence = fit(news.sentence);
  for (const userId of userIds) {
    await repositories.notices.insert({ id: newId(now), userId, at: now, kind: news.kind, ...subject, sentence, decisionId: news.decisionId });
  }
  await repositories.events.append({ kind: news.kind, ...subject, ...by, sentence }, now);
}
