import { consolePath } from '@paravcl/shared/api/sockets';
import type { ConsoleKind } from '@paravcl/shared/api/connections';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { guestStreamProtocolVersion } from '@paravcl/shared/protocol/version';
import type { InstanceRecord } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ConsoleTickets } from './console-tickets';
import { isReachable } from './guest-connections';
import { missingInstance } from './instance-access';
import { offlineSince } from './instance-view';
import { authorise } from './policy';
import type { AgentPort } from './ports';
import { requireSession } from './session-only';

export interface ConsoleServiceParts {
  readonly unit: UnitOfWork;
  readonly agents: Pick<AgentPort, 'protocolOf'>;
  readonly tickets: ConsoleTickets;
  readonly timeZone: string;
}

/** A guest that may be connected to now, and where it is. */
export interface ReachableGuest {
  readonly instance: InstanceRecord;
  readonly slaveId: string;
  readonly slaveName: string;
}

/** Who may open which console. */
export class ConsoleService {
  constructor(private readonly parts: ConsoleServiceParts) {}

  /** Throws as `guest` does. */
  async ticket(principal: Principal, instanceId: string, kind: ConsoleKind): Promise<{ readonly ticket: string; readonly path: typeof consolePath; readonly expiresAt: string }> {
    // A console ends with its session, which a token has none of.
    requireSession(principal, 'open a console');
    await this.guest(principal, instanceId);
    const { ticket, expiresAt } = this.parts.tickets.issue(principal, { instanceId, kind });
    return { ticket, path: consolePath, expiresAt: new Date(expiresAt).toISOString() };
  }

  /** Throws `not-found`, `forbidden`, `conflict` while it does not run, `slave-offline`, and `slave-refused` for an agent that joins no consoles. */
  async guest(principal: Principal, instanceId: string): Promise<ReachableGuest> {
    const { unit, agents, timeZone } = this.parts;
    const instance = await unit.read.instances.find(instanceId);
    if (instance === null) throw missingInstance(instanceId);
    authorise(principal, 'instance.console', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, `instance ${instanceId}`);
    if (instance.slaveId === null || !isReachable(instance)) throw new ParavclError('conflict', `${instance.name} is ${instance.observed}: its console can be opened while it runs.`);
    const slave = await unit.read.slaves.find(instance.slaveId);
    const slaveName = slave?.name ?? 'its host';
    const protocol = agents.protocolOf(instance.slaveId);
    if (protocol === null) throw new ParavclError('slave-offline', `${offlineSince(slave ?? { name: 'Its host', lastSeenAt: null }, timeZone)} The console of ${instance.name} can be opened when it is back.`);
    if (protocol < guestStreamProtocolVersion) throw new ParavclError('slave-refused', `The agent of ${slaveName} speaks protocol ${protocol}; consoles came with ${guestStreamProtocolVersion}. Upgrade it.`);
    return { instance, slaveId: instance.slaveId, slaveName };
  }
}
