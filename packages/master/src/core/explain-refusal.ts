import type { EpochMs } from '@paravcl/shared/clock';
import type { Reason, ReasonCode } from '@paravcl/shared/domain/reasons';
import { comparePi } from '@paravcl/shared/priority';
import { countWithin, overlaps } from './calendar';
import { listed, tellMachines } from './explain-reservation';
import type { Refused } from './offers';
import { calendarOf, mostInEmptyPool, pack } from './packing';
import type { HeldReservation, ReservationOffer, ReservationRequest } from './reservation-request';
import { fit, twoPriorities } from './say';
import { reservable } from './slave-timeline';
import { tellAfter, tellMoment, tellWindow } from './tell-time';
import { noRoom, type Room, type SlaveView } from './snapshot';
import { isTooSlow, largeEnoughFor, tooSlowWords } from './too-large';

/** Why a request is refused, with the way out: what it ran into, and what can be had instead. */
export function refusedReason(refused: Refused, offers: readonly ReservationOffer[]): Reason {
  const slaves = refused.world.slaves.filter(reservable);
  const { code, sentence } = neverFits(refused, slaves) ?? heldByOthers(refused) ?? shortOfRoom(refused);
  return { code, sentence: fit([sentence, ...waysOut(refused, offers)].join(' ')) };
}

/** What even the empty pool could not give. */
function neverFits({ request }: Refused, slaves: readonly SlaveView[]): Reason | null {
  const { need, count } = request;
  const asked = tellMachines(count, need.vcpus);
  if (slaves.length === 0) return { code: 'NoSlaves', sentence: `Cannot reserve ${asked}: no host takes reservations now. An operator can approve one or bring one back.` };
  const inEmptyPool = mostInEmptyPool(slaves, need);
  if (inEmptyPool + request.fixed.length >= count) return null;
  const wholeCores = Math.floor(slaves.reduce((sum, { capacity }) => sum + capacity.vcpus, 0));
  if (count * need.vcpus > wholeCores) return { code: 'NoSlaveFits', sentence: `Cannot reserve ${asked}: the whole pool has ${wholeCores}.` };
  const capacities = slaves.map(({ capacity }) => capacity);
  if (isTooSlow(need, capacities)) return { code: 'TooSlow', sentence: `Cannot reserve ${asked}: ${tooSlowWords(need, capacities)} Ask for less.` };
  if (inEmptyPool > 0) return { code: 'NoSlaveFits', sentence: `Cannot reserve ${asked}: even in the empty pool, ${inEmptyPool} ${inEmptyPool === 1 ? 'machine' : 'machines'} of that size find room.` };
  return { code: 'NoSlaveFits', sentence: `Cannot reserve ${asked}: no host is ${largeEnoughFor(need, capacities)}. Ask for less.` };
}

/** Whether the request would fit if nobody else had reserved anything; who has then. */
function heldByOthers({ world, held, request, parcel, at }: Refused): Reason | null {
  const { window } = parcel;
  const everybody = new Set(world.slaves.flatMap(({ bookings }) => bookings.filter((one) => overlaps(one, window)).map(({ reservationId }) => reservationId)));
  if (pack(calendarOf(world.slaves, at, everybody, window), parcel) === null) return null;
  const others = held
    .filter((one) => one.id !== request.id && overlaps(one, window) && everybody.has(one.id))
    .sort((a, b) => comparePi(b.pi, a.pi) || a.start - b.start || (a.id < b.id ? -1 : 1));
  const { timeZone } = world.rules;
  const asked = `Cannot reserve ${tellMachines(request.count, request.need.vcpus)}, ${tellWindow(request, timeZone, at)}`;
  const [strongest] = others;
  if (strongest === undefined) return { code: 'KeptForReservation', sentence: `${asked}: the room is reserved.` };
  const notWeaker = others.filter(({ pi }) => comparePi(pi, request.pi) >= 0);
  if (notWeaker.length === 0) return { code: 'KeptForReservation', sentence: `${asked}: the room is reserved by ${owners(others, request, timeZone, at)}, ${whyTheyStay(others, at)}.` };
  return { code: 'LowerPriority', sentence: `${asked}: the room is reserved by ${owners(notWeaker, request, timeZone, at)}, with ${standing(strongest.pi, request.pi)}.` };
}

