import type { Decision as StoredDecision } from '@paravcl/shared/domain/decision';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import type { Considered, Decision, Leaving, Policies, Recalled } from './plan';

/** What is stored of a decision, but for its id, its time and its inputs. */
export type DecisionBody = Pick<StoredDecision, 'kind' | 'subject' | 'sentence' | 'priority' | 'chosen' | 'candidates' | 'victims' | 'policy'>;

export function policyName({ ordering, placement }: Policies): string {
  return `${ordering.name}/${placement.name}`;
}

/** A decision about one who waits, as people and replay read it (DEFINITIONS, "Shapes"). */
export function decisionOf(decision: Decision, policies: Policies): DecisionBody {
  const { instance, considered } = decision;
  return {
    kind: decision.kind,
    subject: { type: 'instance', id: instance.id },
    sentence: 'sentence' in decision ? decision.sentence : decision.reason.sentence,
    priority: instance.priority,
    ...('slaveId' in decision ? { chosen: { slaveId: decision.slaveId } } : {}),
    candidates: candidatesOf(considered),
    ...(decision.kind === 'preempt' ? { victims: decision.victims.map(victimOf) } : {}),
    policy: policyName(policies),
  };
}

/** What one who has to go is told, with the priority of whoever gets the room, if it is somebody's. */
export function decisionOfLeaving(leaving: Leaving, why: Decision | null, policies: Policies): DecisionBody {
  return {
    kind: 'preempt',
    subject: { type: 'instance', id: leaving.instance.id },
    sentence: leaving.sentence,
    priority: why?.instance.priority ?? null,
    candidates: why === null ? { considered: 0, reasons: [], top: [] } : candidatesOf(why.considered),
    victims: [victimOf(leaving)],
    policy: policyName(policies),
  };
}

/** Room called back for a reservation. */
export function decisionOfRecall(recalled: Recalled, policies: Policies): DecisionBody {
  return {
    kind: 'preempt',
    subject: { type: 'reservation', id: recalled.booking.reservationId },
    sentence: recalled.sentence,
    priority: null,
    chosen: { slaveId: recalled.slaveId },
    candidates: { considered: 1, reasons: [], top: [] },
    victims: recalled.victims.map(victimOf),
    policy: policyName(policies),
  };
}

const victimOf = ({ instance, saveMs }: Leaving) => ({ instanceId: instance.id, pi: instance.pi, saveSeconds: Math.round(saveMs / 100) / 10 });

function candidatesOf({ asked, refused, top }: Considered): DecisionBody['candidates'] {
  const counts = new Map<ReasonCode, number>();
  for (const { code, count } of refused) counts.set(code, (counts.get(code) ?? 0) + count);
  return {
    considered: asked,
    reasons: [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    top: top.map(({ slaveId, score: { score, parts } }) => ({ slaveId, score, parts: { ...parts } })).sort((a, b) => a.score - b.score || (a.slaveId < b.slaveId ? -1 : 1)),
  };
}
