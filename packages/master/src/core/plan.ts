import type { EpochMs } from '@paravcl/shared/clock';
import { foremostReason, type Reason, type ReasonCode } from '@paravcl/shared/domain/reasons';
import { exhaustedSentence, fit, placedSentence, waitingSentence } from './explain';
import { refusal, type Refusal } from './feasible';
import type { PlacementPolicy } from './rank';
import { poolTotals, promise, roomFor, type Attempt, type Snapshot, type WaitingInstance } from './snapshot';

/** What one slave answered to one instance; `refused` is null for the feasible ones. */
export interface Considered {
  readonly slaveId: string;
  readonly refused: Refusal | null;
}

export type Decision =
  | {
      readonly kind: 'place';
      readonly instance: WaitingInstance;
      readonly slaveId: string;
      readonly sentence: string;
      readonly considered: readonly Considered[];
    }
  | {
      readonly kind: 'queue';
      readonly instance: WaitingInstance;
      /** 1 for the next to be served. */
      readonly place: number;
      readonly reason: Reason;
      readonly considered: readonly Considered[];
    }
  | {
      readonly kind: 'refuse';
      readonly instance: WaitingInstance;
      readonly reason: Reason;
      readonly considered: readonly Considered[];
    };

/** A broken image is tried on one other slave, in case only the first one's copy was; then it is the image. */
const imageFaults: readonly (ReasonCode | null)[] = ['ImageMissing', 'ImageCorrupt'];
const imageAttempts = 2;

/**
 * Decides for every waiting instance, in the policy's order:
 * 1. ask every slave whether it could take the instance (`feasible`), with its reason when not;
 * 2. place it on the best of those that can, and promise the room there before the next is decided;
 * 3. when none can: wait if one could later, else give up if slaves were tried and failed, else wait
 *    for an operator (a slave to be added, approved or mended).
 * Equal inputs give equal plans, whatever the order of slaves and instances in them.
 */
export function plan(snapshot: Snapshot, waiting: readonly WaitingInstance[], policy: PlacementPolicy, at: EpochMs): readonly Decision[] {
  const decisions: Decision[] = [];
  let world = snapshot;
  let queued = 0;
  for (const instance of policy.order(waiting, at)) {
    const decision = decide(world, instance, policy, queued + 1);
    if (decision.kind === 'place') world = promise(world, decision.slaveId, roomFor(instance));
    if (decision.kind === 'queue') queued++;
    decisions.push(decision);
  }
  return decisions;
}

function decide(world: Snapshot, instance: WaitingInstance, policy: PlacementPolicy, place: number): Decision {
  const pool = poolTotals(world);
  const answers = world.slaves.map((slave) => ({ slave, refused: refusal(slave, instance, pool) }));
  const considered = answers.map(({ slave, refused }) => ({ slaveId: slave.id, refused }));

  const imageFault = brokenImage(instance.attempts);
  if (imageFault !== null) return { kind: 'refuse', instance, reason: imageFault, considered };

  const best = answers
    .filter(({ refused }) => refused === null)
    .map(({ slave }) => slave)
    .sort((a, b) => policy.compare(a, b, instance))[0];
  if (best !== undefined) return { kind: 'place', instance, slaveId: best.id, sentence: placedSentence(instance, best, world), considered };

  const refusals = answers.flatMap(({ refused }) => refused ?? []);
  const failed = instance.attempts.filter(({ sentence }) => sentence !== null);
  if (failed.length > 0 && !refusals.some((refused) => refused.passing)) {
    return { kind: 'refuse', instance, reason: { code: foremostCode(failed), sentence: exhaustedSentence(instance, failed) }, considered };
  }
  return { kind: 'queue', instance, place, reason: waitingReason(world, instance, refusals, place), considered };
}

function brokenImage(attempts: readonly Attempt[]): Reason | null {
  const faults = attempts.filter(({ code }) => imageFaults.includes(code));
  const last = faults.at(-1);
  if (faults.length < imageAttempts || last === undefined) return null;
  const tried = faults.map(({ slaveName, sentence }) => `${slaveName}: ${sentence ?? ''}`).join('; ');
  return { code: last.code ?? 'ImageCorrupt', sentence: fit(`Its image could not be used on two slaves. Tried ${tried}`) };
}

function foremostCode(attempts: readonly Attempt[]): ReasonCode {
  return foremostReason(attempts.map(({ code }) => ({ code: code ?? 'LaunchFailed' })))?.code ?? 'LaunchFailed';
}

/**
 * Of all refusals the one to show. A slave that is too small, already tried or not admitted says
 * nothing about why one waits as long as another could take the instance later.
 */
function waitingReason(world: Snapshot, instance: WaitingInstance, refusals: readonly Refusal[], place: number): Reason {
  const telling = refusals.some((refused) => refused.passing) ? refusals.filter((refused) => refused.passing) : refusals;
  const tooSmallOnly = telling.every(({ code }) => code === 'NoSlaveFits');
  // A slave refused by the critical limit alone has the room: the others' lack of it is not why one waits.
  const decisive = telling.filter((refused) => refused.code === 'CriticalLimit');
  const others = tooSmallOnly ? telling : telling.filter((refused) => refused.code !== 'NoSlaveFits');
  const code = foremostReason(decisive.length > 0 ? decisive : others)?.code ?? 'NoSlaves';
  return { code, sentence: waitingSentence(code, world, instance, telling.filter((refused) => refused.code === code), place) };
}
