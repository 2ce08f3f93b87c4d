import type { EpochMs } from '@paravcl/shared/clock';
import { foremostReason, type Reason, type ReasonCode } from '@paravcl/shared/domain/reasons';
import { headAfter, headOf, type Head, type LacksRoom } from './backfill';
import { slaveTimeline } from './slave-timeline';
import { exhaustedSentence, makingRoomFor, makingRoomReason, placedSentence, preemptedSentence, recalledSentence, recallSentence, resumedSentence, waitingReason } from './explain';
import { mayRunOn, refusal, type Question, type Refusal } from './feasible';
import { KeptRound } from './kept-round';
import { inOrder, type OrderingPolicy } from './ordering';
import { preempt, roomIsComing } from './preempt';
import type { PlacementPolicy, PlacementScore } from './rank';
import { recall } from './recall';
import { asSeen, promised, unnominated, vacating, type SlaveNow } from './room-now';
import type { Round } from './round';
import { fit } from './say';
import type { Attempt, Booking, RunningInstance, Snapshot, WaitingInstance } from './snapshot';

/** The exchangeable parts: who is served first and who gives way, and where things go. */
export interface Policies {
  readonly ordering: OrderingPolicy;
  readonly placement: PlacementPolicy;
}

/** What slaves answered to one instance. */
export interface Considered {
  /** How many were asked: all of them, or as many as it took to find a few that could take it. */
  readonly asked: number;
  /** Of those that could not, how many gave which reason, with what the first of them said when nobody could. */
  readonly refused: readonly { readonly code: ReasonCode; readonly count: number; readonly sentence?: string }[];
  /** The best few of those that could, best first, and how the placement policy judged them. */
  readonly top: readonly { readonly slaveId: string; readonly score: PlacementScore }[];
  /** Of one that waits and may be the head: those that can once they have room. */
  readonly roomLater: readonly LacksRoom[];
}

/** One that is told to go, with what its owner is told. */
export interface Leaving {
  readonly instance: RunningInstance;
  readonly saveMs: number;
  readonly sentence: string;
}

interface AboutInstance {
  readonly instance: WaitingInstance;
  readonly considered: Considered;
}

export type Decision =
  /** A slave for one that has none yet. */
  | (AboutInstance & { readonly kind: 'place'; readonly slaveId: string; readonly sentence: string })
  /** One that is saved or off goes on where its disk is. */
  | (AboutInstance & { readonly kind: 'resume'; readonly slaveId: string; readonly sentence: string })
  /** Others are suspended for it; it is nominated to that slave and placed once they are gone. */
  | (AboutInstance & { readonly kind: 'preempt'; readonly slaveId: string; readonly victims: readonly Leaving[]; readonly reason: Reason })
  | (AboutInstance & {
      readonly kind: 'queue';
      /** 1 for the next to be served. */
      readonly place: number;
      readonly reason: Reason;
      /** The slave on which it still waits for others to leave. */
      readonly nominatedTo: string | null;
    })
  | (AboutInstance & { readonly kind: 'refuse'; readonly reason: Reason });

/** Lent room that is called back on one slave. */
export interface Recalled {
  readonly slaveId: string;
  /** The slot that wants it first. */
  readonly booking: Booking;
  readonly victims: readonly Leaving[];
  readonly sentence: string;
}

export interface Plan {
  readonly recalls: readonly Recalled[];
  readonly decisions: readonly Decision[];
  /** When to plan again though nothing has happened; null: no reservation is near. */
  readonly dueAt: EpochMs | null;
}

/** A broken image is tried on one other slave, in case only the first one's copy was; then it is the image. */
const imageFaults: readonly (ReasonCode | null)[] = ['ImageMissing', 'ImageCorrupt'];
const imageAttempts = 2;

/** Where so many of the first have no start in sight, nobody's start is kept: what is in the way of them has no end. */
const mostHeadsTried = 10;

/** So many of the best slaves are scored for the record; the others were only compared. */
const scoredCandidates = 5;

/**
 * One round of the scheduler:
 * 1. on every slave, room that was lent is called back for slots whose window is near (`recall`);
 * 2. then for each who waits, reserved ones first, then in the order of the policy:
 *    a. ask every slave whether it could take the instance (`feasible`), with its reason when not; one whose disk is on
 *       a slave asks only that one;
 *    b. place it on the best of those that can, and promise the room there before the next is decided;
 *    c. one for which others are leaving already waits for them;
 *    d. else who may give way is told to go (`preempt`), and the instance is nominated to that slave;
 *    e. else it waits, or gives up when slaves were tried and failed and none could take it later; the first that waits
 *       for room with a start in sight is the head, and none behind it may move that start (`backfill`).
 * Equal inputs give equal plans, whatever the order of slaves and instances in them.
 *
 * @param kept of one who plans again and again over slaves that hardly change: plans are the same, and made in less time
 */
