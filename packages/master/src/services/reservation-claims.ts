import type { claimReservation } from '@paravcl/shared/api/reservations';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { holdingReservationStates, type Claimable } from '@paravcl/shared/domain/reservation';
import { ParavclError } from '@paravcl/shared/errors';
import type { z } from 'zod';
import type { InstanceRecord } from '../core/instance-record';
import type { BookingRecord, ReservationRecord } from '../core/reservation-record';
import { claimableSentence, machines } from '../core/reservation-standing';
import { cores } from '../core/say';
import { reservable, slaveTimeline } from '../core/slave-timeline';
import { beyondDisk, roomFor } from '../core/snapshot';
import { tellMoment } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { Acting } from './acting';
import type { Accepted, Claim, InstanceService } from './instance-service';
import type { ReservationSettings } from './instance-settings';
import { missingReservation, requireClaim } from './reservation-access';
import type { ReservationClock } from './reservation-clock';
import { ownerOf } from './reservation-wish';
import { loadSlaveView, type WorldDeps } from './slave-books';

export interface ReservationClaimsDeps extends WorldDeps {
  readonly unitOfWork: UnitOfWork;
  readonly instances: Pick<InstanceService, 'createClaimed' | 'resumeClaimed'>;
  readonly reservationClock: ReservationClock;
  readonly clock: Clock;
  readonly reservations: ReservationSettings;
}

type ClaimBody = z.output<typeof claimReservation.body>;

/** Own saved instances that are looked through for what could be resumed. */
const mostResumable = 50;
const mostClaimable = 200;

/** Taking machines from reservations whose window is open, until as many are used as were reserved. */
export class ReservationClaims {
  constructor(private readonly deps: ReservationClaimsDeps) {}

  /**
   * Takes one of the reserved machines: for a new instance, or for a saved or switched-off one (`body.instanceId`),
   * which goes on where its disk is. The slot is taken in the transaction that makes the instance: never more are used
   * than were reserved, whoever asks at once.
   * Throws `conflict` outside the window and when all are used, with the numbers; what a launch or a resume throws.
   */
  async claim({ principal, clientAddress }: Acting, id: string, body: ClaimBody, reservedId: string | null = null): Promise<Accepted> {
    const { unitOfWork: { read }, instances } = this.deps;
    const reservation = await read.reservations.find(id);
    if (reservation === null) throw missingReservation(id);
    requireClaim(principal, reservation);
    const asked = { clientAddress, reservedId };
    if (body.instanceId !== undefined) {
      return instances.resumeClaimed(principal, body.instanceId, { reservation, take: (repositories, instanceId) => this.takeFor(repositories, id, instanceId) }, asked);
    }
    const take: Claim['take'] = (repositories, instanceId) => this.takeNew(repositories, id, instanceId);
    const { name, sshPublicKeys } = body;
    return instances.createClaimed(principal, { reservation, take, imageId: imageOf(reservation, body.imageId), promised: reservation.imageId !== null, name, sshPublicKeys }, asked);
  }

  /** What the principal may claim from now, with what of theirs could go on in it. */
  async claimable(principal: Principal): Promise<readonly Claimable[]> {
    const { unitOfWork: { read }, clock, reservations } = this.deps;
    const now = clock.now();
    const { userId, role, groupIds, ownedGroupIds } = principal;
    const visibleTo = { userId, groupIds: role === 'teacher' ? [...groupIds, ...ownedGroupIds] : groupIds };
    const { items } = await read.reservations.page({ visibleTo, from: now, to: now + 1, limit: mostClaimable });
    const open = items.filter(({ state }) => holdingReservationStates.includes(state));
    if (open.length === 0) return [];
    const bookings = await read.bookings.ofReservations(open.map(({ id }) => id));
    const saved = await this.savedOf(userId);
    const answers: Claimable[] = [];
    for (const reservation of open) {
      const { id, end, count, imageId } = reservation;
      const claimed = bookings.filter(({ reservationId, instanceId }) => reservationId === id && instanceId !== null).length;
      if (claimed >= count) continue;
      const resumable = saved.filter((instance) => tooLarge(instance, reservation) === null && (imageId === null || imageId === instance.imageId));
      const { name, rules } = await ownerOf(read, reservation, reservations);
      answers.push({
        reservationId: id,
        sentence: claimableSentence(reservation, name, claimed, resumable.map((instance) => instance.name), rules.timeZone, now),
        end: new Date(end).toISOString(),
        free: count - claimed,
        resumable: resumable.map((instance) => ({ instanceId: instance.id, name: instance.name })),
      });
    }
    return answers;
  }

