import type { Instance } from '@paravcl/shared/domain/instance';
import type { Ask } from './history';
import type { SeededRandom } from './seeded-random';
import { stageOf, type Stage } from './stages';

/** What a client does next. */
export interface Choice {
  readonly ask: Ask;
  /** Null for a launch. */
  readonly instanceId: string | null;
  readonly force: boolean;
  /** It makes no sense in the present state, and must be refused. */
  readonly mustBeRefused: boolean;
}

export interface Share {
  /** Instances one client keeps, and how many of them run. */
  readonly alive: number;
  readonly running: number;
}

const rivalShare = 0.12;

/** An id in the right form that no instance has. */
const nobody = '00000000-0000-7000-8000-000000000000';

/**
 * What a client does with its own instances, so that all verbs happen and the machine is not drowned. A stage that is
 * wished for (the next fault wants to meet it) is brought about, or the step before it. Null: nothing now.
 *
 * @param mine the client's instances as the API shows them, without deleted ones
 */
export function chooseAsk(random: SeededRandom, mine: readonly Instance[], share: Share, wished: Stage | null): Choice | null {
  const resting = mine.filter((instance) => stageOf(instance) === null);
  const moving = mine.filter((instance) => stageOf(instance) !== null);
  const at = (state: Instance['observed']): readonly Instance[] => resting.filter(({ observed }) => observed === state);
  const running = mine.filter(({ desired, observed }) => desired === 'running' || observed === 'suspending' || observed === 'stopping').length;
  const room = running < share.running;
  const choice = (ask: Choice['ask'], of: readonly Instance[], force = false): Choice[] => (of.length === 0 ? [] : [{ ask, instanceId: random.pick(of).id, force, mustBeRefused: false }]);
  const launch: Choice[] = room && mine.length < share.alive ? [{ ask: 'launch', instanceId: null, force: false, mustBeRefused: false }] : [];

  // What can neither run nor be saved again is in the way of everything else.
  const broken = [...at('failed'), ...at('lost')];
  if (broken.length > 0) return random.pick([...choice('delete', broken), ...(room ? choice('start', broken) : [])]);

  if (wished !== null && random.chance(0.8)) {
    const [towards] = leadingTo[wished]({ choice, launch, at, room, on: room ? choice('start', at('stopped')) : [] });
    if (towards !== undefined) return towards;
    // What is on its way makes it possible; stopped and deleted on a slow machine it would never arrive.
    if (moving.length > 0) return null;
  }
  if (random.chance(0.03)) return nonsense(random, at);
  if (moving.length > 0 && random.chance(0.15)) {
    // Another wish before the first one's end: deletion is accepted in every state, a stop in most.
    return random.pick([...choice('delete', moving), ...choice('stop', moving, true), ...choice('stop', moving)]);
  }
  const possible = [
    ...launch,
    ...launch,
    ...choice('suspend', at('running')),
    ...choice('stop', at('running'), random.chance(0.3)),
    ...(room ? [...choice('resume', at('suspended')), ...choice('start', at('stopped')), ...choice('start', at('suspended'))] : []),
    ...(mine.length >= share.alive || random.chance(0.3) ? choice('delete', resting) : []),
  ];
  return possible.length === 0 ? null : random.pick(possible);
}

/** Now and then somebody else wants something else of the same instance in the same moment; null: mostly nobody does. */
export function rivalOf(random: SeededRandom, { ask, instanceId, mustBeRefused }: Choice): Choice | null {
  if (instanceId === null || mustBeRefused || !random.chance(rivalShare)) return null;
  const others = (['start', 'resume', 'suspend', 'stop', 'delete'] as const).filter((other) => other !== ask);
  return { ask: random.pick(others), instanceId, force: random.chance(0.5), mustBeRefused: false };
}

interface Means {
  readonly choice: (ask: Choice['ask'], of: readonly Instance[], force?: boolean) => Choice[];
  readonly launch: readonly Choice[];
  readonly at: (state: Instance['observed']) => readonly Instance[];
  readonly room: boolean;
  /** Switches on one that is off, when there is room: whoever has only such ones can do nothing else with them. */
  readonly on: readonly Choice[];
}

/** What brings a stage about, else what makes it possible; the first that can be done is done. */
const leadingTo: Readonly<Record<Stage, (means: Means) => readonly Choice[]>> = {
  preparing: ({ choice, launch, at, on }) => [...launch, ...on, ...choice('delete', at('stopped')), ...choice('delete', at('suspended')), ...choice('delete', at('running'))],
  booting: (means) => leadingTo.preparing(means),
  suspending: ({ choice, launch, at, room, on }) => [...choice('suspend', at('running')), ...(room ? choice('resume', at('suspended')) : []), ...on, ...launch],
  resuming: ({ choice, launch, at, room, on }) => [...(room ? choice('resume', at('suspended')) : []), ...choice('suspend', at('running')), ...on, ...launch],
  stopping: ({ choice, launch, at, room, on }) => [...choice('stop', at('running')), ...(room ? choice('resume', at('suspended')) : []), ...on, ...launch],
  deleting: ({ choice, launch, at }) => [...choice('delete', at('stopped')), ...choice('delete', at('suspended')), ...choice('delete', at('running')), ...launch],
};

/** Calls that must be refused: of what does not exist, and of what cannot be from where it is. */
function nonsense(random: SeededRandom, at: Means['at']): Choice {
  const refused = (ask: Choice['ask'], instanceId: string): Choice => ({ ask, instanceId, force: false, mustBeRefused: true });
  return random.pick([
    refused(random.pick(['start', 'resume', 'suspend', 'stop', 'delete'] as const), nobody),
    ...at('stopped').flatMap(({ id }) => [refused('resume', id), refused('suspend', id)]),
  ]);
}
