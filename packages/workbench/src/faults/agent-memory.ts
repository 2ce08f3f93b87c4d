import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { siteNetworkSchema, type SiteNetwork } from '@paravcl/shared/domain/slave';
import { idSchema } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { desiredInstanceSchema, type DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import { z } from 'zod';

/** What an agent's files say that it was told, read from outside and without its code. */
export interface AgentMemory {
  readonly slaveId: string;
  readonly siteId: string;
  readonly network: SiteNetwork;
  /** The newest desired state of every instance it has not been told to forget. */
  readonly desired: readonly DesiredInstance[];
}

const enrolmentSchema = z.object({ slaveId: idSchema, siteId: idSchema });
const lineSchema = z.object({ r: z.object({ kind: z.string() }).loose() });
const recordSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('compacted') }),
  z.object({ kind: z.literal('network'), network: siteNetworkSchema }),
  z.object({ kind: z.literal('desired'), desired: desiredInstanceSchema }),
  z.object({ kind: z.literal('forgotten'), instanceId: idSchema, generation: z.int() }),
]);

/** Length, CRC, and a space after each, before the JSON of a line of the journal. */
const headerLength = 18;

/** Reads an agent's state directory, also while it runs. Throws when it is not enrolled or was never welcomed. */
export async function readAgentMemory(stateDir: string): Promise<AgentMemory> {
  const enrolment = enrolmentSchema.parse(parseJson(await readFile(join(stateDir, 'enrolment.json'), 'utf8')));
  const desired = new Map<string, DesiredInstance>();
  let network: SiteNetwork | null = null;
  for (const line of (await readFile(join(stateDir, 'journal', 'journal'), 'utf8')).split('\n')) {
    const record = recordOf(line);
    if (record?.kind === 'compacted') desired.clear();
    else if (record?.kind === 'network') ({ network } = record);
    else if (record?.kind === 'desired') desired.set(record.desired.instanceId, record.desired);
    else if (record?.kind === 'forgotten' && isForgotten(desired.get(record.instanceId), record.generation)) desired.delete(record.instanceId);
  }
  if (network === null) throw new Error(`The agent of ${stateDir} was never told the site's network: no master has welcomed it yet.`);
  return { slaveId: enrolment.slaveId, siteId: enrolment.siteId, network, desired: [...desired.values()] };
}

/** Null for what is not about desired states, and for a line that is being written just now. */
function recordOf(line: string): z.infer<typeof recordSchema> | null {
  try {
    return recordSchema.safeParse(lineSchema.parse(parseJson(line.slice(headerLength))).r).data ?? null;
  } catch {
    return null;
  }
}

const isForgotten = (known: DesiredInstance | undefined, generation: number): boolean => known?.desired === 'deleted' && known.generation <= generation;
