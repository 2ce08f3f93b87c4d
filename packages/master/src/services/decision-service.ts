import type { Page } from '@paravcl/shared/api/page';
import type { Decision } from '@paravcl/shared/domain/decision';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import type { DecisionRepository } from '../repositories/decision-repository';
import type { PageRequest } from '../repositories/newest-first';
import { KeptInputs } from './kept-inputs';
import { authorise, type Subject } from './policy';

/** Why things are as they are, for those whose things they are. */
export class DecisionService {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** Throws `not-found` when it is not there any more, or about something that is not the principal's to see. */
  async get(principal: Principal, decisionId: string): Promise<Decision> {
    const record = await this.unitOfWork.read.decisions.find(decisionId);
    const what = `decision ${decisionId}`;
    if (record === null) throw notThere(what);
    authorise(principal, 'decision.see', 'decision.see', aboutWhom(record), what);
    return record.decision;
  }

  /**
   * Everything it was made of, so that it can be made again and compared: the pool and all who waited, which is for
   * operators and admins only. Throws `not-found` also when that is not kept any more, `forbidden`.
   */
  async inputs(principal: Principal, decisionId: string): Promise<Readonly<Record<string, unknown>>> {
    const record = await this.unitOfWork.read.decisions.find(decisionId);
    const what = `decision ${decisionId}`;
    if (record === null) throw notThere(what);
    authorise(principal, 'decision.inputs', 'decision.see', aboutWhom(record), what);
    const kept = await new KeptInputs(this.unitOfWork.read.decisions).of(record.decision.inputsHash);
    if (kept === null) throw new ParavclError('not-found', `What ${what} was made of is not kept any more. Set retention.decisionInputsDays higher to keep it longer; the decision itself is still there.`);
    return kept;
  }

  /** The decisions about an instance, newest first: each was made because of those before it. */
  async ofInstance(principal: Principal, instanceId: string, query: PageRequest): Promise<Page<Decision>> {
    const { read } = this.unitOfWork;
    const instance = await read.instances.find(instanceId);
    const what = `instance ${instanceId}`;
    if (instance === null) throw notThere(what);
    authorise(principal, 'instance.see', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, what);
    return read.decisions.page({ ...query, subjectId: instanceId });
  }

  /** The same about a reservation, and about one that was refused and so never made. */
  async ofReservation(principal: Principal, reservationId: string, query: PageRequest): Promise<Page<Decision>> {
    const { read } = this.unitOfWork;
    const reservation = await read.reservations.find(reservationId);
    const what = `reservation ${reservationId}`;
    const subject = reservation === null ? await this.refusedOf(reservationId) : shared(reservation.userId, reservation.groupId);
    if (subject === null) throw notThere(what);
    authorise(principal, 'reservation.see', 'reservation.see', subject, what);
    return read.decisions.page({ ...query, subjectId: reservationId });
  }

  /** Whose a refused reservation was, as its newest decision tells. */
  private async refusedOf(reservationId: string): Promise<Subject | null> {
    const { decisions } = this.unitOfWork.read;
    const newest = (await decisions.page({ subjectId: reservationId, limit: 1 })).items[0];
    const record = newest === undefined ? null : await decisions.find(newest.id);
    return record?.decision.subject.type === 'reservation' ? aboutWhom(record) : null;
  }
}

type Kept = NonNullable<Awaited<ReturnType<DecisionRepository['find']>>>;

function aboutWhom({ decision, userId, groupId }: Kept): Subject {
  return decision.subject.type === 'reservation' ? shared(userId, groupId) : { ownerUserId: userId, groupId };
}

/** A reservation is its group's as well. */
function shared(ownerUserId: string, groupId: string | null): Subject {
  return { ownerUserId, groupId, sharedWithGroupId: groupId };
}

function notThere(what: string): ParavclError {
  return new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
}
