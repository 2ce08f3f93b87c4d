import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import { eventBy } from './acting';
import type { PortConnections } from './guest-ports';
import { may } from './policy';
import { principalOf } from './principal-of';
import { sayBytes } from './say-bytes';

type Asked = Parameters<PortConnections['open']>[0];

export interface PortConnectionListParts {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly limits: { readonly perUser: number; readonly perSlave: number };
  /** What could not be written down. */
  readonly onFault: (error: unknown) => void;
}

/** Of why a connection ends; for who has a WebSocket. */
const ended = 4000;
const revoked = 4003;

/** Who is connected to which port of which machine now. A connection ends when its machine does, and when its person may not any more. */
export class PortConnectionList implements PortConnections {
  private readonly connections = new Map<string, Asked>();

  constructor(private readonly parts: PortConnectionListParts) {}

  /** Open now. */
  get size(): number {
    return this.connections.size;
  }

  async open(asked: Asked): Promise<{ readonly id: string; close(bytes?: number): void }> {
    const { clock, limits, onFault } = this.parts;
    const { principal, instance, port, fromAddress } = asked;
    const all = [...this.connections.values()];
    const ofUser = all.filter((one) => one.principal.userId === principal.userId).length;
    const ofSlave = all.filter((one) => one.instance.slaveId === instance.slaveId).length;
    if (ofUser >= limits.perUser) throw new ParavclError('quota-exceeded', `You have ${ofUser} connections open, the most one person may have. Close one.`, { limit: String(limits.perUser) });
    if (ofSlave >= limits.perSlave) throw new ParavclError('quota-exceeded', `${ofSlave} connections to the host of ${instance.name} are open, its most. Try again later.`, { limit: String(limits.perSlave) });
    const [id, since] = [newId(clock.now()), clock.now()];
    this.connections.set(id, asked);
    const close = (bytes = 0): void => {
      if (this.connections.delete(id)) this.writeClosed(asked, since, bytes).catch(onFault);
    };
    await this.write(asked, 'console.opened', `${principal.userName} opened port ${port} of ${instance.name} from ${fromAddress}.`);
    return { id, close };
  }

  /** One round: ends what has no reason to go on. */
  async run(): Promise<void> {
    const { read } = this.parts.unit;
    for (const { principal, instance, end } of [...this.connections.values()]) {
      const [person, now] = await Promise.all([principalOf(read, principal.userId), read.instances.find(instance.id)]);
      if (now?.observed !== 'running' || now.slaveId !== instance.slaveId) end(ended, `${instance.name} does not run any more where it did.`);
      else if (person === null || !may(person, 'instance.console', { ownerUserId: now.userId, groupId: now.groupId })) end(revoked, `You may not connect to ${instance.name} any more.`);
    }
  }

  private writeClosed(asked: Asked, since: EpochMs, bytes: number): Promise<void> {
    const { port, instance, principal, fromAddress } = asked;
    const seconds = Math.round((this.parts.clock.now() - since) / 1000);
    return this.write(asked, 'console.closed', `Port ${port} of ${instance.name} that ${principal.userName} had open from ${fromAddress} was closed after ${seconds} s and ${sayBytes(bytes)}.`);
  }

  private async write({ principal, instance, fromAddress }: Asked, kind: string, sentence: string): Promise<void> {
    const { unit, clock } = this.parts;
    await unit.read.events.append(eventBy({ principal, clientAddress: fromAddress }, { kind, subjectType: 'instance', subjectId: instance.id, sentence }), clock.now());
  }
}