export function plan(snapshot: Snapshot, waiting: readonly WaitingInstance[], policies: Policies, at: EpochMs, kept = new KeptRound()): Plan {
  const round = kept.begin(snapshot, policies.placement, answerOf);
  let head: Head | undefined;
  const put = (slave: SlaveNow): void => {
    const before = round.get(slave.view.id);
    if (head !== undefined && before !== undefined) head = headAfter(head, before, slave);
    round.put(slave);
  };

  const queue = inOrder(waiting, policies.ordering, snapshot.rules);
  for (const instance of queue) {
    const slave = instance.nominatedTo === null ? undefined : round.get(instance.nominatedTo);
    if (slave !== undefined) put(vacating(slave, [], instance));
  }

  const recalls: Recalled[] = [];
  const wanted = round.wanted(at);
  const due: EpochMs[] = wanted.dueAt === null ? [] : [wanted.dueAt];
  for (const slave of wanted.slaves) {
    const { slave: after, victims, dueAt } = recall(slave, at, snapshot.rules);
    if (dueAt !== null) due.push(dueAt);
    put(after);
    const booking = after.held[0];
    if (booking === undefined || victims.length === 0) continue;
    recalls.push({
      slaveId: slave.view.id,
      booking,
      victims: victims.map(({ instance, saveMs }) => ({ instance, saveMs, sentence: recalledSentence(instance, booking, at, snapshot.rules) })),
      sentence: recallSentence(booking, slave.view.name, victims, at, snapshot.rules),
    });
  }

  const decisions: Decision[] = [];
  let queued = 0;
  let headsTried = 0;
  for (const instance of queue) {
    const isTried = head === undefined && headsTried < mostHeadsTried;
    const decision = decide(round, snapshot, instance, policies, at, { place: queued + 1, head, mayLead: isTried });
    decisions.push(decision);
    const nominee = instance.nominatedTo === null ? undefined : round.get(instance.nominatedTo);
    if (nominee !== undefined) put(unnominated(nominee, instance.id));
    const waitsOn = decision.kind === 'queue' && decision.nominatedTo !== null ? round.get(decision.nominatedTo) : undefined;
    if (waitsOn !== undefined) put(vacating(waitsOn, [], instance));
    if (decision.kind === 'preempt' || (decision.kind === 'queue' && !waitsInVain(decision))) queued++;
    const couldLead = decision.kind === 'queue' && decision.nominatedTo === null && !waitsInVain(decision);
    if (couldLead && isTried) {
      headsTried++;
      head = headOf(instance, decision.considered.roomLater, round.all(), at, snapshot.rules) ?? undefined;
    }
    if (decision.kind === 'queue' || decision.kind === 'refuse') continue;
    const slave = round.get(decision.slaveId);
    if (slave === undefined) continue;
    if (decision.kind === 'place') round.placedOn(decision.slaveId);
    put(decision.kind === 'preempt' ? vacating(slave, decision.victims.map((victim) => victim.instance), instance) : promised(slave, instance, at));
  }
  return { recalls, decisions, dueAt: due.length === 0 ? null : due.reduce((a, b) => Math.min(a, b)) };
}

/** It waits for a slave that is large and fast enough: nobody behind it waits for it. */
export const waitsInVain = (decision: Decision): boolean => decision.kind === 'queue' && (decision.reason.code === 'NoSlaveFits' || decision.reason.code === 'TooSlow');

/** Where one stands in the queue: its place, and who before it waits for room. */
interface Standing {
  readonly place: number;
  readonly head: Head | undefined;
  /** Nobody before it is the head. */
  readonly mayLead: boolean;
}

