import { stages, type Stage } from './stages';
import type { SeededRandom } from './seeded-random';

/**
 * What can be done to the site.
 *   kill-*          SIGKILL, started again after a second, as systemd would (mariadbd: by the master)
 *   stop-*          SIGSTOP for some seconds: there, and deaf
 *   kill-master-unanswered  the master is killed when it did what a client asked for and the answer is on its way
 *   torn-journal    the agent is killed and the last record of its journal is only half there
 *   cut-link        the connection is reset and refused for some seconds
 *   half-open-link  nothing arrives in either direction, and neither side is told
 *   stall-link      nothing passes, the connection stays
 *   cut-mid-frame   a frame is cut in the middle, then the connection is reset
 *   slow-link       every byte is late
 *   lose-answers    what clients asked for is done, and its answer never reaches them
 *   stale-master    the agent meets a master of long ago: older deletions, older confirmations, repeated orders
 */
export const faultKinds = [
  'kill-master',
  'kill-master-unanswered',
  'stop-master',
  'kill-agent',
  'stop-agent',
  'kill-libvirtd',
  'stop-libvirtd',
  'kill-mariadbd',
  'stop-mariadbd',
  'torn-journal',
  'cut-link',
  'half-open-link',
  'stall-link',
  'cut-mid-frame',
  'slow-link',
  'lose-answers',
  'stale-master',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A fault to inject: aimed at an instance in a stage, or at no matter what at a random time. */
export interface Aim {
  readonly kind: FaultKind;
  readonly stage: Stage | null;
}

/** Kinds that are not about a stage, with the reason: they need not meet every one. */
export const withoutStage: Readonly<Partial<Record<FaultKind, string>>> = {
  'stale-master': 'it speaks to an agent of what is long over, and the present stage has no part in it',
  'kill-master-unanswered': 'it is aimed at a call, not at an instance',
  'lose-answers': 'it touches what clients hear, not what an instance does',
  'slow-link': 'it delays and loses nothing; it is there to spread the others',
};

/** Kinds that break something of one host: they meet a stage only on the host that has the instance. */
export const isOfHost = (kind: FaultKind): boolean => !(ofSite as readonly FaultKind[]).includes(kind);
const ofSite = ['kill-master', 'kill-master-unanswered', 'stop-master', 'kill-mariadbd', 'stop-mariadbd', 'lose-answers'] as const;

export type Cell = `${FaultKind} × ${Stage}`;
export const cellOf = (kind: FaultKind, stage: Stage): Cell => `${kind} × ${stage}`;

/** Every kind in every stage that a long run has to meet. */
export const requiredCells: readonly Cell[] = faultKinds.filter((kind) => withoutStage[kind] === undefined).flatMap((kind) => stages.map((stage) => cellOf(kind, stage)));

/** How much of the run is aimed; the rest comes at random times. */
const aimedShare = 0.8;

/** What was injected so far. */
export interface Tally {
  readonly met: ReadonlyMap<Cell, number>;
  readonly done: ReadonlyMap<FaultKind, number>;
}

/** A fault of no matter when, or null: hunt for a stage. What needs no stage is not forgotten. */
export function nextAtAnyTime(random: SeededRandom, { done }: Tally, kinds: readonly FaultKind[]): FaultKind | null {
  const never = kinds.filter((kind) => withoutStage[kind] !== undefined && !done.has(kind));
  if (never.length > 0 && random.chance(0.15)) return random.pick(never);
  return random.chance(aimedShare) ? null : random.pick(kinds);
}

/** The stages that were met least often by some kind: those to hunt for. */
export function leastMet(tally: Tally, kinds: readonly FaultKind[]): readonly Stage[] {
  const counts = stages.map((stage) => Math.min(...inStage(stage, tally, kinds).map(({ count }) => count)));
  const least = Math.min(...counts);
  return stages.filter((_, index) => counts[index] === least);
}

/** The kind to strike a stage with: the one that met it least often, at random among equals. */
export function kindFor(random: SeededRandom, stage: Stage, tally: Tally, kinds: readonly FaultKind[]): FaultKind {
  const counted = inStage(stage, tally, kinds);
  const least = Math.min(...counted.map(({ count }) => count));
  return random.pick(counted.filter(({ count }) => count === least)).kind;
}

function inStage(stage: Stage, { met }: Tally, kinds: readonly FaultKind[]): readonly { readonly kind: FaultKind; readonly count: number }[] {
  return kinds.filter((kind) => withoutStage[kind] === undefined).map((kind) => ({ kind, count: met.get(cellOf(kind, stage)) ?? 0 }));
}
