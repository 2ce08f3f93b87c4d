/**
 * What a qcow2 header says, as far as it matters at intake (QEMU's docs/interop/qcow2.txt). A header that
 * names a backing or data file makes every tool read that file, so it is refused here, by our own parser,
 * before any tool touches the upload.
 */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly virtualSizeBytes: number;
}

export class Qcow2Refusal extends Error {
  override readonly name = 'Qcow2Refusal';
}

/** Bytes of the file's start that `parseQcow2Header` wants to see; a shorter file is given whole. */
export const qcow2HeaderBytes = 64 * 1024;

const incompatible = {
  dirty: 1n << 0n,
  corrupt: 1n << 1n,
  dataFile: 1n << 2n,
  compressionType: 1n << 3n,
  extendedL2: 1n << 4n,
} as const;
const known = Object.values(incompatible).reduce((all, bit) => all | bit, 0n);

const extensions = { end: 0, backingFormat: 0xe2792aca, dataFile: 0x44415441 } as const;

/** Reads the header at the start of a qcow2 file. Throws Qcow2Refusal that names what is wrong. */
export function parseQcow2Header(start: Buffer, largestVirtualBytes: number): Qcow2Header {
  if (start.length < 72 || start.readUInt32BE(0) !== 0x514649fb) refuse('it does not begin as a qcow2 file does. Was a raw image announced as qcow2?');
  const version = start.readUInt32BE(4);
  if (version !== 2 && version !== 3) refuse(`it is qcow2 of version ${version}; versions 2 and 3 are taken.`);
  if (start.readBigUInt64BE(8) !== 0n || start.readUInt32BE(16) !== 0) {
    refuse('it names a backing file. Flatten it first: qemu-img convert -O qcow2 in.qcow2 out.qcow2');
  }
  const clusterBits = start.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) refuse(`its cluster size of 2^${clusterBits} bytes is outside 512 bytes to 2 MiB.`);
  const virtualSize = start.readBigUInt64BE(24);
  if (virtualSize === 0n) refuse('its virtual size is zero.');
  if (virtualSize > BigInt(largestVirtualBytes)) refuse(`its virtual size of ${virtualSize} bytes exceeds the limit of ${largestVirtualBytes}.`);
  if (start.readUInt32BE(32) !== 0) refuse('it is encrypted. Decrypt it first: slaves hold no keys of images.');
  if (start.readUInt32BE(60) !== 0) refuse('it holds internal snapshots. Remove them first: qemu-img convert -O qcow2 in.qcow2 out.qcow2');

  let headerLength = 72;
  if (version === 3) {
    if (start.length < 104) refuse('its header is cut off.');
    checkIncompatible(start.readBigUInt64BE(72));
    headerLength = start.readUInt32BE(100);
    if (headerLength < 104 || headerLength > start.length) refuse(`its header length of ${headerLength} bytes is impossible.`);
  }
  checkExtensions(start, headerLength, Math.min(start.length, 2 ** clusterBits));
  return { version, virtualSizeBytes: Number(virtualSize) };
}

function checkIncompatible(features: bigint): void {
  if ((features & incompatible.dataFile) !== 0n) refuse('it keeps its data in another file. Convert it first: qemu-img convert -O qcow2 in.qcow2 out.qcow2');
  if ((features & incompatible.corrupt) !== 0n) refuse('it is marked as corrupt. Repair it first: qemu-img check -r all in.qcow2');
  if ((features & incompatible.dirty) !== 0n) refuse('it was not closed cleanly. Repair it first: qemu-img check -r all in.qcow2');
  const unknown = features & ~known;
  if (unknown !== 0n) refuse(`it needs features this version does not know (bits 0x${unknown.toString(16)}).`);
}

/** Header extensions: type and length, then data padded to 8 bytes, until type 0 or the first cluster's end. */
function checkExtensions(start: Buffer, from: number, end: number): void {
  for (let at = from; at + 8 <= end; ) {
    const type = start.readUInt32BE(at);
    const length = start.readUInt32BE(at + 4);
    if (type === extensions.end) return;
    if (type === extensions.dataFile) refuse('it names a data file. Convert it first: qemu-img convert -O qcow2 in.qcow2 out.qcow2');
    if (type === extensions.backingFormat) refuse('it names the format of a backing file. Flatten it first: qemu-img convert -O qcow2 in.qcow2 out.qcow2');
    if (length > end - at - 8) refuse('a header extension runs past the header.');
    at += 8 + Math.ceil(length / 8) * 8;
  }
}

function refuse(why: string): never {
  throw new Qcow2Refusal(`The image was refused: ${why}`);
}
