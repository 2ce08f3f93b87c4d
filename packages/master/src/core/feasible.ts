import type { EpochMs } from '@paravcl/shared/clock';
import type { Reason, ReasonCode } from '@paravcl/shared/domain/reasons';
import { leavesHead, type Head } from './backfill';
import { sayDiskNeed } from './disk-need';
import type { OrderingPolicy } from './ordering';
import { keptFrom, type Kept } from './recall';
import { asSeen, besideHeld, bookedDiskMiB, freeUnheld, promised, type PoolTotals, type SlaveNow } from './room-now';
import { leadMs } from './save-time';
import { whyNotWithRam } from './saved-ram';
import { cores, saySpeed } from './say';
import { slaveTimeline } from './slave-timeline';
import { compute, fastEnough, type DeploymentTerms, type Rules, type WaitingInstance } from './snapshot';
import { tellMoment } from './tell-time';

/** Why one slave cannot take one instance now. */
export interface Refusal extends Reason {
  /** The slave could take it later by itself: when room comes back or its link does. */
  readonly passing: boolean;
  /** Room is what is missing, so that others could give way for it. */
  readonly room: boolean;
}

/** What a slave is asked with. */
export interface Question {
  readonly instance: WaitingInstance;
  readonly pool: PoolTotals;
  readonly at: EpochMs;
  readonly rules: Rules;
  readonly ordering: OrderingPolicy;
  /** Who waits before it for room, and must not start later because of it; absent: nobody. */
  readonly head?: Head | undefined;
}

type Filter = (slave: SlaveNow, question: Question) => Refusal | null;

const lasting = (code: ReasonCode, sentence: string): Refusal => ({ code, sentence, passing: false, room: false });
const passing = (code: ReasonCode, sentence: string): Refusal => ({ code, sentence, passing: true, room: false });
const noRoom = (code: ReasonCode, sentence: string): Refusal => ({ code, sentence, passing: true, room: true });

const admitted: Filter = (slave, question) => {
  const { admission, name } = slave.view;
  switch (admission) {
    case 'approved':
      return null;
    case 'draining':
      // Nobody mends by ending the drain that it is too small or too slow.
      return largeEnough(slave, question) ?? fastAsNeeded(slave, question) ?? lasting('SlaveDraining', `${name} is being drained and takes nothing new.`);
    case 'pending':
      return lasting('SlaveNotApproved', `${name} waits for an operator's approval.`);
    case 'quarantined':
      return lasting('SlaveNotApproved', `${name} is quarantined until an operator has looked at it.`);
    case 'retired':
      return lasting('SlaveNotApproved', `${name} has left the pool.`);
  }
};

const chosen: Filter = ({ view }, { instance: { deployment } }) => (mayRunOn(deployment, view.id) ? null : lasting('NotChosen', `${view.name} is not among the chosen hosts.`));

/** Whether its deployment lets an instance run on this slave. */
export function mayRunOn(deployment: DeploymentTerms | undefined, slaveId: string): boolean {
  return deployment?.slaveIds == null || deployment.slaveIds.includes(slaveId);
}

const hypervisorUsable: Filter = ({ view: { hypervisor, name } }) =>
  hypervisor.usable ? null : lasting('HypervisorUnusable', `${name} cannot run guests: ${hypervisor.why}`);

/** RAM goes on only where guests are as they were. */
const goesOnWithRam: Filter = ({ view: { name, savesRam } }, { instance: { ramSavedOn, name: guest } }) => {
  if (ramSavedOn === undefined) return null;
  const why = savesRam === undefined ? 'nobody knows what guests have there' : whyNotWithRam(ramSavedOn, savesRam.on, savesRam.protocol);
  return why === null ? null : lasting('OtherHypervisor', `${name} cannot take ${guest} with its RAM: ${why}. To boot it from its disk without the RAM, stop it and start it.`);
};

const notTried: Filter = ({ view }, { instance }) => {
  const attempt = instance.attempts.find(({ slaveId }) => slaveId === view.id);
  if (attempt === undefined) return null;
  const sentence = attempt.sentence ?? `${view.name} is still cleaning up what was there of it.`;
  // One that failed is out for good; one from which it was only taken back may have it again once it is clean.
  return attempt.sentence === null ? passing('AlreadyTried', sentence) : lasting('AlreadyTried', sentence);
};

