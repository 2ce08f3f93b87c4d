import type { EpochMs } from '@paravcl/shared/clock';
import type { CommandOrder } from '@paravcl/shared/protocol/commands';
import type { Knex } from 'knex';

/** How a command ended; `unknown`: no answer within its deadline, it may have been done. */
export type CommandEnd = 'done' | 'failed' | 'unknown';

/** One-shot commands: what was asked of which slave, and how it ended. Bodies of answers are not kept. */
export class CommandRepository {
  constructor(private readonly db: Knex) {}

  async insert(slaveId: string, order: CommandOrder, now: EpochMs): Promise<void> {
    await this.db('commands').insert({
      id: order.commandId,
      slave_id: slaveId,
      instance_id: 'instanceId' in order.command ? order.command.instanceId : null,
      generation: order.generation,
      kind: order.command.kind,
      state: 'sent',
      created_at: new Date(now),
      deadline_at: new Date(now + order.deadlineMs),
    });
  }

  /** A result may still come after the outcome was called unknown; what ended for sure stays. False when there is no such command. */
  async end(id: string, slaveId: string, state: CommandEnd, message: string | null, now: EpochMs): Promise<boolean> {
    const changed = await this.db('commands')
      .where({ id, slave_id: slaveId })
      .whereIn('state', state === 'unknown' ? ['sent'] : ['sent', 'unknown'])
      .update({ state, message: message?.slice(0, 1000) ?? null, ended_at: new Date(now) });
    return changed === 1;
  }

  /** Nobody of an earlier run waits for its answers any more. */
  async endAllSent(message: string, now: EpochMs): Promise<void> {
    await this.db('commands').where({ state: 'sent' }).update({ state: 'unknown', message, ended_at: new Date(now) });
  }

  /** At most `limit`, oldest first; says how many. */
  async deleteBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('commands').where('created_at', '<', new Date(before)).orderBy('created_at').limit(limit).delete();
  }
}
