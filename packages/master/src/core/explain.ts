import type { EpochMs } from '@paravcl/shared/clock';
import { foremostReason, type Reason, type ReasonCode } from '@paravcl/shared/domain/reasons';
import { isHomeTooLarge, sayDiskNeed } from './disk-need';
import { keptFromIt, type Question, type Refusal } from './feasible';
import type { Kept } from './recall';
import { freeUnheld, type SlaveNow } from './room-now';
import { atTheBeginning, cores, fit, ordinal, twoPriorities } from './say';
import type { Victim } from './victims';
import type { Attempt, Booking, Room, Rules, RunningInstance, SlaveView, WaitingInstance } from './snapshot';
import { tellMoment } from './tell-time';
import { isTooSlow, largeEnoughFor, tooSlowWords } from './too-large';

/** `others`: how many take part now. */
export function placedSentence(instance: WaitingInstance, slave: SlaveNow, others: number, policy: string, question: Question): string {
  const { name, capacity } = slave.view;
  const where = `${instance.name} goes to ${name}: ${freeUnheld(slave, instance).vcpus} of its ${cores(capacity.vcpus)} were free; of ${others === 1 ? 'one host' : `${others} hosts`} ${policy} chose it.`;
  return fit(`${where} ${riskOf(instance, slave, question)}`.trim());
}

export function resumedSentence(instance: WaitingInstance, slave: SlaveNow, question: Question): string {
  return fit(`${instance.name} goes on on ${slave.view.name}, where there is room for it again. ${riskOf(instance, slave, question)}`.trim());
}

function riskOf(instance: WaitingInstance, slave: SlaveNow, question: Question): string {
  const { at, rules, ordering } = question;
  return instance.type === 'AR' ? '' : riskSentence(keptFromIt(slave, question), ordering.name === 'para', rules, at);
}

/** Both risks of best-effort in one sentence: a higher priority, and a reservation that begins before its end. */
export function riskSentence(kept: Kept | null, byPriority: boolean, { timeZone }: Pick<Rules, 'timeZone'>, at: EpochMs): string {
  const reserved = kept === null ? null : `be suspended from ${tellMoment(kept.from, timeZone, at)}, reserved by ${kept.booking.ownerName}`;
  if (byPriority) return `It may be suspended for a higher priority${reserved === null ? '' : `, and it will ${reserved}`}.`;
  return reserved === null ? '' : `It will ${reserved}.`;
}

/** Told before a launch for which reservations leave no whole hour. */
export function noHourSentence({ booking, from }: Kept, { timeZone }: Pick<Rules, 'timeZone'>, at: EpochMs): string {
  return `No whole hour is left before a reservation: ${booking.ownerName} has the room from ${tellMoment(from, timeZone, at)}, and what is launched now is saved then.`;
}

/** What the owner of a suspended instance is told: why, and how it comes back. */
export function preemptedSentence(victim: RunningInstance, by: WaitingInstance, at: EpochMs, { timeZone }: Pick<Rules, 'timeZone'>): string {
  const back = by.runMs === null ? 'as soon as there is room' : `by itself when there is room, likely ${tellMoment(at + by.runMs, timeZone, at)}`;
  const [higher, lower] = twoPriorities(by.priority.pi, victim.pi);
  const why = by.type === 'AR' ? 'because a reserved machine was claimed' : `because a request with a higher priority (${higher} against ${lower}) needs the room`;
  return fit(`${gives(victim)} ${why}. It comes back ${back}.`);
}

export function recalledSentence(victim: RunningInstance, { ownerName, start, end }: Booking, at: EpochMs, { timeZone }: Pick<Rules, 'timeZone'>): string {
  return fit(`${gives(victim)} because its room is reserved by ${ownerName} from ${tellMoment(start, timeZone, at)}. It comes back by itself when there is room, likely ${tellMoment(end, timeZone, at)}.`);
}

/** Why a reservation takes room now: for its own people. */
export function recallSentence({ ownerName, start }: Booking, slaveName: string, victims: readonly Victim[], at: EpochMs, { timeZone }: Pick<Rules, 'timeZone'>): string {
  const who = victims.length === 1 ? 'one best-effort instance is' : `${victims.length} best-effort instances are`;
  return fit(`The room of ${ownerName} on ${slaveName} is called back for ${tellMoment(start, timeZone, at)}: ${who} saved there, in about ${saveSeconds(victims)} s.`);
}

