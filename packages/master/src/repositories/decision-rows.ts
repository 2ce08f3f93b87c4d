import type { Decision } from '@paravcl/shared/domain/decision';
import { parseJson } from '@paravcl/shared/parse-json';

/** A decision, and whose subject it is about: they and the teachers of the group may see it. */
export type DecisionRecord = Decision & { readonly userId: string; readonly groupId: string | null };

export interface DecisionRow {
  readonly id: string;
  readonly at: Date;
  readonly kind: Decision['kind'];
  readonly subject_type: Decision['subject']['type'];
  readonly subject_id: string;
  readonly user_id: string;
  readonly group_id: string | null;
  readonly sentence: string;
  /** JSON: of the decision what is in no column. Earlier versions wrote all of it there, and candidates at full length. */
  readonly body: string;
  readonly inputs_hash: string;
}

/** What a decision is read from. */
export const decisionColumns = ['id', 'at', 'kind', 'subject_type', 'subject_id', 'sentence', 'body', 'inputs_hash'] as const satisfies readonly (keyof DecisionRow)[];

const sentenceChars = 1000;

type Candidates = Decision['candidates'];

/** Candidates with what their scores are made of named once, as mostly all are scored alike: a decision is a third shorter for it. */
interface TabledCandidates extends Pick<Candidates, 'considered' | 'reasons'> {
  readonly parts: readonly string[];
  readonly rows: readonly (readonly [slaveId: string, score: number, ...parts: number[]])[];
}

function tabled(candidates: Candidates): Candidates | TabledCandidates {
  const { considered, reasons, top } = candidates;
  const parts = Object.keys(top[0]?.parts ?? {});
  const rows: [string, number, ...number[]][] = [];
  for (const { slaveId, score, parts: own } of top) {
    if (Object.keys(own).length !== parts.length || !parts.every((part) => Object.hasOwn(own, part))) return candidates;
    rows.push([slaveId, score, ...parts.map((part) => own[part] as number)]);
  }
  return { considered, reasons, parts, rows };
}

function untabled(candidates: Candidates | TabledCandidates): Candidates {
  if (!('rows' in candidates)) return candidates;
  const { considered, reasons, parts, rows } = candidates;
  return { considered, reasons, top: rows.map(([slaveId, score, ...values]) => ({ slaveId, score, parts: Object.fromEntries(values.map((value, at) => [parts[at], value])) })) };
}

export function decisionToRow(decision: DecisionRecord): DecisionRow {
  const { sentence, priority, chosen, candidates, victims, offers, policy } = decision;
  return {
    id: decision.id,
    at: new Date(decision.at),
    kind: decision.kind,
    subject_type: decision.subject.type,
    subject_id: decision.subject.id,
    user_id: decision.userId,
    group_id: decision.groupId,
    sentence: sentence.slice(0, sentenceChars),
    body: JSON.stringify({ sentence: sentence.length > sentenceChars ? sentence : undefined, priority, chosen, candidates: tabled(candidates), victims, offers, policy }),
    inputs_hash: decision.inputsHash,
  };
}

/** As it was written, also by a version whose reasons are not all ours: what was decided is not up for judgement any more. */
export function decisionFromRow({ id, at, kind, subject_type, subject_id, sentence, body, inputs_hash }: Pick<DecisionRow, (typeof decisionColumns)[number]>): Decision {
  const { candidates, ...rest } = parseJson(body) as Partial<Omit<Decision, 'candidates'>> & { readonly candidates: Candidates | TabledCandidates };
  return { id, at: at.toISOString(), kind, subject: { type: subject_type, id: subject_id }, sentence, inputsHash: inputs_hash, ...rest, candidates: untabled(candidates) } as Decision;
}
