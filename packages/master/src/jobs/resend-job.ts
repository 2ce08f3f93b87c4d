import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import { abandoned, type InstanceRecord } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import { desiredStates, receivedStates, tombstone } from '../services/desired-state';
import type { AgentPort } from '../services/ports';

/**
 * Tells connected slaves again what they have not brought about or not answered: a push that was lost in
 * a crash between commit and send is healed here or by the next hello. Repeating is harmless, since the
 * slave compares generations. Run it every few seconds.
 */
export class ResendJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly agents: Pick<AgentPort, 'isConnected' | 'pushDesired'>,
    private readonly guestUser: string,
  ) {}

  /** One round. `onFault` is told of an instance that cannot be told; the others are. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { read } = this.unitOfWork;
    const [open, cleaning, moving] = await Promise.all([read.instances.unsettled(), read.placements.cleaning(null), read.liveMigrations.open()]);
    // What is to be sent is as it should be until it is.
    const known = new Set(open.map(({ id }) => id));
    const sent = await read.instances.among(moving.flatMap(({ state, instanceId }) => (state === 'sending' && !known.has(instanceId) ? [instanceId] : [])));
    const unsettled = [...open, ...sent.filter(({ desired }) => desired !== 'deleted')];
    const bySlave = new Map<string, DesiredInstance[]>();
    const add = (slaveId: string, desired: readonly DesiredInstance[]): void => void bySlave.set(slaveId, [...(bySlave.get(slaveId) ?? []), ...desired]);

    const told = (instance: InstanceRecord): boolean => instance.slaveId !== null && this.agents.isConnected(instance.slaveId) && !abandoned(instance);
    const holders = new Map(unsettled.filter(told).map(({ id, slaveId }) => [id, slaveId ?? '']));
    for (const desired of await desiredStates(read, unsettled.filter(told), this.guestUser, onFault)) add(holders.get(desired.instanceId) ?? '', [desired]);
    for (const { slaveId, desired } of await receivedStates(read, null, this.guestUser, onFault)) if (this.agents.isConnected(slaveId)) add(slaveId, [desired]);
    for (const { slaveId, instanceId, generation } of cleaning) {
      if (this.agents.isConnected(slaveId)) add(slaveId, [tombstone(instanceId, generation)]);
    }
    for (const [slaveId, desired] of bySlave) this.agents.pushDesired(slaveId, desired);
  }
}
