import type { EpochMs } from '@paravcl/shared/clock';
import type { Decision as StoredDecision } from '@paravcl/shared/domain/decision';
import { plan, type Decision, type Plan, type Policies } from './plan';
import type { Rules, Snapshot, WaitingInstance } from './snapshot';

/** What one round of the scheduler was made of, as it is kept. */
export interface RoundInputs {
  readonly at: EpochMs;
  readonly snapshot: Snapshot;
  readonly waiting: readonly WaitingInstance[];
  /** Ordering and placement it was decided under: "para/para". */
  readonly policy: string;
}

/** Another policy: its parts, and what the site would decide otherwise. */
export interface TriedPolicy {
  /** "fifo/para", with the rules that differ. */
  readonly name: string;
  readonly policies: Policies;
  readonly rules: Partial<Rules>;
}

/** What was decided about one who waits, or about a reservation for which lent room is called back on one slave. */
export interface Answer {
  readonly subject: StoredDecision['subject'];
  readonly kind: StoredDecision['kind'];
  /** The slave that was chosen; null for one that waits or is given up. */
  readonly slaveId: string | null;
  /** 1 for the next to be served; null where it does not wait, or nobody kept it. */
  readonly place: number | null;
  /** Who gives way, in the order of ids. */
  readonly victimIds: readonly string[];
  readonly sentence: string;
}

/** One subject of a round, decided again. */
export interface Replayed {
  readonly subject: StoredDecision['subject'];
  /** Of what was recorded. */
  readonly decisionId: string | null;
  /** What was recorded; null where the round said of it what had been said before. */
  readonly decided: Answer | null;
  /** What the same inputs give now, under the policy they were decided under; null where that policy is not to be had. */
  readonly again: Answer | null;
  /** What they give under the policy that is tried. */
  readonly would: Answer | null;
  /** The record is what the same inputs give now. As `plan` looks at nothing else, only its own code can make a difference. */
  readonly reproduced: boolean;
  /** The policy that is tried would change nothing for it. */
  readonly same: boolean;
}

/**
 * A stored round decided again by `plan` itself: under the policies it was decided under (`recorded`; null when they are not
 * to be had) and under others (`tried`). `decided` is what was recorded of it.
 */
export function replayRound(inputs: RoundInputs, decided: readonly StoredDecision[], recorded: Policies | null, tried: TriedPolicy): readonly Replayed[] {
  const { snapshot, waiting, at } = inputs;
  const run = (policies: Policies, rules: Partial<Rules>): ReadonlyMap<string, Answer> => byKey(answersOf(plan({ ...snapshot, rules: { ...snapshot.rules, ...rules } }, waiting, policies, at)));
  const again = recorded === null ? null : run(recorded, {});
  const would = again !== null && recorded !== null && isSame(recorded, tried) ? again : run(tried.policies, tried.rules);
  const records = decided.flatMap((decision) => {
    const answer = keptAnswer(decision);
    return answer === null ? [] : [{ answer, id: decision.id }];
  });
  const kept = byKey(records.map(({ answer }) => answer));
  const ids = new Map(records.map(({ answer, id }) => [keyOf(answer), id]));
  return [...new Set([...kept.keys(), ...(again ?? would).keys(), ...would.keys()])].flatMap((key) => {
    const one = { decided: kept.get(key) ?? null, again: again?.get(key) ?? null, would: would.get(key) ?? null };
    const { subject } = one.decided ?? one.again ?? one.would ?? {};
    if (subject === undefined) return [];
    const reproduced = again === null || one.decided === null || (one.again !== null && sameAnswer(one.decided, one.again));
    // Both sides by the code of now, so that what differs is the policy's doing.
    const before = again === null ? one.decided : one.again;
    const same = before === null ? again === null || one.would === null : one.would !== null && sameAnswer(before, one.would);
    return [{ subject, decisionId: ids.get(key) ?? null, ...one, reproduced, same }];
  });
}

/** Everything a plan says, in its order. */
export function answersOf({ recalls, decisions }: Plan): readonly Answer[] {
  return [
    ...recalls.map(({ slaveId, booking, victims, sentence }): Answer => ({ subject: { type: 'reservation', id: booking.reservationId }, kind: 'preempt', slaveId, place: null, victimIds: sortedIds(victims), sentence })),
    ...decisions.map(answerOf),
  ];
}

function answerOf(decision: Decision): Answer {
  return {
    subject: { type: 'instance', id: decision.instance.id },
    kind: decision.kind,
    slaveId: 'slaveId' in decision ? decision.slaveId : null,
    place: decision.kind === 'queue' ? decision.place : null,
    victimIds: decision.kind === 'preempt' ? sortedIds(decision.victims) : [],
    sentence: 'sentence' in decision ? decision.sentence : decision.reason.sentence,
  };
}

/** What was recorded about who waits; null for the record of one who had to go, which follows from the other's. */
function keptAnswer({ subject, kind, chosen, victims = [], sentence }: StoredDecision): Answer | null {
  if (kind === 'preempt' && chosen === undefined) return null;
  return { subject, kind, slaveId: chosen?.slaveId ?? null, place: null, victimIds: victims.map(({ instanceId }) => instanceId).sort(), sentence };
}

/** Equal in what happens; a place that one of them does not know makes no difference, nor does another wording. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  return a.kind === b.kind && a.slaveId === b.slaveId && (a.place === b.place || a.place === null || b.place === null) && a.victimIds.join() === b.victimIds.join();
}

const isSame = (recorded: Policies, { policies, rules }: TriedPolicy): boolean => recorded.ordering === policies.ordering && recorded.placement === policies.placement && Object.keys(rules).length === 0;

const sortedIds = (victims: readonly { readonly instance: { readonly id: string } }[]): readonly string[] => victims.map(({ instance }) => instance.id).sort();

/** A reservation may have room called back on several slaves, each a decision of its own. */
const keyOf = ({ subject: { type, id }, slaveId }: Answer): string => (type === 'instance' ? id : `${id}@${slaveId ?? ''}`);

const byKey = (answers: readonly Answer[]): ReadonlyMap<string, Answer> => new Map(answers.map((answer) => [keyOf(answer), answer]));
