import type { Tile } from './class-tile';

/** What can be told to machines of a class, one or all, in the order of the action bar. */
export const verbs = ['start', 'resume', 'suspend', 'stop', 'snapshot', 'reset', 'delete'] as const;
export type Verb = (typeof verbs)[number];

/** Those before which a question is asked: something is lost, or something has to be said first. */
export const askedFirst: ReadonlySet<Verb> = new Set<Verb>(['stop', 'snapshot', 'reset', 'delete']);

/** The likely next step of these machines, which is the primary button; null when nothing suggests itself. */
export function nextVerb(tiles: readonly Tile[]): 'start' | 'resume' | 'suspend' | null {
  const count = (...states: readonly Tile['state'][]): number => tiles.filter(({ isMade, state }) => isMade && states.includes(state)).length;
  const candidates = [
    { verb: 'suspend', machines: count('running') },
    { verb: 'resume', machines: count('suspended') },
    { verb: 'start', machines: count('stopped', 'failed') },
  ] as const;
  const best = candidates.reduce((most, next) => (next.machines > most.machines ? next : most));
  return best.machines === 0 ? null : best.verb;
}

/** Those of them to which something can be told. */
export const told = (tiles: readonly Tile[]): readonly Tile[] => tiles.filter(({ isMade }) => isMade);

/** What a verb is for. */
export interface VerbTarget {
  readonly tiles: readonly Tile[];
  /** All machines of the deployment, by its own routes. */
  readonly isWhole: boolean;
}

/** Those that are chosen; with none chosen those that are shown, which is the whole class where no filter hides some of it. Never what nobody sees. */
export function targetOf(all: readonly Tile[], shown: readonly Tile[], chosen: readonly Tile[]): VerbTarget {
  if (chosen.length > 0) return { tiles: told(chosen), isWhole: false };
  return { tiles: told(shown), isWhole: shown.length === all.length };
}
