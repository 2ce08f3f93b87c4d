import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskFormatOf } from './disk-formats';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'disk-formats-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

test.each([
  ['vmdk', [], 'a VMDK image'],
  ['vmdk', ['-o', 'subformat=monolithicFlat'], 'the description of a VMDK image'],
  ['vdi', [], 'a VDI image'],
  ['vhdx', [], 'a VHDX image'],
  ['vpc', [], 'a VHD image'],
  ['qed', [], 'a QED image'],
  ['parallels', [], 'a Parallels image'],
  ['qcow', [], 'a QCOW image of version 1'],
  ['qcow2', [], 'a qcow2 image'],
  ['qcow2', ['-o', 'compat=0.10'], 'a qcow2 image'],
])('names what qemu-img makes as %s (%p)', (format, options, name) => {
  const path = join(directory, 'image');
  execFileSync('qemu-img', ['create', '-q', '-f', format, ...options, path, '16M']);
  expect(diskFormatOf(readFileSync(path).subarray(0, 65_536))?.name).toBe(name);
});

test.each([
  ['gzip', 'a file packed by gzip'],
  ['xz', 'a file packed by xz'],
])('names what %s packs', (tool, name) => {
  expect(diskFormatOf(execFileSync(tool, ['-c'], { input: 'disk' }))?.name).toBe(name);
});

test('names an encrypted disk, an archive and a CD by their marks', () => {
  const at = (offset: number, mark: string): Buffer => Buffer.concat([Buffer.alloc(offset), Buffer.from(mark, 'latin1'), Buffer.alloc(100)]);
  expect(diskFormatOf(at(0, 'LUKS\xba\xbe'))?.name).toMatch(/LUKS/);
  expect(diskFormatOf(at(257, 'ustar'))?.name).toMatch(/tar archive/);
  expect(diskFormatOf(at(0x8001, 'CD001'))?.name).toMatch(/ISO 9660/);
});

test('a plain disk and a short file are none of these', () => {
  const disk = Buffer.alloc(65_536);
  disk.writeUInt16LE(0xaa55, 510);
  expect(diskFormatOf(disk)).toBeNull();
  expect(diskFormatOf(Buffer.from('Q'))).toBeNull();
  expect(diskFormatOf(Buffer.alloc(0))).toBeNull();
});
