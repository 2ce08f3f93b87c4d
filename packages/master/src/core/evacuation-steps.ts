import type { Operation } from '@paravcl/shared/api/operations';
import { transitionalStates } from '@paravcl/shared/domain/instance-state';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import type { EvacuationPart, EvacuationRecord } from './evacuation-record';
import { hasNothingThere, settled, type InstanceRecord } from './instance-record';
import { fit } from './say';

/** What is to be done next for a slave that is being emptied, or no longer. Each is idempotent: done twice it comes to the same. */
export type EvacuationStep =
  /** What runs goes to another slave as it runs. */
  | { readonly kind: 'migrate'; readonly part: EvacuationPart; readonly toSlaveId: string }
  /** What runs is saved, and is to go on once it has left; `because`: why it did not move while it ran, when that was tried. */
  | { readonly kind: 'save'; readonly part: EvacuationPart; readonly because: string | null }
  /** What waits to go on here does so once it has left. */
  | { readonly kind: 'take-from-queue'; readonly part: EvacuationPart }
  /** Saved or off, it leaves for the store. */
  | { readonly kind: 'move'; readonly part: EvacuationPart }
  /** It is on this slave no more: what ran goes on elsewhere. */
  | { readonly kind: 'let-go'; readonly part: EvacuationPart }
  /** It did not leave before it was called off: what ran goes on here. */
  | { readonly kind: 'keep'; readonly part: EvacuationPart }
  | { readonly kind: 'end'; readonly state: 'done' | 'failed'; readonly sentence: string; readonly stays: readonly Staying[] }
  /** It was called off, and nothing of it is left to do. */
  | { readonly kind: 'close' };

export interface Staying {
  readonly part: EvacuationPart;
  /** With the way out. */
  readonly why: string;
}

export type EvacuatedInstance = Pick<InstanceRecord, 'name' | 'slaveId' | 'desired' | 'observed' | 'generation' | 'observedGeneration' | 'reason' | 'queuedAt' | 'booted' | 'diskEpoch' | 'observedDiskEpoch'>;

/** How one that runs could leave without being saved. */
export type LiveWay =
  /** It is on its way. */
  | { readonly kind: 'open'; readonly toSlaveName: string }
  /** A slave has room for it now, and guests are the same there. */
  | { readonly kind: 'ready'; readonly toSlaveId: string; readonly toSlaveName: string }
  /** `because`: it was tried for this evacuation and came to nothing; null: nothing can take it now. */
  | { readonly kind: 'none'; readonly because: string | null };

export interface EvacuationWorld {
  readonly slaveName: string;
  readonly connected: boolean;
  /** An administrator declared it dead, and it has not come back since. */
  readonly isDead: boolean;
  /** So many are saved or moved at a time: each takes of the slave's link and of the store. */
  readonly atOnce: number;
  /** Null when it is gone. */
  instance(id: string): EvacuatedInstance | null;
  /** How a move stands; null when it was not begun. */
  move(operationId: string): Pick<Operation, 'state' | 'sentence'> | null;
  /** Why no other slave goes on with RAM that this one saves; null when one does. */
  readonly ramFitsNowhere: string | null;
  live(instanceId: string): LiveWay;
  /** Names of those that come here as they run: the slave is not empty before it is known who has them. */
  readonly arriving: readonly string[];
  /** Home volumes of which it has the last word still, and which are on their way to the store: as long as they are, it is not empty. */
  readonly returningHomes: readonly { readonly userName: string; readonly instanceId: string | null; readonly sentence: string | null }[];
  /** Why this slave does not send the RAM of that one, with the way out; null when it does. Then what runs is not saved in vain. */
  ramStaysHere(instanceId: string): string | null;
}

/** Moves that are begun before one is given up: hosts and stores have their bad minutes. */
export const mostTries = 3;

/** How one instance stands. */
type Standing =
  | { readonly kind: 'left'; readonly step: EvacuationStep | null; readonly waits: boolean }
  /** It takes one of the places at a time. */
  | { readonly kind: 'works'; readonly doing: string; readonly step: EvacuationStep | null }
  /** Its next step takes one. */
  | { readonly kind: 'ready'; readonly step: EvacuationStep & { readonly part: EvacuationPart }; readonly doing: string }
  /** It comes to an end by itself, or its next step takes none. */
  | { readonly kind: 'waits'; readonly doing: string; readonly step: EvacuationStep | null }
  | { readonly kind: 'stays'; readonly why: string };

