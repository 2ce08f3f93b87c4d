import { parseJson } from '@paravcl/shared/parse-json';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';

/** One read of a guest's disk, and when the guest asked for it. */
export interface TraceRead {
  /** Pause of the guest before this read, µs: since the read before it was asked for, or since the one that it waited for came. */
  readonly thinkUs: number;
  readonly offset: number;
  readonly length: number;
  /** Reads under way at most once this one is asked for, itself included: with 1 it waited for all before it. */
  readonly depth: number;
}

const count = z.int().nonnegative();
const bootTraceSchema = z.object({
  /** Of which boot this is, and how it was made smaller. */
  origin: z.string(),
  diskBytes: z.int().positive(),
  /** [thinkUs, offset, length, depth] */
  reads: z.array(z.tuple([count, count, z.int().positive(), z.int().positive()])).min(1),
});

/** What one boot reads of its disk, in order, with its pauses. */
export interface BootTrace {
  readonly origin: string;
  readonly diskBytes: number;
  readonly reads: readonly TraceRead[];
}

/** The recorded boot that the bench replays. */
export const recordedBootFile = resolve(__dirname, '..', '..', '..', 'bench-files', 'debian-12-boot.json');

/** Throws when the file is no trace, or reads beyond its disk. */
export async function readBootTrace(file: string): Promise<BootTrace> {
  const { origin, diskBytes, reads } = bootTraceSchema.parse(parseJson(await readFile(file, 'utf8')));
  const beyond = reads.find(([, offset, length]) => offset + length > diskBytes);
  if (beyond !== undefined) throw new RangeError(`${file} reads ${String(beyond[2])} bytes at ${String(beyond[1])}, beyond its disk of ${String(diskBytes)} bytes.`);
  return { origin, diskBytes, reads: reads.map(([thinkUs, offset, length, depth]) => ({ thinkUs, offset, length, depth })) };
}

/** As a file: a line for each read. */
export function writtenTrace({ origin, diskBytes, reads }: BootTrace): string {
  const rows = reads.map(({ thinkUs, offset, length, depth }) => JSON.stringify([thinkUs, offset, length, depth]));
  return `{"origin":${JSON.stringify(origin)},"diskBytes":${String(diskBytes)},"reads":[\n${rows.join(',\n')}\n]}\n`;
}

/** How long the boot takes where every read is answered at once, in seconds. */
export function ownSeconds({ reads }: Pick<BootTrace, 'reads'>): number {
  return reads.reduce((sum, { thinkUs }) => sum + thinkUs, 0) / 1e6;
}

/** Bytes that the guest asks for; what it reads twice counts twice. */
export function askedBytes({ reads }: Pick<BootTrace, 'reads'>): number {
  return reads.reduce((sum, { length }) => sum + length, 0);
}

/** The chunks that the boot touches, each once, in the order in which it touches them first. */
export function bootChunks({ reads }: Pick<BootTrace, 'reads'>, chunkBytes: number): readonly number[] {
  const chunks = new Set<number>();
  for (const { offset, length } of reads) {
    for (let index = Math.floor(offset / chunkBytes); index * chunkBytes < offset + length; index += 1) chunks.add(index);
  }
  return [...chunks];
}

/**
 * How long the boot takes when its chunks come over the link in just the order in which it reads them, one after another from the
 * beginning on: no deployment to an empty host can be faster. More than the larger of link and own time, because a boot that waits for
 * its bytes early has its pauses still before it.
 */
export function inOrderSeconds({ reads }: Pick<BootTrace, 'reads'>, chunkBytes: number, linkBytesPerSecond: number): number {
  const come = new Set<number>();
  let seconds = 0;
  for (const read of reads) {
    for (const chunk of bootChunks({ reads: [read] }, chunkBytes)) come.add(chunk);
    seconds = Math.max(seconds + read.thinkUs / 1e6, (come.size * chunkBytes) / linkBytesPerSecond);
  }
  return seconds;
}

/** The same reads without the guest's pauses: what is left is the deployment alone. */
export function withoutPauses(trace: BootTrace): BootTrace {
  return { ...trace, reads: trace.reads.map((read) => ({ ...read, thinkUs: 0 })) };
}
