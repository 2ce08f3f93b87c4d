import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Qcow2Refused, readQcow2Header, type Qcow2Header } from './qcow2-header';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'qcow2-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function made(name: string, ...args: string[]): Buffer {
  const path = join(directory, name);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, path, '64M'], { env: { ...process.env, LC_ALL: 'C' } });
  return readFileSync(path);
}

/** Of a file that is these bytes. */
const read = (bytes: Buffer): Qcow2Header => readQcow2Header(bytes, bytes.length);

test.each([
  ['plain', []],
  ['v2', ['-o', 'compat=0.10']],
  ['extended', ['-o', 'extended_l2=on,cluster_size=128k']],
  ['zstd', ['-o', 'compression_type=zstd']],
])('takes what qemu-img makes: %s', (name, args) => {
  expect(read(made(name, ...args)).virtualSizeBytes).toBe(64 * 1024 * 1024);
});

test('refuses an image with a backing file', () => {
  made('base');
  expect(() => read(made('child', '-b', join(directory, 'base'), '-F', 'qcow2'))).toThrow(/backing file/);
});

test('refuses an image that keeps its data in another file', () => {
  expect(() => read(made('split', '-o', `data_file=${join(directory, 'data')},data_file_raw=on`))).toThrow(/another file/);
});

test.each([
  ['AES', 1],
  ['LUKS', 2],
])('refuses an image encrypted with %s', (_, method) => {
  // crypt_method, docs/interop/qcow2.txt of QEMU. Having qemu-img make a LUKS header measures the processor, which fails on a busy one.
  const bytes = made('encrypted');
  bytes.writeUInt32BE(method, 32);
  expect(() => read(bytes)).toThrow(/encrypted/);
});

test('refuses a raw file and an unknown incompatible feature', () => {
  expect(() => read(Buffer.alloc(4096))).toThrow(/not a qcow2/);
  const bytes = made('future');
  bytes[72] = 0x80;
  expect(() => read(bytes)).toThrow(/unknown incompatible/);
});

test.each([
  ['level 1', 40],
  ['reference count', 48],
])('refuses an image whose %s table lies beyond the end of its file', (name, at) => {
  const bytes = made('beyond');
  bytes.writeBigUInt64BE(2n ** 50n, at);
  expect(() => read(bytes)).toThrow(new RegExp(`${name} table reaches to byte 112589990684\\d+, and its file has ${String(bytes.length)}: it was cut short or copied badly; export it again`));
});

test('refuses an image that ends within its level 1 table, and takes one that ends with it', () => {
  const bytes = made('short');
  const end = Number(bytes.readBigUInt64BE(40)) + 8 * bytes.readUInt32BE(36);
  expect(readQcow2Header(bytes, end).virtualSizeBytes).toBe(64 * 1024 * 1024);
  expect(() => readQcow2Header(bytes, end - 1)).toThrow(/cut short/);
});

test('says of a file that begins like a qcow2 image and ends within its header that it is cut short', () => {
  for (const length of [8, 50, 71, 103]) expect(() => read(made('begun').subarray(0, length))).toThrow(/^The image ends within its header, after \d+ bytes: it was cut short or copied badly; export it again\.$/);
});

test('says of every refusal what to do', () => {
  const written = (at: number, value: bigint, size: 4 | 8): string => {
    const bytes = made('refused');
    if (size === 4) bytes.writeUInt32BE(Number(value), at);
    else bytes.writeBigUInt64BE(value, at);
    try {
      read(bytes);
      return 'taken';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const anew = 'write it anew with "qemu-img convert -O qcow2"';
  expect(written(4, 4n, 4)).toBe(`qcow2 version 4 is unknown; versions 2 and 3 are taken: ${anew}.`);
  expect(written(20, 31n, 4)).toBe(`The image’s cluster size 2^31 is outside 2^9 to 2^21; ${anew}.`);
  expect(written(24, 0n, 8)).toBe('The image’s disk is empty: it has no bytes. Export it again.');
  expect(written(24, 2n ** 43n, 8)).toBe('The image’s disk has 8192 GiB; at most 4096 GiB are taken. Shrink it with "qemu-img resize --shrink" after shrinking what is on it.');
  expect(written(32, 1n, 4)).toBe('The image is encrypted, and hosts hold no keys for it: decrypt it first.');
  expect(written(36, 0xffffffffn, 4)).toBe(`The image’s level 1 table has 4294967295 entries; QEMU takes at most 4194304: ${anew}.`);
  expect(written(40, 3n, 8)).toBe('The image’s level 1 table is at byte 3, where none can be; mend it with "qemu-img check -r all", or export it again.');
  expect(written(72, 2n ** 40n, 8)).toBe(`The image uses unknown incompatible features (0x10000000000); ${anew}.`);
  expect(written(100, 99n, 4)).toBe(`The qcow2 header's length 99 is wrong; ${anew}.`);
});

test('tells whether an image was closed in order', () => {
  const bytes = made('dirty', '-o', 'lazy_refcounts=on');
  expect(read(bytes).dirty).toBe(false);
  bytes.writeBigUInt64BE(1n, 72);
  expect(read(bytes).dirty).toBe(true);
});

test('answers or refuses any bytes, and never throws anything else', () => {
  const image = made('fuzzed').subarray(0, 512);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(511), fc.nat(255)), { maxLength: 12 }), fc.nat(512), (changes, length) => {
      const bytes = Buffer.from(image);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        expect(readQcow2Header(bytes.subarray(0, length), 4 * 65_536).virtualSizeBytes).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(Qcow2Refused);
      }
    }),
  );
});