type Seen = Standing & { readonly part: EvacuationPart; readonly name: string };

export interface EvacuationOutlook {
  readonly steps: readonly EvacuationStep[];
  /** How it stands, for whoever follows it. */
  readonly sentence: string;
}

/**
 * What comes next, by the books alone:
 * 1. what left is let go, and what waits in the slave's queue is taken from it, at once;
 * 2. the free places go to what was saved for this, then to what was saved or off anyway, which disturbs nobody, then to what
 *    runs, each in the order of its coming; that moves as it runs where a slave can take it so, and is saved otherwise;
 * 3. it ends when all have left, or when each that has not cannot leave; what is only passing (a boot, a silent slave) is waited for.
 */
export function evacuationSteps({ slaveId }: Pick<EvacuationRecord, 'slaveId'>, parts: readonly EvacuationPart[], world: EvacuationWorld): EvacuationOutlook {
  const seen = parts.map((part): Seen => ({ ...standingOf(part, slaveId, world), part, name: world.instance(part.instanceId)?.name ?? part.instanceName }));
  const sentence = say(seen, world);
  const now = seen.flatMap((one) => (one.kind !== 'ready' && one.kind !== 'stays' && one.step !== null ? [one.step] : []));
  const places = Math.max(0, world.atOnce - seen.filter(({ kind }) => kind === 'works').length);
  const begun = seen
    .flatMap((one) => (one.kind === 'ready' ? [one.step] : []))
    .sort((a, b) => turn(a) - turn(b))
    .slice(0, places);
  if (now.length > 0 || seen.some(({ kind }) => kind === 'works' || kind === 'ready' || kind === 'waits')) return { steps: [...now, ...(world.connected ? begun : [])], sentence };
  const [arriving] = world.arriving;
  if (arriving !== undefined) return { steps: [], sentence: fit(`${sayLeft(seen, world.slaveName)}; ${arriving} is still on its way here.`) };
  const stays = seen.flatMap((one): readonly Staying[] => (one.kind === 'stays' ? [{ part: one.part, why: one.why }] : []));
  // What stays keeps its home as well, and is told instead.
  const homes = world.returningHomes.filter(({ instanceId }) => stays.every(({ part }) => part.instanceId !== instanceId));
  const [home] = homes;
  if (home !== undefined) return { steps: [], sentence: fit(`${sayLeft(seen, world.slaveName)}; the home volume of ${home.userName}${homes.length === 1 ? ' is' : `, and ${homes.length - 1} more, are`} still on the way to the store${home.sentence === null ? '.' : `: ${home.sentence}`}`) };
  const end = stays.length === 0 ? ({ kind: 'end', state: 'done', sentence: sayEmpty(seen, world), stays } as const) : ({ kind: 'end', state: 'failed', sentence: sayStaying(seen, world), stays } as const);
  return { steps: [end], sentence: end.sentence };
}

/** What is still owed to those that it was about, once it was called off: what moves goes on elsewhere, what was only saved goes on here. */
export function returningSteps({ slaveId }: Pick<EvacuationRecord, 'slaveId'>, parts: readonly EvacuationPart[], world: Pick<EvacuationWorld, 'instance' | 'move' | 'live'>): readonly EvacuationStep[] {
  const here = parts.filter(({ state }) => state === 'here');
  if (here.length === 0) return [{ kind: 'close' }];
  return here.flatMap((part): readonly EvacuationStep[] => {
    if (world.instance(part.instanceId)?.slaveId !== slaveId) return [{ kind: 'let-go', part }];
    return moveUnderWay(part, world) || world.live(part.instanceId).kind === 'open' ? [] : [{ kind: 'keep', part }];
  });
}

/** Whether what it was made to be is still what is desired of it: else somebody asked for something else. */
export function stillResumes({ resumes }: Pick<EvacuationPart, 'resumes'>, { desired }: Pick<EvacuatedInstance, 'desired'>): boolean {
  return resumes !== null && resumes === desired;
}

