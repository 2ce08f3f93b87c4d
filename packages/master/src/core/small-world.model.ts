import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';
import { minuteMs } from './local-time';
import { orderingPolicies } from './ordering';
import type { Policies } from './plan';
import { placementPolicies } from './rank';
import { noRoom, type Booking, type Room, type Rules, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/** Values for tests: a slave, who runs on it, who waits and what is reserved, each with everything nobody asks about. */

/** Mon 23 Nov 2026, 09:00 UTC. */
export const nineOClock = Date.parse('2026-11-23T09:00:00Z');
export const at = (hours: number, minutes = 0): number => nineOClock + ((hours - 9) * 60 + minutes) * minuteMs;

export const rules: Rules = {
  agingPerHour: 0.2,
  criticalShare: 0,
  noShowGraceMs: 15 * minuteMs,
  shortestLoanMs: 5 * minuteMs,
  saveOverheadMs: 10_000,
  saveSafety: 2,
  horizonMs: 15 * 24 * 60 * minuteMs,
  timeZone: 'UTC',
};

export const para: Policies = { ordering: orderingPolicies.para, placement: placementPolicies.para };
export const fifo: Policies = { ordering: orderingPolicies.fifo, placement: placementPolicies.para };

/** So many cores, each with 1 GiB of RAM and, for what has none yet, 2 GiB of disk. */
export const room = (vcpus: number, facts: Partial<Room> = {}): Room => ({ vcpus, ramMiB: vcpus * 1024, diskMiB: vcpus * 2048, bandwidthMbps: 0, ...facts });

/** A priority of this Pi; what it is the sum of says nothing. */
export const priority = (pi: number, facts: Partial<PriorityParts> = {}): PriorityParts => ({ ...priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: 1024, minutes: 60 }), pi, ...facts });

export const running = (id: string, vcpus: number, facts: Partial<RunningInstance> = {}): RunningInstance => ({
  id, name: id, type: 'BE', userId: 'user', groupId: null, generation: 1, observed: 'running', need: room(vcpus), pi: 7, since: at(8), endsAt: null, leaving: false, sparedUntil: null,
  ...facts,
});

export const booking = (reservationId: string, vcpus: number, start: number, end: number, facts: Partial<Booking> = {}): Booking => ({
  reservationId, ownerName: reservationId, slot: 0, start, end, need: room(vcpus), instanceId: null,
  ...facts,
});

/** A slave of eight cores that is well; what runs on it is promised. It saves 1 GiB in 11.24 s. */
export function slave(id: string, facts: Partial<SlaveView> = {}): SlaveView {
  const promised = (facts.running ?? []).reduce<Room>(
    (sum, { need }) => ({ vcpus: sum.vcpus + need.vcpus, ramMiB: sum.ramMiB + need.ramMiB, diskMiB: sum.diskMiB + need.diskMiB, bandwidthMbps: sum.bandwidthMbps + need.bandwidthMbps }),
    noRoom,
  );
  return {
    id, name: id, kind: 'dedicated', contributing: false, registeredAt: 0, admission: 'approved', liveness: 'online', connected: true,
    hypervisor: { usable: true, why: 'KVM ran a guest' }, troubles: [], clockWrong: null,
    capacity: room(8, { diskMiB: 100_000, bandwidthMbps: 1000 }), poolAvailableMiB: 100_000 - promised.diskMiB, promised,
    running: [], bookings: [], saveMiBPerSecond: 100,
    ...facts,
  };
}

/** It waits since it was asked for, unless something else is said. */
export const waiting = (id: string, vcpus: number, facts: Partial<WaitingInstance> = {}): WaitingInstance => ({
  id, name: id, type: 'BE', userId: 'user', groupId: null, generation: 1, need: room(vcpus), priority: priority(8), createdAt: at(9), waitsSince: facts.createdAt ?? at(9), runMs: 60 * minuteMs, attempts: [],
  boundTo: null, nominatedTo: null, booking: null, spared: false, reason: null,
  ...facts,
});

/** One that was suspended and wants to go on on its slave; its disk is there. */
export const saved = (id: string, vcpus: number, slaveId: string, facts: Partial<WaitingInstance> = {}): WaitingInstance =>
  waiting(id, vcpus, { need: room(vcpus, { diskMiB: 0 }), boundTo: slaveId, ...facts });

/** Claimed from this slot, which is on that slave. */
export const claimed = (id: string, slaveId: string, slot: Booking, facts: Partial<WaitingInstance> = {}): WaitingInstance =>
  waiting(id, slot.need.vcpus, { type: 'AR', need: slot.need, booking: { reservationId: slot.reservationId, slaveId, start: slot.start, end: slot.end }, ...facts });

export const world = (slaves: readonly SlaveView[], facts: Partial<Rules> = {}): Snapshot => ({ slaves, rules: { ...rules, ...facts }, lastPlacedOn: null });
