import { hostLabelSchema } from '@paravcl/shared/domain/limits';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { StreamEnd } from '@paravcl/shared/protocol/streams';
import type { Duplex } from 'node:stream';
import type { InstanceRecord } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { GuestConnections } from './guest-connections';
import { may } from './policy';
import { principalOf } from './principal-of';

/** Where somebody wants to be joined to. */
export interface PortAsked {
  readonly userId: string;
  /** As they wrote it. */
  readonly name: string;
  readonly port: number;
  readonly fromAddress: string;
}

/** A port of a guest that somebody is joined to. It ends by itself when it must; who has it ends it, and then says so. */
export interface JoinedPort {
  readonly stream: Duplex;
  /** `bytes`: how many went both ways. */
  closed(bytes: number): void;
}

export interface GuestPortsParts {
  readonly unit: UnitOfWork;
  /** What may be connected to beside SSH. */
  readonly ports: readonly number[];
  readonly connections: Pick<GuestConnections, 'open'>;
  readonly relay: { join(slaveId: string, end: StreamEnd, slaveName?: string): Promise<Duplex> };
}

const sshPort = 22;
/** Machines that a greeting names. */
const mostNamed = 20;

/** Guests by the names of their machines, and the ports of them that the site lets people reach. */
export class GuestPorts {
  readonly ports: readonly number[];

  constructor(private readonly parts: GuestPortsParts) {
    this.ports = [...new Set([sshPort, ...parts.ports])].sort((a, b) => a - b);
  }

  /**
   * Joins to a port of a machine that runs.
   *
   * @throws ParavclError with a sentence: `forbidden` (that port, or that person, by now), `not-found` (that machine, or not theirs,
   *   alike), `conflict` (it does not run), `quota-exceeded`, `slave-offline`, `slave-refused`, `timeout`
   */
  async join({ userId, name, port, fromAddress }: PortAsked): Promise<JoinedPort> {
    const { unit, connections, relay } = this.parts;
    if (!this.ports.includes(port)) throw new ParavclError('forbidden', `Port ${port} is not open through the gateway. Open are ${this.ports.join(', ')}; the administrator of the lab sets them.`);
    const principal = await principalOf(unit.read, userId);
    if (principal === null) throw new ParavclError('forbidden', 'This account is disabled. Ask an administrator of the lab.');
    const { instance, slaveId } = runningMachine(principal, name, hostLabelSchema.safeParse(name).success ? await unit.read.instances.findByName(name) : null);
    let because: string | null = null;
    let stream: Duplex | null = null;
    const connection = await connections.open({
      kind: 'port', port, principal, instance, fromAddress,
      end: (_code, sentence) => {
        because ??= sentence;
        stream?.destroy();
      },
    });
    try {
      const slave = await unit.read.slaves.find(slaveId);
      stream = await relay.join(slaveId, { kind: 'port', instanceId: instance.id, port }, slave?.name);
      if (because !== null) throw new ParavclError('conflict', because);
    } catch (error) {
      stream?.destroy();
      connection.close();
      throw error;
    }
    return { stream, closed: (bytes) => connection.close(bytes) };
  }

  /** The machines of this person's own that run, those made last first. */
  async running(userId: string): Promise<readonly string[]> {
    const { items } = await this.parts.unit.read.instances.list({ state: 'running', userId }, { limit: mostNamed });
    return items.map(({ name }) => name);
  }
}

/** Whether the machine that was found by this name is one to connect this person to. What is not theirs is not there. */
export function runningMachine(principal: Principal, name: string, found: InstanceRecord | null): { readonly instance: InstanceRecord; readonly slaveId: string } {
  if (found === null || !may(principal, 'instance.console', { ownerUserId: found.userId, groupId: found.groupId })) {
    throw new ParavclError('not-found', `There is no machine ${hostLabelSchema.safeParse(name).success ? name : 'of that name'} that is yours. Use its name as the portal shows it, not an address.`);
  }
  if (found.observed !== 'running' || found.desired !== 'running' || found.slaveId === null) throw new ParavclError('conflict', notRunning(found));
  return { instance: found, slaveId: found.slaveId };
}

function notRunning({ name, observed, desired }: InstanceRecord): string {
  if (desired === 'deleted') return `${name} is being deleted.`;
  return observed === 'running' ? `${name} is being ${desired}. Start or resume it first.` : `${name} is ${observed}, not running. Start or resume it first.`;
}
