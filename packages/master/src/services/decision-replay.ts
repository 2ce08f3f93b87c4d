import type { DecisionReplay } from '@paravcl/shared/api/replay';
import type { Decision } from '@paravcl/shared/domain/decision';
import { namesOfRound } from '../core/explain-replay';
import type { Policies } from '../core/plan';
import { replayRound, type RoundInputs, type TriedPolicy } from '../core/replay';
import { replayReservation, type ReservationInputs } from '../core/replay-reservation';
import { fit } from '../core/say';
import { withoutPolicy } from './replay-faults';
import { mostItems, notReproducedView, otherwiseView } from './replay-view';

/** A decision about a reservation, admitted or booked over again. */
export function reservationReplay(decision: Decision, inputs: ReservationInputs, tried: TriedPolicy): DecisionReplay {
  const reproduced = replayReservation(inputs, [decision])[0] === true;
  const first = reproduced ? 'From the same inputs the same comes out again.' : 'From the same inputs something else comes out now: another version of ParaVCL decided then.';
  return { at: iso(inputs.at), policy: { recorded: decision.policy, tried: tried.name }, reproduced, same: true, sentence: `${first} Reservations are admitted without ordering or placement, so that no other policy changes anything.`, items: [] };
}

/** A decision about an instance, or room called back for a reservation, made again with its whole round. `decided`: what was recorded of that. */
export function instanceReplay(decision: Decision, inputs: RoundInputs, decided: readonly Decision[], { recorded, tried }: { readonly recorded: Policies | null; readonly tried: TriedPolicy }): DecisionReplay {
  const policy = { recorded: decision.policy, tried: tried.name };
  const names = namesOfRound(inputs);
  const replayed = replayRound(inputs, decided, recorded, tried);
  const cause = causeOf(decision, decided);
  const own = replayed.find(({ decisionId }) => decisionId === cause.id);
  const changed = replayed.filter((one) => one !== own && !one.same);
  const items = [...(own === undefined ? [] : [own]), ...changed].slice(0, mostItems).map((one) => otherwiseView(one, inputs.at, names, policy));
  const reproduced = recorded !== null && own?.reproduced === true;
  const sentences = [
    recorded === null ? withoutPolicy(decision.policy) : own === undefined || reproduced ? 'From the same inputs the same comes out again.' : notReproducedView(own, inputs.at, names).sentence,
    own?.same === false ? (items[0]?.sentence ?? '') : `${policy.tried} changes nothing for it.`,
    ...(changed.length === 0 ? [] : [`Of the others in its round ${String(changed.length)} would be decided otherwise.`]),
  ];
  return { at: iso(inputs.at), policy, reproduced, same: own?.same !== false, sentence: fit(sentences.join(' ')), items };
}

/** What one that had to go was told follows from the decision about who gets its room. */
function causeOf(decision: Decision, decided: readonly Decision[]): Decision {
  if (decision.kind !== 'preempt' || decision.chosen !== undefined) return decision;
  return decided.find(({ chosen, victims = [] }) => chosen !== undefined && victims.some(({ instanceId }) => instanceId === decision.subject.id)) ?? decision;
}

const iso = (at: number): string => new Date(at).toISOString();
