import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import type { PortConnections } from './guest-ports';
import { may } from './policy';
import { principalOf } from './principal-of';
import { many } from './say-count';

type Asked = Parameters<PortConnections['open']>[0];

export interface PortLimits {
  readonly perUser: number;
  readonly perSlave: number;
}

export const defaultPortLimits: PortLimits = { perUser: 64, perSlave: 512 };

/** Who is connected to which port of which machine, while it is so. */
export class PortConnectionList implements PortConnections {
  private readonly connections = new Map<string, Asked>();

  constructor(
    private readonly unit: UnitOfWork,
    private readonly clock: Clock,
    private readonly limits: PortLimits = defaultPortLimits,
  ) {}

  open(asked: Asked): Promise<{ readonly id: string; close(): void }> {
    const { principal, instance } = asked;
    const all = [...this.connections.values()];
    if (all.filter((one) => one.principal.userId === principal.userId).length >= this.limits.perUser) {
      return Promise.reject(new ParavclError('rate-limited', `${principal.userName} has ${many(this.limits.perUser, 'connection')} to machines, the most at a time.`));
    }
    if (all.filter((one) => one.instance.slaveId === instance.slaveId).length >= this.limits.perSlave) {
      return Promise.reject(new ParavclError('conflict', `As many connections lead to the host of ${instance.name} as may at a time (${this.limits.perSlave}). Try again later.`));
    }
    const id = newId(this.clock.now());
    this.connections.set(id, asked);
    return Promise.resolve({ id, close: () => void this.connections.delete(id) });
  }

  /** Ends those of people who may not any more, and of machines that do not run any more where they did. */
  async run(): Promise<void> {
    const { read } = this.unit;
    for (const { principal, instance, end } of [...this.connections.values()]) {
      const [person, now] = await Promise.all([principalOf(read, principal.userId), read.instances.find(instance.id)]);
      if (now?.observed !== 'running' || now.slaveId !== instance.slaveId) end(`${instance.name} does not run any more where it did.`);
      else if (person === null || !may(person, 'instance.console', { ownerUserId: now.userId, groupId: now.groupId })) end(`${principal.userName} may not connect to ${instance.name} any more.`);
    }
  }
}