/** "CL II and another person"; one's own with its time, since it is one's own to change: "your own reservation (Tue 10:00 to 11:00)". */
function owners(reservations: readonly HeldReservation[], { askedBy }: ReservationRequest, timeZone: string, at: EpochMs): string {
  const names = reservations.map((one) => (askedBy !== undefined && one.userId === askedBy ? `your own reservation (${tellWindow(one, timeZone, at)})` : one.ownerName));
  return listed([...new Set(names)], 'others');
}

/** Why weaker ones are in the way all the same. */
function whyTheyStay(weaker: readonly HeldReservation[], at: EpochMs): string {
  const one = weaker.length === 1;
  const movable = weaker.filter(({ moved, state, start }) => !moved && state === 'confirmed' && start > at);
  if (movable.length > 0) return 'and there is nowhere to move that to';
  if (weaker.every(({ moved }) => moved)) return one ? 'which was moved once already and is not moved again' : 'which were moved once already and are not moved again';
  if (weaker.every(({ moved }) => !moved)) return one ? 'which has begun and is not moved' : 'which have begun and are not moved';
  return 'which have begun or were moved once already, and are not moved';
}

function standing(theirs: number, own: number): string {
  if (comparePi(theirs, own) === 0) return `the same priority (${own.toFixed(2)}), and who came first stays`;
  const [higher, lower] = twoPriorities(theirs, own);
  return `a higher priority (${higher} against ${lower})`;
}

const shortages = [
  ['vcpus', 'NotEnoughCores', 'cores'],
  ['ramMiB', 'NotEnoughRam', 'MiB of RAM'],
  ['diskMiB', 'NotEnoughDisk', 'MiB of disk'],
  ['bandwidthMbps', 'NotEnoughBandwidth', 'Mbit/s'],
] as const satisfies readonly (readonly [keyof Room, ReasonCode, string])[];

/** Instances that stay are in the way: which dimension runs short first. */
function shortOfRoom({ calendar, world, request, parcel, at }: Refused): Reason {
  const { need, count } = request;
  const free = [...calendar.values()].filter(({ takesNew }) => takesNew).map(({ timeline }) => timeline.freeDuring(parcel.window));
  const fitting = (dimension: keyof Room): number => free.reduce((sum, room) => sum + countWithin({ ...noRoom, [dimension]: need[dimension] }, room), 0);
  const [dimension, code, unit] = shortages.reduce((worst, next) => (fitting(next[0]) < fitting(worst[0]) ? next : worst));
  const left = Math.floor(free.reduce((sum, room) => sum + Math.max(0, room[dimension]), 0));
  const asked = `Cannot reserve ${tellMachines(count, need.vcpus)}, ${tellWindow(request, world.rules.timeZone, at)}`;
  return { code, sentence: `${asked}: each needs ${need[dimension]} ${unit} on one host, and ${left} in all are free of what runs on.` };
}

function waysOut({ world, request, at }: Refused, offers: readonly ReservationOffer[]): readonly string[] {
  const { timeZone } = world.rules;
  const begun = request.start <= at;
  return offers.map(({ kind, start, end, count, vcpus }) => {
    switch (kind) {
      case 'size':
        return `The largest you can get at ${tellMoment(start, timeZone, at)} is ${count === 1 || count === vcpus ? String(vcpus) : tellMachines(count, vcpus / count)}.`;
      case 'time':
        return begun ? `It can go on until ${tellMoment(end, timeZone, at)}.` : `All of it fits ${tellMoment(start, timeZone, at)} to ${tellAfter(end, start, timeZone, at)}.`;
      case 'best-effort':
        return `One machine can start now as best-effort, until ${tellMoment(end, timeZone, at)} at least if nobody with a higher priority comes.`;
    }
  });
}
