import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { Command } from '@paravcl/shared/protocol/commands';
import type { InstanceRecord } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import { offlineSince } from './instance-view';
import { authorise } from './policy';
import type { AgentPort } from './ports';

/** People wait at a page for it. */
const deadlineMs = 15_000;
/** Whoever looks at a screen within this time of each other sees one picture: it costs the slave a process and the books a row. */
const pictureFreshMs = 1000;

/** Looks at a guest from outside: what it printed, what its screen shows. */
export class InstanceConsoleService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly agents: Pick<AgentPort, 'isConnected' | 'command'>,
    private readonly timeZone: string,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /** By instance. */
  private readonly pictures = new Map<string, { freshUntilMs: number; readonly picture: Promise<Buffer> }>();

  /** The last `tailBytes` of the serial console. */
  async serialLog(principal: Principal, instanceId: string, tailBytes: number): Promise<string> {
    return this.ask(await this.seen(principal, instanceId), { kind: 'serial-log', instanceId, tailBytes });
  }

  /** PNG of the screen. */
  async screenshot(principal: Principal, instanceId: string): Promise<Buffer> {
    const instance = await this.seen(principal, instanceId);
    const { clock, pictures } = this;
    for (const [id, { freshUntilMs }] of pictures) if (clock.monotonicMs() >= freshUntilMs) pictures.delete(id);
    const there = pictures.get(instanceId);
    if (there !== undefined) return there.picture;
    const taken = { freshUntilMs: Infinity, picture: this.ask(instance, { kind: 'screenshot', instanceId }).then((body) => Buffer.from(body, 'base64')) };
    pictures.set(instanceId, taken);
    try {
      const picture = await taken.picture;
      taken.freshUntilMs = clock.monotonicMs() + pictureFreshMs;
      return picture;
    } catch (error) {
      pictures.delete(instanceId);
      throw error;
    }
  }

  private async seen(principal: Principal, instanceId: string): Promise<InstanceRecord> {
    const instance = await this.unitOfWork.read.instances.find(instanceId);
    const what = `instance ${instanceId}`;
    if (instance === null) throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
    authorise(principal, 'instance.console', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, what);
    return instance;
  }

  /** Throws `conflict` before it is placed, `slave-offline`, `slave-refused` with the slave's reason, `timeout`. */
  private async ask(instance: InstanceRecord, command: Command): Promise<string> {
    const { read } = this.unitOfWork;
    if (instance.slaveId === null) throw new ParavclError('conflict', `${instance.name} is ${instance.observed} and on no host, so it has no console.`);
    if (!this.agents.isConnected(instance.slaveId)) {
      const slave = await read.slaves.find(instance.slaveId);
      throw new ParavclError('slave-offline', `${offlineSince(slave ?? { name: 'Its host', lastSeenAt: null }, this.timeZone)} The console of ${instance.name} can be read when it is back.`);
    }
    const { outcome } = await this.agents.command(instance.slaveId, command, { generation: instance.generation, deadlineMs });
    if (outcome.ok) return outcome.body ?? '';
    if (outcome.code === 'deadline') throw new ParavclError('timeout', `The host of ${instance.name} did not answer in time: ${outcome.message}`);
    throw new ParavclError('slave-refused', `The host of ${instance.name} could not do it: ${outcome.message}`);
  }
}
