import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import type { InstanceRecord } from '../../../src/core/instance-record';
import { deadlineAt } from '../../../src/services/instance-settings';
import type { PreparedLaunch } from '../../../src/services/launch-writing';
import { sampleInstance } from '../../it/sample-records';

/** Who places: the master's scheduling service, or what it is compared with. */
export interface Launcher {
  /** Answers once what it tells is durable: the instance with its slave, or without one when it has to wait. */
  launch(prepared: PreparedLaunch, client: number): Promise<{ readonly instance: Pick<InstanceRecord, 'id' | 'slaveId'> }>;
  stop(): Promise<void>;
}

/** Whom launches in books that were filled are for, and what of. */
export interface Books {
  readonly userIds: readonly string[];
  readonly imageId: string;
}

/** One core and half a GiB, as most of a lab asks for. */
export const smallSize = { vcpus: 1, ramMiB: 512, diskMiB: 2048 } as const;

/** Made once: what it costs to make one launch after the other is no part of placing them. */
const likeAll = sampleInstance({ ...smallSize, minutes: 60, priority: priorityOf({ pfv: 1, ras: false, mon: true, ramMiB: smallSize.ramMiB, minutes: 60 }) });
const sshPublicKeys = [`ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'k'.repeat(43)} student@lab`];

let launches = 0;

/** A small instance of one of the people in the books, asked for now. */
export function preparedLaunch({ userIds, imageId }: Books): PreparedLaunch {
  const [now, number] = [systemClock.now(), launches++];
  const id = newId(now);
  const userId = userIds[number % userIds.length] ?? '';
  const userName = `student-${String(number % userIds.length)}`;
  const name = `i-ubuntu-${id.replaceAll('-', '').slice(-16)}`;
  const deadline = deadlineAt('requested', now, { deadlinesMs: {} }, smallSize.ramMiB);
  const instance = { ...likeAll, id, name, userId, imageId, sshPublicKeys, createdAt: now, changedAt: now, deadlineAt: deadline, mac: macOf(number), address: addressOf(number) };
  const asker = `user ${userName}`;
  return { instance, operation: null, asker, event: { kind: 'instance.created', subjectType: 'instance', subjectId: id, actor: asker, actorUserId: userId, clientAddress: '192.0.2.7', sentence: `${userName} launched ${name} from Ubuntu.` } };
}

export const macOf = (number: number): string => `02:50:${[24, 16, 8, 0].map((bits) => ((number >>> bits) & 255).toString(16).padStart(2, '0')).join(':')}`;
/** Somewhere in 10.0.0.0/8; after sixteen million they come again, which no key forbids. */
export const addressOf = (number: number): string => `10.${[16, 8, 0].map((bits) => String((number >>> bits) & 255)).join('.')}`;
