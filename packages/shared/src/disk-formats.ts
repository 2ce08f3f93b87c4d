/** A file format that disks, or what people take for disks, come in. */
export interface DiskFormat {
  /** As in "This is …". */
  readonly name: string;
  /** Whether qemu-img reads it. */
  readonly convertible: boolean;
  /** For what it does not read. */
  readonly wayOut: string;
}

interface Mark extends DiskFormat {
  readonly at: number;
  readonly bytes: Buffer;
}

const convertible = (name: string, at: number, bytes: Buffer): Mark => ({ name, at, bytes, convertible: true, wayOut: '' });
const packed = (name: string, tool: string, bytes: Buffer): Mark => ({ name, at: 0, bytes, convertible: false, wayOut: `unpack it with "${tool}" first` });
const text = (characters: string): Buffer => Buffer.from(characters, 'latin1');

/** Marks at fixed places, as QEMU's block drivers and file(1) know them; the more telling ones first. */
const marks: readonly Mark[] = [
  convertible('a qcow2 image', 0, text('QFI\xfb\x00\x00\x00\x03')),
  convertible('a qcow2 image', 0, text('QFI\xfb\x00\x00\x00\x02')),
  convertible('a QCOW image of version 1', 0, text('QFI\xfb\x00\x00\x00\x01')),
  convertible('a VMDK image', 0, text('KDMV')),
  convertible('a VMDK image', 0, text('COWD')),
  convertible('the description of a VMDK image', 0, text('# Disk DescriptorFile')),
  convertible('a VDI image', 0x40, text('\x7f\x10\xda\xbe')),
  convertible('a VHDX image', 0, text('vhdxfile')),
  convertible('a VHD image', 0, text('conectix')),
  convertible('a QED image', 0, text('QED\0')),
  convertible('a Parallels image', 0, text('WithoutFreeSpace')),
  convertible('a Parallels image', 0, text('WithouFreSpacExt')),
  convertible('a Bochs image', 0, text('Bochs Virtual HD Image')),
  { name: 'an encrypted disk (LUKS)', at: 0, bytes: text('LUKS\xba\xbe'), convertible: false, wayOut: 'hosts hold no keys for it: decrypt it first' },
  packed('a file packed by gzip', 'gunzip', text('\x1f\x8b')),
  packed('a file packed by xz', 'unxz', text('\xfd7zXZ\0')),
  packed('a file packed by Zstandard', 'unzstd', text('\x28\xb5\x2f\xfd')),
  packed('a file packed by bzip2', 'bunzip2', text('BZh')),
  packed('a ZIP archive', 'unzip', text('PK\x03\x04')),
  { name: 'a tar archive, perhaps an OVA', at: 257, bytes: text('ustar'), convertible: false, wayOut: 'unpack it with "tar -xf" first and convert the disk in it' },
  { name: 'an ISO 9660 image (a CD or DVD)', at: 0x8001, bytes: text('CD001'), convertible: false, wayOut: 'install from it onto a disk and upload that, or announce it as raw if it boots as a disk' },
];

/** What the first bytes of a file look like (64 KiB of them show everything); null for a plain disk or anything else. */
export function diskFormatOf(start: Buffer): DiskFormat | null {
  return marks.find(({ at, bytes }) => start.length >= at + bytes.length && start.subarray(at, at + bytes.length).equals(bytes)) ?? null;
}
