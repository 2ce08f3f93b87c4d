import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import type { Liveness } from '@paravcl/shared/domain/slave';
import type { MemberRecord } from './deployment-record';
import { deploymentVerbs, desiredByAim, type DeploymentAim } from './deployment-verbs';
import { abandoned, beginsAnew, settled, type InstanceRecord } from './instance-record';
import type { OperationProgress } from './operation-progress';
import { fit } from './say';
import { slaveIsAwaited } from './slave-silence';

/** What of an instance says how far it is. */
export interface MemberInstance extends Pick<InstanceRecord, 'name' | 'desired' | 'observed' | 'generation' | 'observedGeneration' | 'reason' | 'queuedAt' | 'diskEpoch' | 'observedDiskEpoch'> {
  /** Of its slave; null: it has none. */
  readonly liveness: Liveness | null;
}

/** One place an operation is about, with its instance where that was made and is kept. */
export interface MemberNow extends Pick<MemberRecord, 'state' | 'wish' | 'sentence'> {
  readonly instance: MemberInstance | null;
}

/** What a member is to the operation: there, on the way (for what), failed (how), or not its business any more. */
type Standing =
  | { readonly kind: 'reached' }
  | { readonly kind: 'pending'; readonly words: string }
  | { readonly kind: 'failed'; readonly words: string; readonly example: string | null }
  | { readonly kind: 'left'; readonly words: string };

/** Of those whose slave does not answer. */
export const awaitingSlave = 'wait for a host that is offline';

/** "2 wait for RAM on any slave": what those are told to wait for that have no slave yet. */
const waitWords: Readonly<Partial<Record<ReasonCode, string>>> = {
  NoSlaves: 'wait for a host',
  NoSlaveFits: 'wait for a host that is large enough',
  PreparingOthers: 'wait for their turn on a host',
  NotEnoughCores: 'wait for cores on any host',
  NotEnoughRam: 'wait for RAM on any host',
  NotEnoughDisk: 'wait for disk on any host',
  TooSlow: 'need a faster host',
  NotEnoughBandwidth: 'wait for bandwidth on any host',
  KeptForReservation: 'wait for room that is reserved',
  CriticalLimit: 'wait for room beyond what is always kept free',
  LowerPriority: 'gave way and come back by themselves',
  Recalled: 'gave way and come back by themselves',
  MakingRoom: 'wait for others to be saved',
  SlaveOffline: awaitingSlave,
  SlaveTroubled: 'wait for a host that is in trouble',
  ClockWrong: 'wait for a host whose clock is right',
  SlaveDraining: 'wait for a host that takes something new',
  SlaveNotApproved: 'wait for a host that is approved',
  NotChosen: 'wait for one of the chosen hosts',
};

const failWords: Readonly<Partial<Record<ReasonCode, string>>> = {
  DeadlinePassed: 'took too long',
  ImageMissing: 'did not get their image',
  ImageCorrupt: 'got a damaged image',
  DomainLost: 'are lost',
  DiskError: 'have a host without disk',
};

/**
 * How an operation about members stands: pending while one is on the way, failed when one could not, else done. The
 * sentence counts who is there and what the others wait for, most first; of failures the first is told in full.
 */
export function deploymentProgress(aim: DeploymentAim, members: readonly MemberNow[], triedElsewhere = 0): OperationProgress {
  const standings = members.map((member) => standing(aim, member));
  const reached = standings.filter(({ kind }) => kind === 'reached').length;
  const pending = standings.filter((one) => one.kind === 'pending');
  const failed = standings.filter((one) => one.kind === 'failed');
  const left = standings.filter((one) => one.kind === 'left');
  const state = pending.length > 0 ? 'pending' : failed.length > 0 ? 'failed' : 'done';
  const others = [...counted(pending), ...counted(failed), ...counted(left)];
  const example = failed.find((one) => one.example !== null)?.example ?? null;
  const elsewhere = triedElsewhere === 0 ? '' : ` ${triedElsewhere === 1 ? '1 was' : `${triedElsewhere} were`} tried on another host after a launch failed.`;
  const first = state === 'done' && others.length === 0 ? allOf(aim, members.length) : `${reached} of ${members.length} ${reachedWord(aim)}${others.map((part) => `, ${part}`).join('')}`;
  const whole = first.endsWith('.') ? first : state === 'pending' && elsewhere === '' && example === null ? first : `${first}.`;
  return { state, sentence: fit(`${whole}${elsewhere}${example === null ? '' : ` ${example}`}`) };
}

