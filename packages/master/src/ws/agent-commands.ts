import type { Cancel, Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { Command, CommandOrder, CommandResult } from '@paravcl/shared/protocol/commands';
import type { UnitOfWork } from '../db/unit-of-work';
import type { LinkLog } from './link-settings';

interface Waiting {
  readonly slaveId: string;
  readonly order: CommandOrder;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: unknown) => void;
  readonly cancelDeadline: Cancel;
}

/**
 * One-shot commands under way. A command is delivered at least once: while its deadline lasts it is sent
 * again with every new session of its slave. That is harmless, since every command only reads, names what it makes (snapshots), or
 * opens a stream (`open-stream`), whose ticket lets in once: a duplicate is read again, found made, or turned away at the door, and the
 * first answer counts. Past the deadline its outcome is unknown, not failed; a result that comes later still corrects the row.
 */
export class AgentCommands {
  private readonly waiting = new Map<string, Waiting>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly log: LinkLog,
  ) {}

  /** A starting master: whoever waited for the answers of an earlier run is gone. */
  async recover(): Promise<void> {
    await this.unitOfWork.read.commands.endAllSent('The master was restarted before the answer came.', this.clock.now());
  }

  /** Stores the command, sends it, waits. Throws `timeout` past the deadline. */
  async order(slaveId: string, command: Command, about: { readonly generation: number | null; readonly deadlineMs: number }, send: (order: CommandOrder) => void): Promise<CommandResult> {
    const now = this.clock.now();
    const order: CommandOrder = { commandId: newId(now), generation: about.generation, deadlineMs: about.deadlineMs, command };
    await this.unitOfWork.read.commands.insert(slaveId, order, now);
    return new Promise<CommandResult>((resolve, reject) => {
      const cancelDeadline = this.clock.after(about.deadlineMs, () => void this.expire(order.commandId));
      this.waiting.set(order.commandId, { slaveId, order, resolve, reject, cancelDeadline });
      send(order);
    });
  }

  /** Orders of this slave that still wait for an answer. */
  pendingOf(slaveId: string): readonly CommandOrder[] {
    return [...this.waiting.values()].filter((one) => one.slaveId === slaveId).map((one) => one.order);
  }

  /** Stores how a command ended and wakes who waits. A result of another slave's command changes nothing. */
  async result(slaveId: string, result: CommandResult): Promise<void> {
    const { outcome } = result;
    const waiting = this.waiting.get(result.commandId);
    if (waiting?.slaveId === slaveId) {
      this.waiting.delete(result.commandId);
      waiting.cancelDeadline();
    }
    try {
      await this.unitOfWork.transaction(({ commands }) => commands.end(result.commandId, slaveId, outcome.ok ? 'done' : 'failed', outcome.ok ? null : outcome.message, this.clock.now()));
      if (waiting?.slaveId === slaveId) waiting.resolve(result);
    } catch (error) {
      if (waiting?.slaveId === slaveId) waiting.reject(error);
      throw error;
    }
  }

  private async expire(commandId: string): Promise<void> {
    const waiting = this.waiting.get(commandId);
    if (waiting === undefined) return;
    this.waiting.delete(commandId);
    const { kind } = waiting.order.command;
    const timeout = new ParavclError('timeout', `The host did not answer ${kind} within ${waiting.order.deadlineMs / 1000} s. Try again when it is online.`, { limit: `${waiting.order.deadlineMs} ms` });
    try {
      await this.unitOfWork.read.commands.end(commandId, waiting.slaveId, 'unknown', 'No answer within the deadline.', this.clock.now());
    } catch (error) {
      // The row stays `sent`; the next start of the master calls it unknown.
      this.log.error({ err: error, commandId }, 'could not store that a command has no answer');
    }
    waiting.reject(timeout);
  }
}
