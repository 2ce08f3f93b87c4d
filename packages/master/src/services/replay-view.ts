import type { EpochMs } from '@paravcl/shared/clock';
import type { ReplayedItem } from '@paravcl/shared/api/replay';
import { notReproducedSentence, otherwiseSentence, subjectName, type RoundNames } from '../core/explain-replay';
import type { Answer, Replayed } from '../core/replay';
import { fit } from '../core/say';

/** So many of what differs are told whole; the rest is counted. */
export const mostItems = 100;

/** Names of the policies on both sides. */
export interface PolicySides {
  readonly recorded: string;
  readonly tried: string;
}

/** What one subject's decision is under the policies of the run, and what it would be. */
export function otherwiseView({ subject, decisionId, decided, again, would, same }: Replayed, at: EpochMs, names: RoundNames, { recorded, tried }: PolicySides): ReplayedItem {
  const before = again ?? decided;
  const name = subjectName(subject, names);
  const sentence = otherwiseSentence(name, { answer: before, policy: recorded }, { answer: would, policy: tried }, names);
  return { at: new Date(at).toISOString(), decisionId, subject, name, before: answerView(before, names), after: answerView(would, names), same, sentence: fit(sentence) };
}

/** What was recorded of one subject, and what the same inputs come to now. */
export function notReproducedView({ subject, decisionId, decided, again }: Replayed, at: EpochMs, names: RoundNames): ReplayedItem {
  const name = subjectName(subject, names);
  return { at: new Date(at).toISOString(), decisionId, subject, name, before: answerView(decided, names), after: answerView(again, names), same: false, sentence: fit(notReproducedSentence(name, decided, again, names)) };
}

function answerView(answer: Answer | null, names: RoundNames): ReplayedItem['before'] {
  if (answer === null) return null;
  const { kind, slaveId, place, victimIds, sentence } = answer;
  return { kind, slaveId, slaveName: slaveId === null ? null : names.slave(slaveId), place, victims: victimIds.map((instanceId) => ({ instanceId, name: names.instance(instanceId) })), sentence };
}
