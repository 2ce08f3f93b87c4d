import { SeededRandom } from '../../recovery/seeded-random';
import { bootChunks, type BootTrace, type TraceRead } from './boot-trace';

/** A read as QEMU saw it. Seconds of its clock. */
export interface RecordedRead {
  readonly offset: number;
  readonly length: number;
  readonly askedAt: number;
  readonly answeredAt: number;
}

const sectorBytes = 512;
const line = /^\d+@(?<at>\d+\.\d+):(?<event>virtio_blk_handle_read|virtio_blk_req_complete) .*?req (?<request>\S+)(?: sector (?<sector>\d+) nsectors (?<sectors>\d+))?/;

/** The reads in QEMU's own trace of a virtio disk (`-msg timestamp=on -d trace:virtio_blk_handle_read,trace:virtio_blk_req_complete`). */
export function readsOfQemuLog(log: string): readonly RecordedRead[] {
  const open = new Map<string, Omit<RecordedRead, 'answeredAt'>>();
  const reads: RecordedRead[] = [];
  for (const text of log.split('\n')) {
    const { at, event, request, sector, sectors } = line.exec(text)?.groups ?? {};
    if (request === undefined) continue;
    if (event === 'virtio_blk_handle_read') {
      open.set(request, { offset: Number(sector) * sectorBytes, length: Number(sectors) * sectorBytes, askedAt: Number(at) });
      continue;
    }
    const asked = open.get(request);
    // Completions of writes are of no request that is known here.
    if (asked !== undefined) reads.push({ ...asked, answeredAt: Number(at) });
    open.delete(request);
  }
  return reads.sort((a, b) => a.askedAt - b.askedAt);
}

export interface Scale {
  readonly fromDiskBytes: number;
  readonly toDiskBytes: number;
  /** Distinct chunk bytes that are to be read. */
  readonly bootSetBytes: number;
  readonly chunkBytes: number;
  readonly seed: number;
}

/** Parts of the disk are kept or left out whole, so that runs of reads stay what they are. */
const partBytes = 1024 * 1024;

/**
 * A smaller boot of a smaller disk: parts of 1 MiB of the disk are drawn until their reads make up the boot set; reads of
 * the other parts are left out, and what is kept moves together in its order. Times shrink by the factor of the boot set, so
 * that the guest asks for as many bytes in a second as before.
 */
export function scaledBoot(recorded: readonly RecordedRead[], scale: Scale): Omit<BootTrace, 'origin'> {
  const whole = recorded.flatMap((read) => cutAtParts(read));
  const kept = drawParts(whole, scale);
  const places = placesOf([...kept].sort((a, b) => a - b), scale);
  const factor = Math.min(1, scale.bootSetBytes / (bootChunks({ reads: whole.map(asTraceRead) }, scale.chunkBytes).length * scale.chunkBytes));
  const reads = whole.filter(({ offset }) => kept.has(partOf(offset)));
  return {
    diskBytes: scale.toDiskBytes,
    reads: reads.map((read, at) => {
      const earlier = reads.slice(0, at);
      const before = earlier.filter(({ answeredAt }) => answeredAt <= read.askedAt);
      const sinceSeconds = Math.max(earlier.at(-1)?.askedAt ?? read.askedAt, ...before.map(({ answeredAt }) => answeredAt));
      return {
        thinkUs: Math.round((read.askedAt - sinceSeconds) * factor * 1e6),
        offset: (places.get(partOf(read.offset)) ?? 0) * partBytes + (read.offset % partBytes),
        length: read.length,
        depth: earlier.length - before.length + 1,
      };
    }),
  };
}

function partOf(offset: number): number {
  return Math.floor(offset / partBytes);
}

function cutAtParts(read: RecordedRead): readonly RecordedRead[] {
  const pieces: RecordedRead[] = [];
  for (let offset = read.offset; offset < read.offset + read.length; ) {
    const end = Math.min(read.offset + read.length, (partOf(offset) + 1) * partBytes);
    pieces.push({ ...read, offset, length: end - offset });
    offset = end;
  }
  return pieces;
}

function drawParts(reads: readonly RecordedRead[], { bootSetBytes, chunkBytes, seed }: Scale): ReadonlySet<number> {
  const random = new SeededRandom(seed);
  const left = [...new Set(reads.map(({ offset }) => partOf(offset)))];
  const kept = new Set<number>();
  for (let held = 0; left.length > 0; ) {
    const [part] = left.splice(random.between(0, left.length - 1), 1);
    if (part === undefined) break;
    const bytes = bootChunks({ reads: reads.filter(({ offset }) => partOf(offset) === part).map(asTraceRead) }, chunkBytes).length * chunkBytes;
    // One that is too large is passed over; a smaller one may still fit.
    if (held + bytes > bootSetBytes) continue;
    kept.add(part);
    held += bytes;
  }
  return kept;
}

/** Where each kept part lies on the smaller disk: in proportion, and after the one before it. */
function placesOf(parts: readonly number[], { fromDiskBytes, toDiskBytes }: Scale): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  const room = Math.floor(toDiskBytes / partBytes);
  let next = 0;
  parts.forEach((part, at) => {
    const place = Math.min(Math.max(next, Math.floor((part * toDiskBytes) / fromDiskBytes)), room - (parts.length - at));
    places.set(part, place);
    next = place + 1;
  });
  return places;
}

function asTraceRead({ offset, length }: RecordedRead): TraceRead {
  return { thinkUs: 0, offset, length, depth: 1 };
}
