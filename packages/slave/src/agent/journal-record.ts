import { crc32 } from 'node:zlib';
import { desiredInstanceSchema, observedInstanceSchema } from '@paravcl/shared/protocol/desired-instance';
import { commandResultSchema } from '@paravcl/shared/protocol/commands';
import { reasonSchema } from '@paravcl/shared/domain/reasons';
import { siteNetworkSchema } from '@paravcl/shared/domain/slave';
import { idSchema } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';

const marksSchema = z.object({
  made: z.boolean(),
  // Absent in a journal of an agent before protocol 4, for which every disk was the first.
  diskEpoch: z.int().positive().nullable().default(1),
  booted: z.boolean(),
  ran: z.object({ generation: z.int().positive(), hostBootId: z.string() }).nullable(),
  up: z.enum(['no', 'silent', 'yes']),
  stopAsked: z.boolean(),
  failed: z.object({ generation: z.int().positive(), reason: reasonSchema }).nullable(),
  lost: z.object({ generation: z.int().positive() }).nullable(),
  // Absent in a journal of an agent before protocol 6.
  migration: z.object({ generation: z.int().positive(), attempt: z.enum(['made', 'begun', 'over', 'done']) }).nullable().default(null),
  // Absent in a journal of an agent before protocol 2.
  timeEnded: z.object({ generation: z.int().positive() }).nullable().default(null),
});

export const journalRecordSchema = z.discriminatedUnion('kind', [
  /** First record after a compaction: what follows is the whole state, numbered onwards. */
  z.object({ kind: z.literal('compacted') }),
  /** One start of the agent. */
  z.object({ kind: z.literal('epoch'), epoch: z.int().positive() }),
  /** The site's network, so that a restarted agent can work while the master is away. */
  z.object({ kind: z.literal('network'), network: siteNetworkSchema }),
  z.object({
    kind: z.literal('desired'),
    desired: desiredInstanceSchema,
    /** The newest end that was told, and the host's clocks then; with the end's own order and those that do not end it. */
    told: z.object({ endsAt: z.string().optional(), utcMs: z.number(), uptimeMs: z.number(), hostBootId: z.string() }).nullable().optional(),
  }),
  /** The whole marks of an instance, not a change of them. */
  z.object({ kind: z.literal('marks'), instanceId: idSchema, marks: marksSchema }),
  /** The master has recorded that the instance is deleted. */
  z.object({ kind: z.literal('forgotten'), instanceId: idSchema, generation: z.int().positive() }),
  z.object({ kind: z.literal('result'), result: commandResultSchema }),
  z.object({ kind: z.literal('result-stored'), commandId: idSchema }),
]);
export type JournalRecord = Readonly<z.infer<typeof journalRecordSchema>>;

export interface NumberedRecord {
  readonly sequence: number;
  readonly record: JournalRecord;
}

const numberedSchema = z.object({ s: z.int().positive(), r: journalRecordSchema });

/** Length and CRC32 as eight hexadecimal digits each, a space after each, JSON, line feed. */
const headerBytes = 18;

/** One line of the journal: `<length> <crc32> <json>\n`; length and CRC are of the JSON's bytes. */
export function encodeRecord(sequence: number, record: JournalRecord): Buffer {
  const body = Buffer.from(JSON.stringify({ s: sequence, r: record }), 'utf8');
  return Buffer.concat([Buffer.from(`${hex8(body.length)} ${hex8(crc32(body))} `, 'latin1'), body, Buffer.from('\n')]);
}

export interface Scan {
  readonly records: readonly NumberedRecord[];
  /** Bytes after the last good record: what a crash left half written. */
  readonly tornBytes: number;
  /** Damaged lines that good ones follow: the disk lied, not a crash. */
  readonly damagedLines: number;
}

/**
 * Reads a journal's bytes. A record counts only when its length, its CRC and its sense are right. JSON
 * holds no raw line feed, so after a damaged line reading goes on at the next one.
 */
export function scanJournal(bytes: Buffer): Scan {
  const records: NumberedRecord[] = [];
  let at = 0;
  let goodEnd = 0;
  let damaged = 0;
  let damagedBeforeGood = 0;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf(0x0a, at);
    const end = lineEnd === -1 ? bytes.length : lineEnd;
    const record = lineEnd === -1 ? null : decodeLine(bytes.subarray(at, end));
    at = end + 1;
    if (record === null || record.sequence <= (records.at(-1)?.sequence ?? 0)) {
      damaged += 1;
      continue;
    }
    records.push(record);
    goodEnd = at;
    damagedBeforeGood = damaged;
  }
  return { records, tornBytes: bytes.length - goodEnd, damagedLines: damagedBeforeGood };
}

function decodeLine(line: Buffer): NumberedRecord | null {
  const header = /^([0-9a-f]{8}) ([0-9a-f]{8}) $/.exec(line.subarray(0, headerBytes).toString('latin1'));
  if (header === null) return null;
  const body = line.subarray(headerBytes);
  if (body.length !== parseInt(header[1] ?? '', 16) || crc32(body) !== parseInt(header[2] ?? '', 16)) return null;
  try {
    const parsed = numberedSchema.safeParse(parseJson(body.toString('utf8')));
    return parsed.success ? { sequence: parsed.data.s, record: parsed.data.r } : null;
  } catch {
    return null;
  }
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** The last report to the master, kept beside the journal without its guarantees. */
export const lastReportSchema = z.array(observedInstanceSchema);