/** What one is told for whom others give way. */
export function makingRoomFor(instance: WaitingInstance, slaveName: string, victims: readonly Victim[]): Reason {
  const who = victims.length === 1 ? 'one instance that gives way is' : `${victims.length} instances that give way are`;
  return { code: 'MakingRoom', sentence: fit(`${instance.name} starts on ${slaveName} as soon as ${who} saved there, in about ${saveSeconds(victims)} s.`) };
}

const saveSeconds = (victims: readonly Victim[]): number => Math.max(1, Math.ceil(victims.reduce((sum, { saveMs }) => sum + saveMs, 0) / 1000));

const gives = ({ name, observed }: RunningInstance): string =>
  observed === 'preparing' ? `${name} goes back to the queue before it has started,` : `${name} is saved with everything open,`;

export function makingRoomReason(instance: WaitingInstance, slave: SlaveNow): Reason {
  const leaving = Math.max(1, slave.view.running.filter(({ id }) => !slave.running.some((one) => one.id === id)).length);
  return { code: 'MakingRoom', sentence: `${instance.name} starts on ${slave.view.name} as soon as ${leaving === 1 ? 'the instance that gives way is' : `the ${leaving} instances that give way are`} saved there.` };
}

/** "tried lab-1: …; lab-2: …": why nothing is left to try. */
export function exhaustedSentence(instance: WaitingInstance, failed: readonly Attempt[]): string {
  const tried = failed.map(({ slaveName, sentence }) => `${slaveName}: ${sentence ?? ''}`).join('; ');
  return fit(`${instance.name} could not be launched on any host. Tried ${tried}`);
}

/**
 * Of all refusals the one to show. A slave that is too small, already tried or not admitted says
 * nothing about why one waits as long as another could take the instance later.
 */
export function waitingReason(slaves: readonly SlaveNow[], instance: WaitingInstance, refusals: readonly Refusal[], place: number, question: Question): Reason {
  const telling = refusals.some((refused) => refused.passing) ? refusals.filter((refused) => refused.passing) : refusals;
  const isNever = ({ code }: Refusal): boolean => code === 'NoSlaveFits' || code === 'TooSlow';
  const neverOnly = telling.every(isNever);
  const slow = telling.filter(({ code }) => code === 'TooSlow');
  // A slave refused by the critical limit, a reservation, the one before it or its own deployment alone has the room: the others' lack of it is not why one waits.
  const decisive = telling.filter(({ code }) => code === 'CriticalLimit' || code === 'KeptForReservation' || code === 'KeptForNext' || code === 'PreparingOthers');
  // Where one is large enough and only too slow, that others are too small is not what is to be mended.
  const others = !neverOnly ? telling.filter((refused) => !isNever(refused)) : slow.length > 0 ? slow : telling;
  const code = foremostReason(decisive.length > 0 ? decisive : others)?.code ?? (isChoosy(instance) ? 'NotChosen' : 'NoSlaves');
  const sentence = waitingSentence(code, slaves, instance, telling.filter((refused) => refused.code === code), place, question);
  return { code, sentence: fit(`${sentence}${onlyChosen(code, instance)}${triedInVain(instance)}`) };
}

const isChoosy = ({ deployment }: WaitingInstance): boolean => deployment?.slaveIds != null;

/** What is free elsewhere does not help one that may run on some slaves only. */
function onlyChosen(code: ReasonCode, { deployment }: WaitingInstance): string {
  if (deployment?.slaveIds == null || code === 'NotChosen' || code === 'PreparingOthers') return '';
  const { length } = deployment.slaveIds;
  return ` Of all hosts ${length === 1 ? 'one was' : `${length} were`} chosen for ${deployment.name}; it runs nowhere else.`;
}

/** Where it failed, and is not tried again: what is free there does not help it. */
function triedInVain({ attempts }: WaitingInstance): string {
  const failed = attempts.filter(({ sentence }) => sentence !== null);
  return failed.length === 0 ? '' : ` It could not be launched on ${failed.map(({ slaveName, sentence }) => `${slaveName}: ${sentence ?? ''}`).join('; ')}`;
}

