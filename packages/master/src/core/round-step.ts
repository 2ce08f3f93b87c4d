import { joinedSince, withGuest } from './joined-guests';
import type { RoundInputs } from './replay';
import { sameJson } from './same-json';
import type { Rules, RunningInstance, SlaveView, WaitingInstance } from './snapshot';

/** The inputs of a round, told by what is otherwise than in those kept before. All plain JSON. */
export interface RoundStep {
  readonly at: RoundInputs['at'];
  readonly policy: string;
  readonly lastPlacedOn: string | null;
  /** Absent: as before. */
  readonly rules?: Rules | undefined;
  /** Those that are new or otherwise, whole. */
  readonly slaves: readonly SlaveView[];
  /** Those that only guests have joined, first come first. */
  readonly joined: readonly { readonly slaveId: string; readonly guests: readonly RunningInstance[] }[];
  /** Those that are not there any more. */
  readonly gone: readonly string[];
  /** The ids of all in their order; absent: as before, and behind them the new ones as they are listed. */
  readonly order?: readonly string[] | undefined;
  readonly waiting: readonly WaitingInstance[];
}

/**
 * What leads from one round's world to the inputs of another. A slave that is the same value is passed over at once, so that
 * a step over a large pool costs what is new in it. Ids of slaves are unique.
 */
export function stepBetween({ slaves: before, rules: knownRules }: RoundInputs['snapshot'], { at, policy, snapshot, waiting }: RoundInputs): RoundStep {
  const { slaves: after, lastPlacedOn, rules } = snapshot;
  const inPlace = before.length === after.length && after.every((view, index) => view === before[index] || view.id === before[index]?.id);
  const known = inPlace ? null : new Map(before.map((view) => [view.id, view]));
  const slaves: SlaveView[] = [];
  const joined: { readonly slaveId: string; readonly guests: readonly RunningInstance[] }[] = [];
  for (let index = 0; index < after.length; index += 1) {
    const view = after[index] as SlaveView;
    const was = known === null ? before[index] : known.get(view.id);
    if (was === view) continue;
    const guests = was === undefined ? null : joinedSince(was, view);
    if (guests !== null) joined.push({ slaveId: view.id, guests });
    else if (!sameJson(was, view)) slaves.push(view);
  }
  const step = { at, policy, lastPlacedOn, waiting, slaves, joined, ...(sameJson(knownRules, rules) ? {} : { rules }) };
  if (known === null) return { ...step, gone: [] };
  const ids = after.map(({ id }) => id);
  const there = new Set(ids);
  const gone = before.map(({ id }) => id).filter((id) => !there.has(id));
  const expected = [...before.map(({ id }) => id).filter((id) => there.has(id)), ...ids.filter((id) => !known.has(id))];
  return { ...step, gone, ...(sameJson(expected, ids) ? {} : { order: ids }) };
}

/** The inputs that a step tells, from those before it. */
export function afterStep({ snapshot: { slaves: before, rules } }: Pick<RoundInputs, 'snapshot'>, step: RoundStep): RoundInputs {
  const told = new Map(step.slaves.map((view) => [view.id, view]));
  const joined = new Map(step.joined.map(({ slaveId, guests }) => [slaveId, guests]));
  const gone = new Set(step.gone);
  const stayed = before.filter(({ id }) => !gone.has(id)).map((view) => told.get(view.id) ?? (joined.get(view.id) ?? []).reduce(withGuest, view));
  const known = new Set(before.map(({ id }) => id));
  const slaves = [...stayed, ...step.slaves.filter(({ id }) => !known.has(id))];
  return {
    at: step.at,
    snapshot: { slaves: step.order === undefined ? slaves : inOrder(slaves, step.order), rules: step.rules ?? rules, lastPlacedOn: step.lastPlacedOn },
    waiting: step.waiting,
    policy: step.policy,
  };
}

function inOrder(slaves: readonly SlaveView[], order: readonly string[]): readonly SlaveView[] {
  const byId = new Map(slaves.map((view) => [view.id, view]));
  return order.flatMap((id) => byId.get(id) ?? []);
}
