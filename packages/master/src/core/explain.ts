import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { cores, type Refusal } from './feasible';
import { freeOf, poolTotals, takesPart, type Attempt, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/** Stored sentences have at most this many characters. */
const sentenceLimit = 1000;

/** Cuts at the limit of a stored sentence, visibly. */
export function fit(sentence: string): string {
  return sentence.length <= sentenceLimit ? sentence : `${sentence.slice(0, sentenceLimit - 1)}…`;
}

export function placedSentence(instance: WaitingInstance, slave: SlaveView, world: Snapshot): string {
  const others = world.slaves.filter(takesPart).length;
  return `${instance.name} goes to ${slave.name}: ${freeOf(slave).vcpus} of its ${cores(slave.capacity.vcpus)} were free, the least used of ${others === 1 ? 'one slave' : `${others} slaves`}.`;
}

/** "tried lab-1: …; lab-2: …": why nothing is left to try. */
export function exhaustedSentence(instance: WaitingInstance, failed: readonly Attempt[]): string {
  const tried = failed.map(({ slaveName, sentence }) => `${slaveName}: ${sentence ?? ''}`).join('; ');
  return fit(`${instance.name} could not be launched on any slave. Tried ${tried}`);
}

/** Why an instance waits and what ends the waiting. */
export function waitingSentence(code: ReasonCode, world: Snapshot, instance: WaitingInstance, refusals: readonly Refusal[], place: number): string {
  const pool = poolTotals(world);
  const queue = `${ordinal(place)} in the queue. `;
  const first = refusals[0]?.sentence ?? '';
  switch (code) {
    case 'NoSlaves':
      return 'No slave is registered yet. It starts by itself when an operator has added one.';
    case 'NoSlaveFits':
      return fit(`${tooLarge(world, instance)} Delete it and ask for less.`);
    case 'NotEnoughCores':
      return `${queue}It needs ${cores(instance.vcpus)} on one slave, and ${pool.freeVcpus} of the pool's ${pool.vcpus} are free. It starts by itself when somebody suspends or stops.`;
    case 'NotEnoughRam':
      return `${queue}It needs ${instance.ramMiB} MiB of RAM on one slave, and ${pool.freeRamMiB} of the pool's ${pool.ramMiB} MiB are free. It starts by itself when somebody suspends or stops.`;
    case 'NotEnoughDisk':
      return fit(`${queue}${first} It starts by itself when somebody deletes an instance.`);
    case 'CriticalLimit':
      return fit(`${queue}${first} It starts by itself when somebody suspends or stops.`);
    case 'SlaveOffline':
      return fit(`${first} It starts by itself when a slave is back.`);
    case 'SlaveTroubled':
    case 'ClockWrong':
      return fit(`${first} It starts by itself when that is mended or another slave has room.`);
    default:
      return fit(`${first} An operator of the lab can mend this.`);
  }
}

function tooLarge(world: Snapshot, instance: WaitingInstance): string {
  const largest = (amount: (slave: SlaveView) => number): number => Math.max(0, ...world.slaves.filter(({ admission }) => admission === 'approved').map(amount));
  return (
    `No slave is large enough for ${cores(instance.vcpus)}, ${instance.ramMiB} MiB of RAM and ${instance.diskMiB} MiB of disk: the largest have ` +
    `${cores(largest(({ capacity }) => capacity.vcpus))}, ${largest(({ capacity }) => capacity.ramMiB)} MiB and ${largest(({ capacity }) => capacity.diskMiB)} MiB (disk and saved RAM).`
  );
}

/** 1st, 2nd, 3rd, 4th, … 11th, 12th, 13th, … */
export function ordinal(n: number): string {
  const tens = n % 100;
  const ending = tens >= 11 && tens <= 13 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return `${n}${ending}`;
}
