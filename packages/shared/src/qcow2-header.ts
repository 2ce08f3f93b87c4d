import { diskFormatOf } from './disk-formats';

/**
 * What a qcow2 header says, read by our own eyes before any tool opens the file: a header that names a
 * backing file or a data file makes QEMU read that file of the host, whoever uploaded the image.
 * After docs/interop/qcow2.txt of QEMU.
 */
export interface Qcow2Header {
  readonly version: 2 | 3;
  /** Size of the disk the guest sees, bytes. */
  readonly virtualSizeBytes: number;
  readonly clusterBytes: number;
  /** Not closed in order: its reference counts may be behind its tables, which themselves are right. */
  readonly dirty: boolean;
}

/** Bytes from the start of the file that `readQcow2Header` needs. */
export const qcow2HeaderBytes = 64 * 1024;

/** The file is no qcow2 image, or one that is not taken; the message says which and what to do. */
export class Qcow2Refused extends Error {
  override readonly name = 'Qcow2Refused';
}

const magic = 0x514649fb;
/** Incompatible features: dirty (repaired by QEMU when opened) and extended L2 entries are harmless. */
const incompatible = { dirty: 1n << 0n, corrupt: 1n << 1n, dataFile: 1n << 2n, compression: 1n << 3n, extendedL2: 1n << 4n } as const;
const accepted = incompatible.dirty | incompatible.compression | incompatible.extendedL2;
const extensionTypes = { end: 0, backingFormat: 0xe2792aca, dataFile: 0x44415441, encryption: 0x0537be77 } as const;
const oneGiB = 2n ** 30n;
/** 4 TiB: reading one through takes most of an hour, all zeros as it may be. */
const largestDiskBytes = 4096n * oneGiB;
/** Way out where qemu-img reads what we do not take. */
const writeAnew = 'write it anew with "qemu-img convert -O qcow2"';
const cutShort = 'it was cut short or copied badly; export it again';
const largestL1Entries = (32n * 1024n * 1024n) / 8n;
/** Of both tables. */
const entryBytes = 8n;
/** Bits 56 to 63 of offsets are flags or reserved. */
const largestOffset = 2n ** 56n;

/**
 * Parses the first bytes of a file (`qcow2HeaderBytes` of them, or the whole file when it is shorter), which has `fileBytes`.
 * Throws Qcow2Refused for another format, a backing file, an external data file, encryption, internal
 * snapshots, a corrupt mark, tables beyond the end of the file, or a feature bit this code does not know.
 */
export function readQcow2Header(bytes: Buffer, fileBytes: number): Qcow2Header {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== magic) throw new Qcow2Refused(whatElse(bytes));
  const version = bytes.readUInt32BE(4);
  if (bytes.length < (version === 3 ? 104 : 72)) throw new Qcow2Refused(`The image ends within its header, after ${bytes.length} bytes: ${cutShort}.`);
  if (version === 3) checkVersion3(bytes);
  if (version !== 2 && version !== 3) throw new Qcow2Refused(`qcow2 version ${version} is unknown; versions 2 and 3 are taken: ${writeAnew}.`);
  if (bytes.readBigUInt64BE(8) !== 0n || bytes.readUInt32BE(16) !== 0) {
    throw new Qcow2Refused('The image names a backing file; flatten it with "qemu-img convert -O qcow2" first.');
  }
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw new Qcow2Refused(`The image’s cluster size 2^${clusterBits} is outside 2^9 to 2^21; ${writeAnew}.`);
  const virtualSize = bytes.readBigUInt64BE(24);
  if (virtualSize === 0n) throw new Qcow2Refused('The image’s disk is empty: it has no bytes. Export it again.');
  if (virtualSize > largestDiskBytes) {
    throw new Qcow2Refused(`The image’s disk has ${(virtualSize + oneGiB - 1n) / oneGiB} GiB; at most ${largestDiskBytes / oneGiB} GiB are taken. Shrink it with "qemu-img resize --shrink" after shrinking what is on it.`);
  }
  if (bytes.readUInt32BE(32) !== 0) throw new Qcow2Refused('The image is encrypted, and hosts hold no keys for it: decrypt it first.');
  const features = version === 3 ? bytes.readBigUInt64BE(72) : 0n;
  checkTables(bytes, { virtualSize, fileBytes: BigInt(fileBytes), clusterBits: BigInt(clusterBits), extendedL2: (features & incompatible.extendedL2) !== 0n });
  if (bytes.readUInt32BE(60) !== 0) throw new Qcow2Refused('The image holds internal snapshots; delete them with "qemu-img snapshot -d" first.');
  checkExtensions(bytes, version === 3 ? bytes.readUInt32BE(100) : 72);
  return { version, virtualSizeBytes: Number(virtualSize), clusterBytes: 2 ** clusterBits, dirty: (features & incompatible.dirty) !== 0n };
}

