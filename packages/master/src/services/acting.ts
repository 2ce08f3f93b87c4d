import type { Principal } from '@paravcl/shared/domain/people';
import type { NewEvent } from '../repositories/event-repository';

/** Who does something, and from where. */
export interface Acting {
  readonly principal: Principal;
  readonly clientAddress: string;
}

/** An event of a person. */
export function eventBy({ principal, clientAddress }: Acting, event: Pick<NewEvent, 'kind' | 'subjectType' | 'subjectId' | 'sentence'>): NewEvent {
  return { ...event, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress };
}