  /** A slot for a new instance: rather one whose slave is there. */
  private async takeNew(repositories: Repositories, id: string, instanceId: string): Promise<void> {
    const { free } = await this.open(repositories, id);
    const [first] = free;
    const slot = free.find(({ slaveId }) => this.deps.agents.isConnected(slaveId)) ?? first;
    await this.take(repositories, slot, instanceId);
  }

  /** A slot for an instance that has its disk: the one on its slave, or another that is booked over to there. The calendar is locked by the caller. */
  private async takeFor(repositories: Repositories, id: string, instanceId: string): Promise<void> {
    const { reservation, free } = await this.open(repositories, id);
    const instance = await repositories.instances.find(instanceId);
    if (instance?.slaveId == null) throw new ParavclError('conflict', 'This instance has no disk anywhere yet: it waits to be launched. Claim a new one instead.');
    if (instance.type === 'AR') throw new ParavclError('conflict', `${instance.name} runs under a reservation already.`);
    const large = tooLarge(instance, reservation);
    if (large !== null) throw new ParavclError('conflict', `${large} Claim a new one instead.`);
    // Where it was claimed from before is history.
    await repositories.bookings.unclaim(instanceId);
    const there = free.find(({ slaveId }) => slaveId === instance.slaveId);
    const slot = there ?? (await this.bookOver(repositories, reservation, free[0], instance, instance.slaveId));
    await this.take(repositories, slot, instanceId);
  }

  private async bookOver(repositories: Repositories, reservation: ReservationRecord, slot: BookingRecord, instance: InstanceRecord, slaveId: string): Promise<BookingRecord> {
    const now = this.deps.clock.now();
    const slave = await loadSlaveView(repositories, this.deps, now, slaveId);
    const window = { start: now, end: reservation.end };
    // All that was reserved goes there, whatever the instance needs of it: whoever claims the slot after it gets no less.
    const need = beyondDisk(roomFor(reservation), roomFor(instance).diskMiB);
    if (slave === null || !reservable(slave) || !slaveTimeline(slave, now).fits(window, need)) {
      const where = slave?.name ?? 'a host that is gone';
      const why = slave === null || !reservable(slave) ? 'cannot take it now' : `has no room for a reserved machine of ${cores(reservation.vcpus)}, ${reservation.ramMiB} MiB of RAM and ${reservation.diskMiB} MiB of disk until ${tellMoment(reservation.end, this.deps.scheduling.rules.timeZone, now)}`;
      throw new ParavclError('conflict', `The disk of ${instance.name} is on ${where}, which ${why}. Claim a new instance, or try again when there is room.`);
    }
    await repositories.bookings.moveSlot(slot.reservationId, slot.slot, slaveId);
    return { ...slot, slaveId };
  }

  private async take(repositories: Repositories, { reservationId, slot }: BookingRecord, instanceId: string): Promise<void> {
    // The reservation is locked, so nobody can have been faster.
    if (!(await repositories.bookings.claim(reservationId, slot, instanceId))) throw new Error(`Slot ${slot} of reservation ${reservationId} was claimed under its lock.`);
  }

  /** The reservation, locked and open, and its free slots; it is begun here when the job that follows the clock was not there yet. */
  private async open(repositories: Repositories, id: string): Promise<{ readonly reservation: ReservationRecord; readonly free: readonly [BookingRecord, ...BookingRecord[]] }> {
    const { clock, reservationClock, reservations } = this.deps;
    const now = clock.now();
    const reservation = await repositories.reservations.lock(id);
    if (reservation === null) throw missingReservation(id);
    const { rules } = await ownerOf(repositories, reservation, reservations);
    requireOpen(reservation, rules.timeZone, now);
    const bookings = await repositories.bookings.ofReservations([id]);
    const [first, ...others] = bookings.filter(({ instanceId }) => instanceId === null);
    if (first === undefined) throw await allClaimed(repositories, reservation);
    if (reservation.state === 'confirmed') await reservationClock.begin(repositories, reservation, now);
    if (reservation.state === 'no-show') await reservationClock.comeBack(repositories, reservation, now);
    return { reservation, free: [first, ...others] };
  }