const largeEnough: Filter = ({ view: { capacity, name } }, { instance: { need } }) => {
  if (need.vcpus > capacity.vcpus) return lasting('NoSlaveFits', `${name} has ${cores(capacity.vcpus)} in all.`);
  if (need.ramMiB > capacity.ramMiB) return lasting('NoSlaveFits', `${name} has ${capacity.ramMiB} MiB of RAM for guests in all.`);
  if (need.diskMiB > capacity.diskMiB) return lasting('NoSlaveFits', `${name} has ${capacity.diskMiB} MiB of disk for guests in all.`);
  if (need.bandwidthMbps > capacity.bandwidthMbps) return lasting('NoSlaveFits', `The link of ${name} has ${capacity.bandwidthMbps} Mbit/s in all.`);
  return null;
};

/** What goes on where its disk is, or has its slot here, does not ask for it any more: slow is better than never. */
const fastAsNeeded: Filter = ({ view: { id, capacity, name } }, { instance: { need, boundTo, booking } }) =>
  boundTo !== null || booking?.slaveId === id || fastEnough(need, capacity) ? null : lasting('TooSlow', `${name} has speed ${saySpeed(capacity.speed ?? 1)}, and it needs ${saySpeed(need.speed ?? 0)}.`);

const reachable: Filter = ({ view: { liveness, connected, name } }) => {
  if (liveness === 'lost') return lasting('SlaveOffline', `${name} is offline.`);
  return liveness === 'online' && connected ? null : passing('SlaveOffline', `${name} does not answer at the moment.`);
};

const untroubled: Filter = ({ view: { name, troubles: [first] } }) => (first === undefined ? null : passing('SlaveTroubled', `${name} takes nothing new at the moment: ${first}`));

const keepsTime: Filter = ({ view }, { instance }) => (view.clockWrong === null || instance.runMs === null ? null : passing('ClockWrong', view.clockWrong));

const roomFree: Filter = (slave, { instance }) => {
  const { name, capacity } = slave.view;
  const { need } = instance;
  const free = freeUnheld(slave, instance);
  if (need.vcpus > free.vcpus) return noRoom('NotEnoughCores', `${name} has ${Math.max(0, free.vcpus)} of ${cores(capacity.vcpus)} free.`);
  if (need.ramMiB > free.ramMiB) return noRoom('NotEnoughRam', `${name} has ${Math.max(0, free.ramMiB)} of ${capacity.ramMiB} MiB of RAM free.`);
  if (need.bandwidthMbps > free.bandwidthMbps) return noRoom('NotEnoughBandwidth', `The link of ${name} has ${Math.max(0, free.bandwidthMbps)} of ${capacity.bandwidthMbps} Mbit/s free.`);
  return null;
};

const diskFree: Filter = (slave, { instance }) => {
  const { name } = slave.view;
  const { diskMiB } = instance.need;
  const needs = sayDiskNeed(instance);
  // One whose disk is there already needs no more of it.
  if (diskMiB === 0) return null;
  const free = Math.max(0, freeUnheld(slave, instance).diskMiB);
  if (diskMiB > free) return passing('NotEnoughDisk', `${name} has ${free} MiB of disk free, and ${needs}.`);
  const booked = bookedDiskMiB(slave, instance);
  if (diskMiB > free - booked) return passing('KeptForReservation', `${booked} of the ${free} MiB of disk that ${name} has free are reserved, and ${needs}.`);
  return null;
};

/** What reservations have against it running here from `begins` on. */
export function keptFromIt(slave: SlaveNow, { instance, at, rules }: Question, begins = at): Kept | null {
  const { id, type, need, priority: { pi }, runMs, spared } = instance;
  return keptFrom(slave, { id, type, need, pi, endsAt: runMs === null ? null : begins + runMs, spared }, at, rules);
}

/** One whose own slot is held has its part of what is held; who comes late, or to another slave than booked, has not. */
export function inHeldSlot(slave: SlaveNow, { id }: WaitingInstance): boolean {
  return slave.held.some(({ instanceId }) => instanceId === id);
}

/** One that nobody suspends again today is in the way of late claims, too: it needs room that nobody may claim, until it is saved. */
export function staysWithinTheBooks(slave: SlaveNow, { instance: { need, runMs }, at, rules }: Question, begins = at): boolean {
  const end = runMs === null ? Infinity : begins + runMs + leadMs([need.ramMiB], slave.view.saveMiBPerSecond, rules);
  return slaveTimeline(asSeen(slave), at).fits({ start: at, end }, compute(need));
}