function decide(round: Round, snapshot: Snapshot, instance: WaitingInstance, { ordering, placement }: Policies, at: EpochMs, { place, head, mayLead }: Standing): Decision {
  const { rules } = snapshot;
  const question: Question = { instance, pool: round.poolTotals(instance), at, rules, ordering, head };
  const answers = round.ask(question);
  const able = first(answers.able(), scoredCandidates);
  const [chosen] = able;

  const imageFault = brokenImage(instance.attempts);
  if (chosen !== undefined) {
    const world = round.seen();
    const top = able.map((slave) => ({ slaveId: slave.view.id, score: placement.score(asSeen(slave), instance, world) }));
    const considered: Considered = { asked: answers.answered, refused: answers.counts(), top, roomLater: [] };
    if (imageFault !== null) return { kind: 'refuse', instance, reason: imageFault, considered };
    const { id: slaveId } = chosen.view;
    return instance.boundTo === null
      ? { kind: 'place', instance, slaveId, sentence: placedSentence(instance, chosen, round.taking, placement.name, question), considered }
      : { kind: 'resume', instance, slaveId, sentence: resumedSentence(instance, chosen, question), considered };
  }

  const given = answers.given();
  const considered: Considered = { asked: answers.answered, refused: given.map(({ refusal: { code, sentence }, count }) => ({ code, sentence, count })), top: [], roomLater: [] };
  if (imageFault !== null) return { kind: 'refuse', instance, reason: imageFault, considered };
  const waitsOn = instance.nominatedTo ?? instance.booking?.slaveId;
  const nominee = waitsOn === undefined || (instance.boundTo ?? waitsOn) !== waitsOn ? undefined : round.get(waitsOn);
  if (nominee !== undefined && answerOf(nominee, question)?.room === true && roomIsComing(nominee, question)) {
    return { kind: 'queue', instance, place, reason: makingRoomReason(instance, nominee), nominatedTo: nominee.view.id, considered };
  }

  // What was not chosen for it says nothing of why it waits.
  const refusals = given.map(({ refusal }) => refusal).filter(({ code }) => code !== 'NotChosen');
  const failed = instance.attempts.filter(({ sentence }) => sentence !== null);
  if (failed.length > 0 && !refusals.some((refused) => refused.passing)) {
    return { kind: 'refuse', instance, reason: { code: foremostCode(failed), sentence: exhaustedSentence(instance, failed) }, considered };
  }

  // Where there is room and others of its deployment only have to run first, nobody is sent away elsewhere meanwhile.
  const canSendAway = instance.type === 'AR' || ordering.outranks(instance.priority.pi, round.weakestPi());
  const preemption = !canSendAway || refusals.some(({ code }) => code === 'PreparingOthers') ? null : preempt(answers.lackRoom(), question);
  if (preemption !== null) {
    const name = round.get(preemption.slaveId)?.view.name ?? 'its host';
    const victims = preemption.victims.map((victim) => ({ ...victim, sentence: preemptedSentence(victim.instance, instance, at, rules) }));
    return { kind: 'preempt', instance, slaveId: preemption.slaveId, victims, reason: makingRoomFor(instance, name, victims), considered };
  }
  const eligible = instance.deployment?.slaveIds == null ? round.all() : round.all().filter(({ view }) => mayRunOn(instance.deployment, view.id));
  return { kind: 'queue', instance, place, reason: waitingReason(eligible, instance, refusals, place, question), nominatedTo: null, considered: { ...considered, roomLater: mayLead ? answers.forRoomLater() : [] } };
}

function first<T>(items: Iterable<T>, most: number): readonly T[] {
  const found: T[] = [];
  for (const item of items) if (found.push(item) === most) break;
  return found;
}

/** Why a slave cannot take it now: of what is reserved, also that it has its slot elsewhere, even when others could give way. */
function answerOf(slave: SlaveNow, question: Question): Refusal | null {
  const refused = refusal(slave, question);
  return refused === null || refused.room ? (notItsSlot(slave, question.instance, question.at) ?? refused) : refused;
}

/** What is reserved runs in its slot; on another slave only when that one cannot have it, and only where the calendar leaves room until its end. */
function notItsSlot({ view }: SlaveNow, { id, type, booking, need, boundTo }: WaitingInstance, at: EpochMs): Refusal | null {
  if (type === 'BE' || booking === null || view.id === booking.slaveId || boundTo !== null) return null;
  const own = new Set(view.bookings.filter(({ instanceId }) => instanceId === id).map(({ reservationId }) => reservationId));
  if (at < booking.end && slaveTimeline(view, at, own).fits({ start: at, end: booking.end }, need)) return null;
  return { code: 'KeptForReservation', sentence: `${view.name} has no room for it until its reservation ends beside what else is reserved there.`, passing: true, room: false };
}

function brokenImage(attempts: readonly Attempt[]): Reason | null {
  const faults = attempts.filter(({ code }) => imageFaults.includes(code));
  const last = faults.at(-1);
  if (faults.length < imageAttempts || last === undefined) return null;
  const tried = faults.map(({ slaveName, sentence }) => `${slaveName}: ${sentence ?? ''}`).join('; ');
  return { code: last.code ?? 'ImageCorrupt', sentence: fit(`Its image could not be used on two hosts. Tried ${tried}`) };
}

function foremostCode(attempts: readonly Attempt[]): ReasonCode {
  return foremostReason(attempts.map(({ code }) => ({ code: code ?? 'LaunchFailed' })))?.code ?? 'LaunchFailed';
}
