import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Leaves at the end of an agent's journal what a crash in the middle of a write leaves: the beginning of a record
 * whose rest never reached the disk. The agent must not run. Only bytes that were never confirmed are
 * made up: what the journal says is durable stays.
 */
export async function tearJournal(agentState: string, chance: number): Promise<void> {
  // Length and CRC of a whole record, and as much of its JSON as was written.
  const record = '0000005a 1badc0de {"s":999999,"r":{"kind":"desired","desired":{"instanceId":"0192f0c1-0000-7000-8000-000000000000"';
  await appendFile(join(agentState, 'journal', 'journal'), record.slice(0, 1 + Math.floor(chance * (record.length - 1))));
}