function standing(aim: DeploymentAim, { state, wish, sentence, instance }: MemberNow): Standing {
  const gone = instance === null || instance.observed === 'deleted';
  const desired = desiredByAim(aim);
  switch (state) {
    case 'wanted':
      return { kind: 'pending', words: 'to be made' };
    case 'cancelled':
      return desired === 'deleted' && !gone ? ending(instance) : desired === 'deleted' ? { kind: 'reached' } : { kind: 'left', words: 'taken back' };
    case 'refused':
      return { kind: 'failed', words: 'could not be made', example: sentence };
    case 'made':
  }
  if (wish !== null) return { kind: 'pending', words: 'to be told' };
  if (sentence !== null) return { kind: 'failed', words: 'refused', example: sentence };
  if (desired === 'deleted') return gone ? { kind: 'reached' } : ending(instance);
  if (gone) return { kind: 'left', words: 'deleted since' };
  if (desired === null) return anew(instance);
  if (instance.desired !== desired && instance.queuedAt === null) return { kind: 'left', words: `told to be ${otherWords[instance.desired]} since` };
  if (slaveIsAwaited(instance, instance.liveness)) return { kind: 'pending', words: awaitingSlave };
  if (instance.queuedAt === null && settled(instance)) return { kind: 'reached' };
  return failure(instance) ?? { kind: 'pending', words: underWay(instance) };
}

/** One that is to begin anew: it has, once nothing earlier is on its disk and it does what it is to do by now. */
function anew(instance: MemberInstance): Standing {
  if (instance.desired === 'deleted') return { kind: 'left', words: 'told to be deleted since' };
  if (slaveIsAwaited(instance, instance.liveness)) return { kind: 'pending', words: awaitingSlave };
  // One that waits for room to go on is off meanwhile, and nothing is on its disk.
  if (settled(instance) && !beginsAnew(instance)) return { kind: 'reached' };
  return failure(instance) ?? { kind: 'pending', words: beginsAnew(instance) ? 'being emptied' : underWay(instance) };
}

function failure(instance: MemberInstance): Standing | null {
  const { name, observed, observedGeneration, generation, reason, queuedAt } = instance;
  if (queuedAt !== null || !(abandoned(instance) || (observed === 'failed' && observedGeneration === generation))) return null;
  return { kind: 'failed', words: (reason === null ? undefined : failWords[reason.code]) ?? 'failed', example: reason?.sentence ?? `${name} failed.` };
}

/** One that is to be deleted; somebody's other wish cannot come after that. */
function ending(instance: MemberInstance): Standing {
  if (instance.desired === 'deleted' && slaveIsAwaited(instance, instance.liveness)) return { kind: 'pending', words: awaitingSlave };
  return instance.desired === 'deleted' ? { kind: 'pending', words: 'being deleted' } : { kind: 'left', words: 'stay, because they ran' };
}

const otherWords = { running: 'running', suspended: 'saved', stopped: 'off', deleted: 'deleted' } as const;

function underWay({ observed, reason, queuedAt }: MemberInstance): string {
  if (observed === 'queued' || queuedAt !== null) return (reason === null ? undefined : waitWords[reason.code]) ?? 'wait for a host';
  switch (observed) {
    case 'requested':
      return 'wait for a host';
    case 'lost':
      return awaitingSlave;
    case 'preparing':
      return 'being prepared';
    case 'booting':
      return 'booting';
    case 'suspending':
      return 'being saved';
    case 'resuming':
      return 'coming back';
    case 'stopping':
      return 'shutting down';
    default:
      return 'told';
  }
}

/** "3 booting", "1 waits …" most first. */
function counted(standings: readonly { readonly words: string }[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { words } of standings) counts.set(words, (counts.get(words) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([words, count]) => `${count} ${count === 1 ? ofOne(words) : words}`);
}

/** The words for several, said of one. */
export function ofOne(words: string): string {
  return words
    .replace(/^wait for their turn/, 'waits for its turn')
    .replace(/^wait /, 'waits ')
    .replace(/^gave way and come back by themselves/, 'gave way and comes back by itself')
    .replace(/^stay, because they ran/, 'stays, because it ran')
    .replace(/^did not get their image/, 'did not get its image')
    .replace(/^are lost/, 'is lost')
    .replace(/^have a slave/, 'has a host');
}

function reachedWord(aim: DeploymentAim): string {
  return aim === 'make' ? 'running' : aim === 'cancel' ? 'deleted' : deploymentVerbs[aim].reached;
}

function allOf(aim: DeploymentAim, count: number): string {
  const all = aim === 'make' ? 'run' : aim === 'cancel' ? 'that had not run are deleted' : deploymentVerbs[aim].all;
  if (count === 0) return 'There was nothing to do.';
  return count === 1 ? `1 of 1 ${reachedWord(aim)}.` : `All ${count} ${all}.`;
}
