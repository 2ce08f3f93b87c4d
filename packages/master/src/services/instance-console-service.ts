import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { Command } from '@paravcl/shared/protocol/commands';
import type { UnitOfWork } from '../db/unit-of-work';
import { offlineSince } from './instance-view';
import { authorise } from './policy';
import type { AgentPort } from './ports';

/** People wait at a page for it. */
const deadlineMs = 15_000;

/** Looks at a guest from outside: what it printed, what its screen shows. */
export class InstanceConsoleService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly agents: Pick<AgentPort, 'isConnected' | 'command'>,
    private readonly timeZone: string,
  ) {}

  /** The last `tailBytes` of the serial console. */
  async serialLog(principal: Principal, instanceId: string, tailBytes: number): Promise<string> {
    return this.ask(principal, { kind: 'serial-log', instanceId, tailBytes });
  }

  /** PNG of the screen. */
  async screenshot(principal: Principal, instanceId: string): Promise<Buffer> {
    return Buffer.from(await this.ask(principal, { kind: 'screenshot', instanceId }), 'base64');
  }

  /** Throws `conflict` before it is placed, `slave-offline`, `slave-refused` with the slave's reason, `timeout`. */
  private async ask(principal: Principal, command: Extract<Command, { instanceId: string }>): Promise<string> {
    const { read } = this.unitOfWork;
    const { instanceId } = command;
    const instance = await read.instances.find(instanceId);
    const what = `instance ${instanceId}`;
    if (instance === null) throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
    authorise(principal, 'instance.console', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, what);
    if (instance.slaveId === null) throw new ParavclError('conflict', `${instance.name} is ${instance.observed} and on no slave, so it has no console.`);
    if (!this.agents.isConnected(instance.slaveId)) {
      const slave = await read.slaves.find(instance.slaveId);
      throw new ParavclError('slave-offline', `${offlineSince(slave ?? { name: 'Its slave', lastSeenAt: null }, this.timeZone)} The console of ${instance.name} can be read when it is back.`);
    }
    const { outcome } = await this.agents.command(instance.slaveId, command, { generation: instance.generation, deadlineMs });
    if (outcome.ok) return outcome.body ?? '';
    if (outcome.code === 'deadline') throw new ParavclError('timeout', `The slave of ${instance.name} did not answer in time: ${outcome.message}`);
    throw new ParavclError('slave-refused', `The slave of ${instance.name} could not do it: ${outcome.message}`);
  }
}