function standingOf(part: EvacuationPart, slaveId: string, world: EvacuationWorld): Standing {
  const instance = world.instance(part.instanceId);
  if (instance === null || instance.observed === 'deleted') return left(part, false);
  if (instance.slaveId !== slaveId) return left(part, instance.desired === 'running' && (instance.observed === 'requested' || instance.observed === 'queued'));
  if (part.state !== 'here') return left(part, false);
  const { name, desired, observed, reason } = instance;
  const trouble = lastingTrouble(instance);
  if (desired === 'deleted') return trouble === null ? waits(`${name} is being deleted`) : stays(`It cannot be deleted now: ${trouble}`);
  // Whatever is asked of it meanwhile is told to the slave that has it then.
  const live = world.live(part.instanceId);
  if (live.kind === 'open') return { kind: 'works', doing: `${name} moves to ${live.toSlaveName} while it runs`, step: null };
  // In the queue the slave would take it back: then its move comes to nothing.
  const dequeue = instance.queuedAt === null ? null : ({ kind: 'take-from-queue', part } as const);
  if (moveUnderWay(part, world)) return { kind: 'works', doing: `${name} moves to the store`, step: dequeue };
  if (observed === 'lost') {
    return reason?.code === 'DomainLost' ? stays(`${reason.sentence} Start it from what its disk holds, or delete it.`) : waits(`${name} is lost ${world.isDead ? 'with' : 'until'} ${world.slaveName}${world.isDead ? '' : ' answers'}`);
  }
  if (dequeue !== null) return { kind: 'waits', doing: `${name} is to go on elsewhere`, step: dequeue };
  if (observed === 'failed') return stays(`${reason?.sentence ?? 'It failed there.'} Start it or delete it.`);
  const answered = settled(instance);
  switch (desired) {
    case 'running':
      if (answered) return running(part, instance, world);
      return trouble === null ? waits(`${name} is ${observed}`) : stays(`It does not go on there: ${trouble} ${observed === 'suspended' ? 'Suspend it, and it moves as it is.' : 'Stop it, and its disk moves.'}`);
    case 'suspended':
      if (answered) return leaving(part, instance, world);
      if (trouble !== null) return stays(`It cannot be saved now: ${trouble}`);
      return part.resumes === null ? waits(`${name} is being saved`) : { kind: 'works', doing: `${name} is being saved`, step: null };
    case 'stopped':
      if (answered || hasNothingThere(instance)) return leaving(part, instance, world);
      return trouble === null ? waits(`${name} is shutting down`) : stays(`It cannot be stopped now: ${trouble}`);
  }
}

/** What the master itself says of one that is on its way; all else is what its slave could not do. */
const noTrouble: ReadonlySet<ReasonCode> = new Set(['SlaveDraining', 'LowerPriority', 'Recalled', 'TimeEnded', 'StoppedByGuest', 'StoppedByUser']);

/** Why its slave, which has answered, does not bring about what is desired: it tries on, but in a state that need not end. Null when it has no such reason. */
function lastingTrouble({ observed, reason, generation, observedGeneration }: EvacuatedInstance): string | null {
  const answers = observedGeneration === generation && transitionalStates[observed] === undefined;
  return answers && reason !== null && !noTrouble.has(reason.code) ? reason.sentence : null;
}

/** Of one that runs: it moves as it is where it can, and is saved only where that is not in vain. */
function running(part: EvacuationPart, { name }: EvacuatedInstance, world: EvacuationWorld): Standing {
  const { ramFitsNowhere } = world;
  const ramStaysHere = world.ramStaysHere(part.instanceId);
  if (ramStaysHere !== null) return stays(`It runs on. ${ramStaysHere}`);
  if (ramFitsNowhere !== null) return stays(`It runs on: its RAM would fit no other host: ${ramFitsNowhere}. Stop it, and its disk moves without the RAM; it starts cold elsewhere.`);
  const live = world.live(part.instanceId);
  const step = live.kind === 'ready' ? ({ kind: 'migrate', part, toSlaveId: live.toSlaveId } as const) : ({ kind: 'save', part, because: live.kind === 'none' ? live.because : null } as const);
  return { kind: 'ready', step, doing: `${name} runs` };
}