/** Reserved room is lent to best-effort until it is called back, and not for less than the site's shortest loan. */
const lent: Filter = (slave, question) => {
  const { instance, at, rules } = question;
  if (inHeldSlot(slave, instance)) return null;
  const { need, type } = instance;
  const { name } = slave.view;
  const free = besideHeld(slave, instance);
  const nearest = slave.held[0];
  if (nearest !== undefined && (need.vcpus > free.vcpus || need.ramMiB > free.ramMiB || need.bandwidthMbps > free.bandwidthMbps)) {
    return noRoom('KeptForReservation', `What ${name} has free is kept for ${nearest.ownerName} from ${tellMoment(nearest.start, rules.timeZone, at)}; beside that ${cores(Math.max(0, free.vcpus))} and ${Math.max(0, free.ramMiB)} MiB of RAM are free.`);
  }
  if (type === 'BE' && instance.spared && !staysWithinTheBooks(slave, question)) {
    return passing('KeptForReservation', `What it would need until its end is reserved on ${name}, and it was suspended for others as often today as the site allows.`);
  }
  const kept = keptFromIt(slave, question);
  if (kept === null) return null;
  const when = `${kept.booking.ownerName} from ${tellMoment(kept.from, rules.timeZone, at)}`;
  // Others can go for it in time only if they are told now.
  if (type === 'AR') return kept.recalledAt < at ? noRoom('KeptForReservation', `What ${name} has free is reserved by ${when}, too soon for others to be saved first.`) : null;
  if (instance.spared) return passing('KeptForReservation', `The room of ${name} is reserved by ${when}, and it was suspended for others as often today as the site allows.`);
  if (kept.recalledAt - at < rules.shortestLoanMs) return passing('KeptForReservation', `The room of ${name} is reserved by ${when}; for so short a time it is not lent.`);
  return null;
};

const aboveCriticalLimit: Filter = (_slave, { instance, pool }) => {
  if (instance.type === 'AR') return null;
  if (pool.freeVcpus - instance.need.vcpus < pool.keptVcpus) {
    return noRoom('CriticalLimit', `${cores(pool.keptVcpus)} of the pool's ${pool.vcpus} are always kept free; ${pool.freeVcpus} are free now.`);
  }
  if (pool.freeRamMiB - instance.need.ramMiB < pool.keptRamMiB) {
    return noRoom('CriticalLimit', `${pool.keptRamMiB} MiB of the pool's RAM are always kept free; ${pool.freeRamMiB} MiB are free now.`);
  }
  return null;
};

/** What is free may be lent to who comes later, but not beyond the start of the one that waits for it. */
const leavesNextItsStart: Filter = (slave, { instance, at, rules, head }) => {
  if (head === undefined || instance.type === 'AR' || leavesHead(head, slave, promised(slave, instance, at))) return null;
  const { name } = slave.view;
  const { startsAt, slaveIds } = head;
  const where = slaveIds.includes(slave.view.id) ? `What ${name} has free is kept for the next in the queue, which starts there` : 'What the pool has free is kept for the next in the queue, which starts';
  const over = instance.runMs !== null && at + instance.runMs <= startsAt;
  if (startsAt <= at) return passing('KeptForNext', `${where} as soon as those who leave are saved.`);
  const when = tellMoment(startsAt, rules.timeZone, at);
  return passing('KeptForNext', `${where} ${when}.${over ? '' : ` What is over by then could start now.`}`);
};

/** Last: what is refused by it alone has its room here as soon as others of its deployment run. */
const beginsWithFew: Filter = ({ view: { name }, running }, { instance: { deployment } }) => {
  if (deployment === undefined) return null;
  const beginning = running.filter(({ beginsFor }) => beginsFor === deployment.id).length;
  return beginning < deployment.perHostLimit ? null : passing('PreparingOthers', `${name} prepares or boots ${beginning} of ${deployment.name} already, as many as it may at a time.`);
};

/** In this order: what lasts before what passes, so that the first refusal of a slave is its true one. */
const filters: readonly Filter[] = [
  chosen,
  admitted,
  hypervisorUsable,
  goesOnWithRam,
  notTried,
  largeEnough,
  fastAsNeeded,
  reachable,
  untroubled,
  keepsTime,
  diskFree,
  roomFree,
  lent,
  aboveCriticalLimit,
  leavesNextItsStart,
  beginsWithFew,
];

/** The first reason why this slave cannot take this instance now; null when it can. */
export function refusal(slave: SlaveNow, question: Question): Refusal | null {
  for (const filter of filters) {
    const refused = filter(slave, question);
    if (refused !== null) return refused;
  }
  return null;
}
