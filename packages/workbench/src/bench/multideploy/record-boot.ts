/**
 * `node packages/workbench/dist/bench/multideploy/record-boot.js LOG DISK_BYTES ORIGIN > packages/workbench/bench-files/debian-12-boot.json`
 *
 * Makes the trace that the bench replays from QEMU's log of a real boot; docs/performance.md says how that was taken.
 */
import { readFileSync } from 'node:fs';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { readsOfQemuLog, scaledBoot } from './boot-recording';
import { askedBytes, bootChunks, ownSeconds, writtenTrace } from './boot-trace';
import { bootSetBytes, imageBytes } from './sizes';

const [log, diskBytes, origin] = process.argv.slice(2);
if (log === undefined || diskBytes === undefined || origin === undefined) throw new Error('Usage: record-boot.js LOG DISK_BYTES ORIGIN');
// The firmware looks for a boot sector; the boot begins with the kernel's first read.
const [, ...reads] = readsOfQemuLog(readFileSync(log, 'utf8'));
const trace = scaledBoot(reads, { fromDiskBytes: Number(diskBytes), toDiskBytes: imageBytes, bootSetBytes, chunkBytes: defaultChunkBytes, seed: 5 });
process.stderr.write(`${String(trace.reads.length)} reads, ${String(askedBytes(trace))} bytes asked for in ${String(bootChunks(trace, defaultChunkBytes).length)} chunks, ${ownSeconds(trace).toFixed(2)} s of its own\n`);
process.stdout.write(writtenTrace({ origin, ...trace }));
