import type { RequestReservationBody } from '@paravcl/shared/api/reservations';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { Window } from '../core/calendar';
import { minuteMs, readMoment } from '../core/local-time';
import type { ReservationRecord } from '../core/reservation-record';
import type { ReservationRules } from '../core/reservation-rules';
import { extensionFault, windowFault, type WindowFault } from '../core/reservation-window';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import { rulesOf, type InstanceSettings, type ReservationSettings } from './instance-settings';
import { resolveLaunch } from './launch-request';
import { mayReserveFor } from './reservation-access';

/** When somebody wants it, as they wrote it. */
export type AskedWindow = Pick<RequestReservationBody, 'start' | 'end' | 'minutes' | 'timeZone'>;

/** The size of one VM and what it runs. */
export type AskedSize = Pick<RequestReservationBody, 'imageId' | 'familyId' | 'vcpus' | 'ramMiB' | 'diskMiB' | 'bandwidthMbps' | 'minSpeed'>;

export interface WishedSize extends Pick<ReservationRecord, 'vcpus' | 'ramMiB' | 'diskMiB' | 'bandwidthMbps' | 'minSpeed'> {
  readonly image: ImageRecord | null;
}

/** Whom a reservation is for. */
export interface ReservationOwner {
  /** As people are told: the group's name, else the person's. */
  readonly name: string;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly rules: ReservationRules;
}

/** What a reservation comes to once image, site and person have filled in what was not said; nothing of it is decided yet. */
export interface ReservationWish extends Omit<ReservationRecord, 'state' | 'moved' | 'atRisk' | 'sentence' | 'changedAt'> {
  readonly owner: ReservationOwner;
}

/**
 * The window somebody asks for; with neither an end nor minutes it lasts `lengthMs`, or as short as the rules allow.
 * @throws ParavclError `invalid-input`: an unknown zone, a time that does not exist, both or no end
 */
export function wishedWindow(asked: AskedWindow, rules: ReservationRules, lengthMs: number = rules.minMinutes * minuteMs): Window {
  const zone = asked.timeZone ?? rules.timeZone;
  const start = wishedMoment(asked.start, zone, 'start');
  if (asked.end !== undefined && asked.minutes !== undefined) {
    throw new ParavclError('invalid-input', 'Say either when it ends or how many minutes it lasts, not both.', { field: 'end', limit: 'either end or minutes' });
  }
  if (asked.end !== undefined) return { start, end: wishedMoment(asked.end, zone, 'end') };
  return { start, end: start + (asked.minutes === undefined ? lengthMs : asked.minutes * minuteMs) };
}

/** A moment as people write it. Throws `invalid-input` for an unknown zone or a time that the zone leaves out. */
export function wishedMoment(text: string, zone: string, field: 'start' | 'end'): EpochMs {
  const read = readMoment(text, zone);
  if (read.kind === 'moment') return read.at;
  throw new ParavclError('invalid-input', read.sentence, { field: read.field === 'zone' ? 'timeZone' : field, limit: read.limit });
}

/** Throws `invalid-input` with the rule that a new window, or a new time of an old reservation, breaks. */
export function requireWindow(rules: ReservationRules, window: Window, now: EpochMs): void {
  throwFault(windowFault(rules, window, now));
}

/** The same for a later end. */
export function requireExtension(rules: ReservationRules, window: Window, now: EpochMs): void {
  throwFault(extensionFault(rules, window, now));
}

function throwFault(fault: WindowFault | null): void {
  if (fault !== null) throw new ParavclError('invalid-input', fault.sentence, { field: fault.field, limit: fault.limit });
}

/**
 * Whom it is for and by which rules.
 * @throws ParavclError `invalid-input` for a group that is not there, or for which the person may not reserve
 */
export async function wishedOwner(repositories: Repositories, principal: Principal, groupId: string | null, settings: ReservationSettings): Promise<ReservationOwner> {
  if (groupId === null) {
    const person = await repositories.users.find(principal.userId);
    return { name: person?.displayName ?? principal.userName, groupId, groupName: null, rules: rulesOf(null, settings) };
  }
  const group = mayReserveFor(principal, groupId) ? await repositories.groups.find(groupId) : null;
  if (group === null) {
    throw new ParavclError('invalid-input', 'You cannot reserve for this group: it does not exist, or you are not in it. Name one of your groups, or none.', { field: 'groupId', limit: 'a group you belong to or own' });
  }
  return { name: group.name, groupId, groupName: group.name, rules: rulesOf(group.name, settings) };
}

/** The owner of a reservation that is there; its group may be gone since. */
export async function ownerOf(repositories: Repositories, { userId, groupId }: Pick<ReservationRecord, 'userId' | 'groupId'>, settings: ReservationSettings): Promise<ReservationOwner> {
  const group = groupId === null ? null : await repositories.groups.find(groupId);
  const person = group === null ? await repositories.users.find(userId) : null;
  return { name: group?.name ?? person?.displayName ?? 'somebody who is gone', groupId, groupName: group?.name ?? null, rules: rulesOf(group?.name ?? null, settings) };
}

/**
 * How large each VM is. Without an image nobody knows how much disk what will be claimed needs: then it has to be said.
 * @throws ParavclError `not-found` (what is to run), `invalid-input`, `image-not-ready`
 */
export async function wishedSize(repositories: Repositories, asked: AskedSize, principal: Principal, defaults: InstanceSettings['defaults']): Promise<WishedSize> {
  const { imageId, familyId, vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed } = asked;
  if (imageId !== null && familyId !== undefined) {
    throw new ParavclError('invalid-input', 'Say either which image the machines run or of which family, not both.', { field: 'familyId', limit: 'either imageId or familyId' });
  }
  if (imageId !== null || familyId !== undefined) {
    const launch = await resolveLaunch(repositories, { imageId: imageId ?? undefined, familyId, vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed }, principal, defaults);
    return { image: launch.image, vcpus: launch.vcpus, ramMiB: launch.ramMiB, diskMiB: launch.diskMiB, bandwidthMbps: launch.bandwidthMbps, minSpeed: launch.minSpeed };
  }
  if (diskMiB === undefined) {
    throw new ParavclError('invalid-input', 'Say how much disk each machine gets: without an image nobody knows. Name an image, or give diskMiB.', { field: 'diskMiB', limit: 'needed without imageId' });
  }
  return { image: null, vcpus: vcpus ?? defaults.vcpus, ramMiB: ramMiB ?? defaults.ramMiB, diskMiB, bandwidthMbps: bandwidthMbps ?? null, minSpeed: minSpeed ?? null };
}

/** Length of a window as the formula's E. */
export function minutesOf({ start, end }: Window): number {
  return Math.round((end - start) / minuteMs);
}