/** Why an instance waits and what ends the waiting. */
function waitingSentence(code: ReasonCode, slaves: readonly SlaveNow[], instance: WaitingInstance, refusals: readonly Refusal[], place: number, { pool, ordering }: Question): string {
  const queue = `${ordinal(place)} in the queue. `;
  const views = (): readonly SlaveView[] => slaves.map(({ view }) => view);
  const { homeMiB = 0 } = instance;
  const first = refusals[0]?.sentence ?? '';
  const onWhich = instance.boundTo === null ? 'on one host' : `on ${slaves.find(({ view }) => view.id === instance.boundTo)?.view.name ?? 'its host'}, where its disk is`;
  const rank = ordering.name === 'para' && instance.type === 'BE' ? ` Its priority is ${instance.priority.pi.toFixed(2)}; nobody of a lower one could give way.` : '';
  const back = `${rank} It starts by itself when somebody suspends or stops.`;
  switch (code) {
    case 'NoSlaves':
      return 'No host is registered yet. It starts by itself when an operator has added one.';
    case 'NoSlaveFits':
      return fit(tooLargeFor(views(), instance));
    case 'TooSlow':
      return fit(tooSlowFor(views(), instance));
    case 'NotEnoughCores':
      return fit(`${queue}It needs ${cores(instance.need.vcpus)} ${onWhich}, and ${pool.freeVcpus} of the pool's ${pool.vcpus} are free.${back}`);
    case 'NotEnoughRam':
      return fit(`${queue}It needs ${instance.need.ramMiB} MiB of RAM ${onWhich}, and ${pool.freeRamMiB} of the pool's ${pool.ramMiB} MiB are free.${back}`);
    case 'NotEnoughBandwidth':
    case 'CriticalLimit':
      return fit(`${queue}${first}${back}`);
    case 'NotEnoughDisk':
      return fit(`${queue}${first} It starts by itself when somebody deletes an instance${homeMiB === 0 ? '' : ', or gives a home volume back'}.`);
    case 'KeptForReservation':
      return fit(`${queue}${first} It starts by itself when the reservation leaves room.`);
    case 'KeptForNext':
      return fit(`${queue}${first} It starts by itself once that one has and there is room beside it.`);
    case 'PreparingOthers':
      return fit(`${first} It starts by itself when one of them runs.`);
    case 'NotChosen':
      return fit(`${instance.name} runs only on hosts that were chosen for ${instance.deployment?.name ?? 'it'}, and none of them is in the pool. Choose others for what is added to the deployment, and delete this one.`);
    case 'AlreadyTried':
      return fit(`${queue}${first}`);
    case 'SlaveOffline':
      return fit(`${first} It starts by itself when a host is back.`);
    case 'SlaveTroubled':
    case 'ClockWrong':
      return fit(`${first} It starts by itself when that is mended or another host has room.`);
    default:
      return fit(`${first} An operator of the lab can mend this.`);
  }
}

/** What no slave is large enough for; the way out differs for who has launched it and who only asks. */
export function tooLargeSentence(slaves: readonly SlaveView[], { need, homeMiB }: Pick<WaitingInstance, 'need' | 'homeMiB'>): string {
  const capacities = capacitiesOf(slaves);
  return isTooSlow(need, capacities) ? atTheBeginning(tooSlowWords(need, capacities)) : `No host is ${largeEnoughFor(need, capacities, homeMiB)}.`;
}

/** Those that could take it, were they large enough. */
function capacitiesOf(slaves: readonly SlaveView[]): readonly Room[] {
  const approved = slaves.filter(({ admission }) => admission === 'approved');
  const known = approved.length > 0 ? approved : slaves.filter(({ admission }) => admission === 'draining');
  return known.map(({ capacity }) => capacity);
}

const smallerHome = 'ask an operator for a smaller home volume';

/** What who asks for it can do: `wanted` is not launched yet. */
export function askForLess(slaves: readonly SlaveView[], wanted: Pick<WaitingInstance, 'need' | 'homeMiB'>): string {
  return isHomeTooLarge(wanted, capacitiesOf(slaves)) ? `Launch with “home”: false, or ${smallerHome}.` : 'Ask for less.';
}

/** What it waits for in vain: said of one that is launched. */
function tooLargeFor(slaves: readonly SlaveView[], instance: WaitingInstance): string {
  const { boundTo, need: { diskMiB }, homeMiB = 0 } = instance;
  const its = slaves.find(({ id }) => id === boundTo);
  if (its !== undefined && homeMiB > 0 && diskMiB > its.capacity.diskMiB) {
    return `${its.name}, where its disk is, has ${its.capacity.diskMiB} MiB of disk for guests in all, and ${sayDiskNeed(instance)}. Move it to another host, or ${smallerHome}.`;
  }
  const wayOut = isHomeTooLarge(instance, capacitiesOf(slaves)) ? `Delete it and launch with “home”: false, or ${smallerHome}.` : 'Delete it and ask for less.';
  return `${tooLargeSentence(slaves, instance)} ${wayOut}`;
}

/** What it waits for in vain where no host is as fast as it needs one: said of one that is launched. */
function tooSlowFor(slaves: readonly SlaveView[], { need }: WaitingInstance): string {
  return `${atTheBeginning(tooSlowWords(need, capacitiesOf(slaves)))} Delete it and ask for less.`;
}