/** Of one that is saved or off. */
function leaving(part: EvacuationPart, { name, desired, generation }: EvacuatedInstance, world: EvacuationWorld): Standing {
  if (part.refusedAt === generation) return stays(part.sentence ?? 'It was refused to move.');
  if (part.tries >= mostTries && lastMove(part, world)?.state === 'failed') return stays(`Its move failed ${part.tries} times. ${lastMove(part, world)?.sentence ?? ''}`.trim());
  if (desired === 'suspended' && world.ramFitsNowhere !== null) {
    return stays(`Its RAM fits no other host: ${world.ramFitsNowhere}. It is saved here; once it is stopped, its disk moves without the RAM, and it starts cold elsewhere.`);
  }
  return { kind: 'ready', step: { kind: 'move', part }, doing: `${name} is ${desired === 'suspended' ? 'saved' : 'off'}` };
}

const left = (part: EvacuationPart, isWaiting: boolean): Standing => ({ kind: 'left', step: part.state === 'here' ? { kind: 'let-go', part } : null, waits: isWaiting });
const waits = (doing: string): Standing => ({ kind: 'waits', doing, step: null });
const stays = (why: string): Standing => ({ kind: 'stays', why });

function lastMove({ moveId }: EvacuationPart, world: Pick<EvacuationWorld, 'move'>): ReturnType<EvacuationWorld['move']> {
  return moveId === null ? null : world.move(moveId);
}

function moveUnderWay(part: EvacuationPart, world: Pick<EvacuationWorld, 'move'>): boolean {
  return lastMove(part, world)?.state === 'pending';
}

function turn({ kind, part: { resumes } }: EvacuationStep & { readonly part: EvacuationPart }): number {
  if (kind === 'save' || kind === 'migrate') return 2;
  return resumes === null ? 1 : 0;
}

/** Named one by one; the others are counted. */
const mostNamed = 4;

/** "3 of 7 have left lab-pc-07; i-ubuntu-9af is being saved, i-win-2 waits for room elsewhere." */
function say(seen: readonly Seen[], { slaveName, connected, isDead }: EvacuationWorld): string {
  const doings = [
    ...seen.flatMap((one) => (one.kind === 'works' ? [one.doing] : [])),
    ...seen.flatMap((one) => (one.kind === 'left' && one.waits ? [`${one.name} waits for room elsewhere`] : [])),
    ...seen.flatMap((one) => (one.kind === 'waits' ? [one.doing] : [])),
    ...seen.flatMap((one) => (one.kind === 'stays' ? [`${one.name} cannot leave now`] : [])),
  ];
  const unnamed = doings.slice(mostNamed).length + seen.filter(({ kind }) => kind === 'ready').length;
  const told = [...doings.slice(0, mostNamed), ...(unnamed === 0 ? [] : [doings.length === 0 ? `${unnamed} ${unnamed === 1 ? 'is' : 'are'} to follow` : `and ${unnamed} more`])];
  // What is recovered has left.
  const dead = `was declared dead. What was lost with it, and has a snapshot, starts elsewhere from that: paravcl instances recover NAME. What has none waits until ${slaveName} is back, or is given up when that is retired by force.`;
  const silence = connected ? '' : ` ${slaveName} ${isDead ? dead : 'does not answer; it goes on when it does.'}`;
  return fit(`${sayLeft(seen, slaveName)}${told.length === 0 ? '' : `; ${told.join(', ')}`}.${silence}`);
}

function sayLeft(seen: readonly Seen[], slaveName: string): string {
  return `${seen.filter(({ kind }) => kind === 'left').length} of ${seen.length} ${seen.length === 1 ? 'has' : 'have'} left ${slaveName}`;
}

function sayEmpty(seen: readonly Seen[], { slaveName }: EvacuationWorld): string {
  const waiting = seen.flatMap((one) => (one.kind === 'left' && one.waits ? [one.name] : []));
  return fit(`${slaveName} is empty: it can be switched off.${waiting.length === 0 ? '' : ` ${waiting.join(', ')} ${waiting.length === 1 ? 'waits' : 'wait'} for room elsewhere.`}`);
}

function sayStaying(seen: readonly Seen[], { slaveName }: EvacuationWorld): string {
  const told = seen.flatMap((one) => (one.kind === 'stays' ? [`${one.name} stays: ${one.why}`] : []));
  return fit(`${sayLeft(seen, slaveName)}. Mend this, then evacuate it again. ${told.join(' ')}`);
}