  private async savedOf(userId: string): Promise<readonly InstanceRecord[]> {
    const { read } = this.deps.unitOfWork;
    const suspended = await read.instances.list({ userId, state: 'suspended' }, { limit: mostResumable });
    const stopped = await read.instances.list({ userId, state: 'stopped' }, { limit: mostResumable });
    return [...suspended.items, ...stopped.items].filter(({ type, desired, slaveId }) => type === 'BE' && slaveId !== null && desired !== 'running' && desired !== 'deleted');
  }
}

/** Throws `conflict` with when it begins or ended. */
function requireOpen({ state, start, end, changedAt }: ReservationRecord, timeZone: string, now: EpochMs): void {
  const moment = (at: EpochMs): string => tellMoment(at, timeZone, now);
  if (state === 'cancelled') throw new ParavclError('conflict', 'This reservation was cancelled. Launch an instance without it, or reserve again.');
  if (state === 'released') throw new ParavclError('conflict', `This reservation was given back at ${moment(changedAt)}. Launch an instance without it, or reserve again.`);
  if (end <= now || state === 'expired') throw new ParavclError('conflict', `This reservation ended at ${moment(end)}. Launch an instance without it, or reserve again.`);
  if (start > now) throw new ParavclError('conflict', `This reservation begins at ${moment(start)}. Claim from it then; until then you may launch an instance without it.`);
}

/** Who failed before it ever ran holds its machine all the same, since it may be started again: deleting it is the nearest way out. */
async function allClaimed(repositories: Repositories, { id, count }: ReservationRecord): Promise<ParavclError> {
  const failed = (await repositories.instances.ofReservation(id)).find(({ observed, booted, desired }) => observed === 'failed' && !booted && desired !== 'deleted');
  const taken = count === 1 ? 'Its one machine is claimed.' : `All ${count} of its machines are claimed.`;
  const ask = count === 1 ? 'Ask its user to delete it,' : 'Ask somebody to delete theirs,';
  const way = failed === undefined ? ask : `${failed.name} failed before it ever ran: deleting it frees one. Delete it or ask its user to,`;
  return new ParavclError('conflict', `${taken} ${way} or launch an instance without the reservation.`, { limit: machines(count) });
}

/** What a claim runs: what the reservation is for, else what the claim says. */
function imageOf({ imageId }: ReservationRecord, asked: string | undefined): string {
  if (imageId !== null && asked !== undefined && asked !== imageId) {
    throw new ParavclError('invalid-input', 'The reservation is for another image. Leave out imageId to run what it is for.', { field: 'imageId', limit: 'the image of the reservation' });
  }
  const chosen = imageId ?? asked;
  if (chosen === undefined) throw new ParavclError('invalid-input', 'The reservation names no image. Say which one to run.', { field: 'imageId', limit: 'needed for this reservation' });
  return chosen;
}

/** Why an instance is larger than one of the reserved machines; null when it is not. */
function tooLarge(instance: InstanceRecord, { vcpus, ramMiB, bandwidthMbps }: ReservationRecord): string | null {
  const { name } = instance;
  if (instance.vcpus > vcpus) return `${name} has ${cores(instance.vcpus)}, and each reserved machine has ${vcpus}.`;
  if (instance.ramMiB > ramMiB) return `${name} has ${instance.ramMiB} MiB of RAM, and each reserved machine has ${ramMiB} MiB.`;
  if ((instance.bandwidthMbps ?? 0) > (bandwidthMbps ?? 0)) return `${name} has ${instance.bandwidthMbps ?? 0} Mbit/s, and each reserved machine has ${bandwidthMbps ?? 0}.`;
  return null;
}