/** Says by its name what the file is instead, and what to do with it. */
function whatElse(bytes: Buffer): string {
  const other = diskFormatOf(bytes);
  if (other === null) return 'The file is not a qcow2 image. If it is a plain disk, announce it as raw.';
  if (other.convertible) return `This is ${other.name}, not a qcow2 image; convert it with "qemu-img convert -O qcow2" first.`;
  return `This is ${other.name}, not a qcow2 image; ${other.wayOut}.`;
}

interface TableFacts {
  readonly virtualSize: bigint;
  readonly fileBytes: bigint;
  readonly clusterBits: bigint;
  readonly extendedL2: boolean;
}

/**
 * Level 1 table: as long as the disk needs, not longer than QEMU takes (32 MiB), on a cluster, not over the header, and whole
 * in the file; and the first of what counts references. Behind the end of a file QEMU reads zeros: an empty disk, and no word.
 */
function checkTables(bytes: Buffer, { virtualSize, fileBytes, clusterBits, extendedL2 }: TableFacts): void {
  const cluster = 1n << clusterBits;
  const ofOneL1 = (cluster / (extendedL2 ? 16n : 8n)) << clusterBits;
  const l1Entries = BigInt(bytes.readUInt32BE(36));
  if (l1Entries * ofOneL1 < virtualSize) throw new Qcow2Refused('The image’s level 1 table is too short for its disk; mend it with "qemu-img check -r all" first.');
  if (l1Entries > largestL1Entries) throw new Qcow2Refused(`The image’s level 1 table has ${l1Entries} entries; QEMU takes at most ${largestL1Entries}: ${writeAnew}.`);
  for (const [name, at, entries] of [['level 1', 40, l1Entries], ['reference count', 48, 1n]] as const) {
    const offset = bytes.readBigUInt64BE(at);
    if (offset < cluster || offset % cluster !== 0n || offset > largestOffset) throw new Qcow2Refused(`The image’s ${name} table is at byte ${offset}, where none can be; mend it with "qemu-img check -r all", or export it again.`);
    const end = offset + entries * entryBytes;
    if (end > fileBytes) throw new Qcow2Refused(`The image’s ${name} table reaches to byte ${end}, and its file has ${fileBytes}: ${cutShort}.`);
  }
}

function checkVersion3(bytes: Buffer): void {
  const features = bytes.readBigUInt64BE(72);
  if ((features & incompatible.dataFile) !== 0n) throw new Qcow2Refused('The image keeps its data in another file; flatten it with "qemu-img convert -O qcow2" first.');
  if ((features & incompatible.corrupt) !== 0n) throw new Qcow2Refused('The image is marked corrupt; mend it with "qemu-img check -r all" first.');
  const unknown = features & ~accepted;
  if (unknown !== 0n) throw new Qcow2Refused(`The image uses unknown incompatible features (0x${unknown.toString(16)}); ${writeAnew}.`);
  const headerLength = bytes.readUInt32BE(100);
  if (headerLength < 104 || headerLength % 8 !== 0 || headerLength > bytes.length) throw new Qcow2Refused(`The qcow2 header's length ${headerLength} is wrong; ${writeAnew}.`);
}

/** Header extensions: type and length, 4 bytes each, then data padded to 8; type 0 ends them. */
function checkExtensions(bytes: Buffer, start: number): void {
  let at = start;
  while (at + 8 <= bytes.length) {
    const type = bytes.readUInt32BE(at);
    const length = bytes.readUInt32BE(at + 4);
    if (type === extensionTypes.end) return;
    if (type === extensionTypes.backingFormat) throw new Qcow2Refused('The image names the format of a backing file; flatten it with "qemu-img convert -O qcow2" first.');
    if (type === extensionTypes.dataFile) throw new Qcow2Refused('The image keeps its data in another file; flatten it with "qemu-img convert -O qcow2" first.');
    if (type === extensionTypes.encryption) throw new Qcow2Refused('The image is encrypted, and hosts hold no keys for it: decrypt it first.');
    at += 8 + Math.ceil(length / 8) * 8;
  }
  throw new Qcow2Refused(`The qcow2 header’s extensions have no end; ${writeAnew}.`);
}
