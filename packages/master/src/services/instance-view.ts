import type { EpochMs } from '@paravcl/shared/clock';
import type { Operation } from '@paravcl/shared/api/operations';
import type { Instance, InstanceTransition } from '@paravcl/shared/domain/instance';
import type { Reason } from '@paravcl/shared/domain/reasons';
import { DateTime } from 'luxon';
import { isInStore, type InstanceRecord } from '../core/instance-record';
import { preemptionsToday } from '../core/preemption-day';
import { agingOf } from '../core/aging';
import { outOfReach, sayRecover } from '../core/out-of-reach';
import { fit } from '../core/say';
import { isDeclaredDead, slaveIsAwaited } from '../core/slave-silence';
import type { OperationRecord } from '../repositories/operation-repository';
import type { SlaViolation } from '../repositories/sla-violation-repository';
import type { SlaveRecord } from '../repositories/slave-record';
import type { TransitionRecord } from '../repositories/transition-repository';
import type { InstanceSettings } from './instance-settings';

const iso = (at: number): string => new Date(at).toISOString();

/** What is known of an instance beside its own row. */
export interface Surroundings {
  readonly slave: SlaveRecord | null;
  readonly hasHome: boolean;
  /** Whether it can be recovered elsewhere; asked only where its slave was declared dead, or left the pool. */
  readonly isKept: boolean;
  /** While it gets less of a processor than its due. */
  readonly short?: SlaViolation | undefined;
}

/** An instance as people see it: with what it waits for while its slave does not answer, and when it ages out. */
export function instanceView(instance: InstanceRecord, { slave, hasHome, isKept, short }: Surroundings, { timeZone, aging }: Pick<InstanceSettings, 'timeZone' | 'aging'>, now: EpochMs): Instance {
  const { agesOutAt } = agingOf(instance, aging, now);
  // What is being deleted lies in no bin any more.
  const binned = instance.desired !== 'deleted';
  return {
    id: instance.id,
    name: instance.name,
    type: instance.type,
    userId: instance.userId,
    groupId: instance.groupId,
    imageId: instance.imageId,
    kernelId: instance.kernelId,
    ramdiskId: instance.ramdiskId,
    vcpus: instance.vcpus,
    ramMiB: instance.ramMiB,
    diskMiB: instance.diskMiB,
    bandwidthMbps: instance.bandwidthMbps,
    ...(instance.minSpeed == null ? {} : { minSpeed: instance.minSpeed }),
    slaveId: instance.slaveId,
    inStore: isInStore(instance),
    home: hasHome,
    desired: instance.desired,
    observed: instance.observed,
    generation: instance.generation,
    reason: waitsForSlave(instance, { slave, isKept }, timeZone) ?? instance.reason,
    ...(short === undefined ? {} : { shortOfProcessor: { since: iso(short.beganAt), sentence: short.sentence } }),
    mac: instance.mac,
    address: instance.address,
    minutes: instance.minutes,
    endsAt: instance.endsAt === null ? null : iso(instance.endsAt),
    priority: instance.priority,
    reservationId: instance.reservationId,
    queuedAt: instance.queuedAt === null ? null : iso(instance.queuedAt),
    preemptionsToday: preemptionsToday(instance, now, timeZone),
    recycledAt: binned && instance.recycledAt !== null ? iso(instance.recycledAt) : null,
    recycledUntil: binned && instance.recycleUntil !== null ? iso(instance.recycleUntil) : null,
    agesOutAt: agesOutAt === null ? null : iso(agesOutAt),
    createdAt: iso(instance.createdAt),
    changedAt: iso(instance.changedAt),
    deadlineAt: instance.deadlineAt === null ? null : iso(instance.deadlineAt),
  };
}

/** "lab-pc-07 is offline since Fri 22:14. i-ubuntu-9af is saved as soon as it is back." Of a slave that left the pool nothing is waited for. */
export function waitsForSlave(instance: InstanceRecord, { slave, isKept }: Pick<Surroundings, 'slave' | 'isKept'>, timeZone: string): Reason | null {
  if (slave?.admission === 'retired' && instance.observed === 'lost') return outOfReach(instance, slave.name, isKept);
  if (slave === null || !slaveIsAwaited(instance, slave.liveness)) return null;
  const declared = isDeclaredDead(slave) ? ` It was declared dead. ${wayOut(instance, slave.name, isKept)}` : '';
  return { code: 'SlaveOffline', sentence: fit(`${offlineSince(slave, timeZone)}${declared} ${declared === '' || instance.desired === 'deleted' ? '' : 'Without that, '}${onReturn(instance)}`) };
}

/** What can be done about one whose slave was declared dead, as `InstanceRelocation.recover` has it. */
function wayOut(instance: InstanceRecord, slaveName: string, isKept: boolean): string {
  if (instance.desired === 'deleted') return '';
  if (!isKept) return `There is no snapshot of ${instance.name} to start it from elsewhere: delete it and launch a new one.`;
  const since = instance.booted ? `what it did since is lost, and ends on ${slaveName} should that come back` : `nobody has heard that it ran on ${slaveName}, where it ends should it have`;
  return `${sayRecover(instance)}: ${since}.`;
}

export function offlineSince(slave: Pick<SlaveRecord, 'name' | 'lastSeenAt'>, timeZone: string): string {
  if (slave.lastSeenAt === null) return `${slave.name} is offline.`;
  return `${slave.name} is offline since ${DateTime.fromMillis(slave.lastSeenAt, { zone: timeZone }).toFormat('ccc HH:mm', { locale: 'en' })}.`;
}

function onReturn({ name, desired, observed, queuedAt }: InstanceRecord): string {
  if (desired === 'running' && observed === 'running') return `When it was last heard ${name} ran there, and probably does still; nothing is started elsewhere.`;
  if (queuedAt !== null) return `${name} goes on there once it is back and there is room; nothing is started elsewhere.`;
  switch (desired) {
    case 'running':
      return `${name} goes on there as soon as it is back; nothing is started elsewhere.`;
    case 'suspended':
      return `${name} is saved as soon as it is back.`;
    case 'stopped':
      return `${name} is stopped as soon as it is back.`;
    case 'deleted':
      return `${name} is deleted as soon as it is back.`;
  }
}

export function transitionView(transition: TransitionRecord): InstanceTransition {
  const { at, generation, desired, from, to, slaveId, reason, by } = transition;
  return { at: iso(at), generation, desired, from, to, slaveId, reason, by };
}

export function operationView(operation: OperationRecord): Operation {
  const { id, kind, state, sentence, userId, createdAt, changedAt } = operation;
  return { id, kind, subject: { type: operation.subjectType, id: operation.subjectId }, state, sentence, userId, createdAt: iso(createdAt), changedAt: iso(changedAt) };
}
