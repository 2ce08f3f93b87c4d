import { diskFormatOf } from '@paravcl/shared/disk-formats';
import type { ImageFormat, ImageKind } from '@paravcl/shared/domain/image';
import { MiB } from '@paravcl/shared/domain/limits';
import { readQcow2Header } from '@paravcl/shared/qcow2-header';

export interface CheckedImage {
  /** Size the guest sees, MiB rounded up; null for kernels and ramdisks. */
  readonly virtualSizeMiB: number | null;
  /** Something odd that does not forbid its use. */
  readonly warning: string | null;
}

/**
 * Looks at the start of a complete upload. A raw disk is never probed: it is what it was announced as,
 * whatever its bytes look like (format probing lets an upload choose how it is read).
 * Throws Qcow2Refused.
 */
export function checkImage(image: { readonly kind: ImageKind; readonly format: ImageFormat; readonly sizeBytes: number }, start: Buffer): CheckedImage {
  switch (image.kind) {
    case 'disk': {
      const bytes = image.format === 'raw' ? image.sizeBytes : readQcow2Header(start, image.sizeBytes).virtualSizeBytes;
      return { virtualSizeMiB: Math.ceil(bytes / MiB), warning: image.format === 'raw' ? oddRawDisk(start) : null };
    }
    case 'kernel':
      return { virtualSizeMiB: null, warning: isBzImage(start) ? null : 'This does not look like a Linux bzImage; a guest may not boot with it.' };
    case 'ramdisk':
      return { virtualSizeMiB: null, warning: null };
  }
}

const qcow2Name = 'a qcow2 image';

/** A raw disk stays what it was announced as, but whoever took its file for something else learns it here. */
function oddRawDisk(start: Buffer): string | null {
  const looksLike = diskFormatOf(start);
  if (looksLike === null) return null;
  const mended = looksLike.name === qcow2Name ? 'announce it anew as qcow2' : `announce ${looksLike.convertible ? 'it anew once "qemu-img convert -O qcow2" made it qcow2' : 'what is in it anew'}`;
  return `This begins like ${looksLike.name}. It is kept byte for byte as the raw disk it was announced as, and guests see it so; if that was a mistake, ${mended} and delete this one.`;
}

/** Boot sector mark and the "HdrS" of the Linux/x86 boot protocol. */
function isBzImage(start: Buffer): boolean {
  return start.length >= 0x206 && start.readUInt16LE(0x1fe) === 0xaa55 && start.toString('latin1', 0x202, 0x206) === 'HdrS';
}
