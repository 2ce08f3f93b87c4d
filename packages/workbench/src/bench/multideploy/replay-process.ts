/** Plays guests that boot: a process of its own, so that the bench's own work delays nobody. Ends with the bench. */
import { open, type FileHandle } from 'node:fs/promises';
import { median } from '../report';
import { goFirst } from './go-first';
import { readBootTrace, withoutPauses, type BootTrace } from './boot-trace';
import { servedByMirror } from './mirror-control';
import { NbdClient } from './nbd-client';
import { replay, type Replayed } from './replay';
import type { BootReport, GuestDisk, LatencyOrder, LatencyReport, ReplayOrder } from './replay-orders';

const smallBytes = 4096;

goFirst(process.pid);
process.on('message', (message: { readonly id: number; readonly order: ReplayOrder | LatencyOrder }) => {
  const { id, order } = message;
  (order.do === 'boot' ? bootAll(order) : latencyOf(order)).then(
    (report) => process.send?.({ id, report }),
    (error: unknown) => process.send?.({ id, fault: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());

async function bootAll({ guests, traceFile, imageFile, withPauses, oneAfterAnother }: ReplayOrder): Promise<BootReport> {
  const recorded = await readBootTrace(traceFile);
  const trace = withPauses ? recorded : withoutPauses(recorded);
  const right = await rightBytes(trace, imageFile);
  const cpuBefore = process.cpuUsage();
  const begunAt = performance.now();
  const replayed: Replayed[] = [];
  if (oneAfterAnother) for (const guest of guests) replayed.push(await boot(guest, trace, right));
  else replayed.push(...(await Promise.all(guests.map((guest) => boot(guest, trace, right)))));
  const seconds = (performance.now() - begunAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { guests: replayed, seconds, cpuSeconds: (user + system) / 1e6 };
}

/** From the agent's word to its mirror to the last byte. */
async function boot(guest: GuestDisk, trace: BootTrace, right: readonly Buffer[]): Promise<Replayed> {
  const begunAt = performance.now();
  const disk = await openDisk(guest);
  const openedMs = performance.now() - begunAt;
  const { answeredAtMs, wrongBytes } = await replay(trace, disk, (at) => right[at] ?? Buffer.alloc(0));
  const seconds = (performance.now() - begunAt) / 1000;
  disk.close();
  return { seconds, answeredAtMs: answeredAtMs.map((ms) => openedMs + ms), wrongBytes };
}

async function latencyOf({ guest, chunks, chunkBytes, reads }: LatencyOrder): Promise<LatencyReport> {
  const disk = await openDisk(guest);
  const tookMs: number[] = [];
  for (let read = 0; read < reads; read += 1) {
    // Steps that are no divisor of anything: neither the same chunk nor the next page twice in a row.
    const chunk = chunks[(read * 37) % chunks.length] ?? 0;
    const page = (read * 7) % (chunkBytes / smallBytes);
    const askedAt = performance.now();
    await disk.read(chunk * chunkBytes + page * smallBytes, smallBytes);
    tookMs.push(performance.now() - askedAt);
  }
  disk.close();
  return { p50Ms: median(tookMs) };
}

async function openDisk({ mirror, socket, exportName }: GuestDisk): Promise<NbdClient> {
  if (mirror !== null) await servedByMirror(mirror);
  return NbdClient.open(socket, exportName);
}

async function rightBytes({ reads }: BootTrace, imageFile: string): Promise<readonly Buffer[]> {
  const file = await open(imageFile, 'r');
  try {
    return await Promise.all(reads.map(({ offset, length }) => bytesAt(file, offset, length)));
  } finally {
    await file.close();
  }
}

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead !== length) throw new RangeError(`The image ends before byte ${String(offset + length)}.`);
  return buffer;
}
