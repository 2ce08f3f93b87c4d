import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';

/**
 * Rare paths of recovery, as the daemons count them: a log line each, with the field `recovery`. A long run has to
 * take all of these, or it says nothing of them.
 */
export const requiredPaths: readonly string[] = [
  // The agent: a crash in mid-write, a repeated order, an order and a confirmation of long ago.
  'torn-tail-cut',
  'duplicate-answered',
  'stale-generation-refused',
  'stale-forget-refused',
  // The master: a report of an older generation than the books', and answers given from the store, also by the process
  // after the one that kept them.
  'stale-report-ignored',
  'idempotent-replay',
  'idempotent-replay-after-restart',
];

const lineSchema = z.object({ recovery: z.string() });

/** How often each path was taken, by these logs. */
export async function countPaths(logs: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const log of logs) {
    const stream = createReadStream(log, 'utf8').on('error', () => undefined);
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (!line.includes('"recovery"')) continue;
      const path = pathOf(line);
      if (path !== null) counts[path] = (counts[path] ?? 0) + 1;
    }
  }
  return counts;
}

function pathOf(line: string): string | null {
  try {
    return lineSchema.safeParse(parseJson(line)).data?.recovery ?? null;
  } catch {
    // A daemon that was killed left half a line.
    return null;
  }
}
