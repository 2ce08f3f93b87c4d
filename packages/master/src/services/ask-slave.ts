import { ParavclError } from '@paravcl/shared/errors';
import type { Command, CommandResult } from '@paravcl/shared/protocol/commands';
import type { AgentPort } from './ports';

/** What the agent of a slave answers. Null when there is no answer: the outcome is unknown, and is read by asking again. */
export async function askSlave(agents: Pick<AgentPort, 'isConnected' | 'command'>, slaveId: string, command: Command, deadlineMs: number): Promise<CommandResult['outcome'] | null> {
  if (!agents.isConnected(slaveId)) return null;
  try {
    const { outcome } = await agents.command(slaveId, command, { generation: null, deadlineMs });
    return !outcome.ok && outcome.code === 'deadline' ? null : outcome;
  } catch (error) {
    if (error instanceof ParavclError) return null;
    throw error;
  }
}
