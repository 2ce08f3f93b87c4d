import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { chunkCount, isZeroChunk } from '@paravcl/shared/chunks/manifest';
import type { ImageFormat, ImageKind } from '@paravcl/shared/domain/image';
import { MiB } from '@paravcl/shared/domain/limits';
import { Qcow2Refused, readQcow2Header } from '@paravcl/shared/qcow2-header';
import { ChunkStore } from '../../src/store/chunk-store';
import { chunkBytesFor } from '../../src/store/content-chunker';
import { ContentReader } from '../../src/store/content-reader';
import { DirectoryBackend } from '../../src/store/directory-backend';
import { ImageConversion } from '../../src/store/image-conversion';
import { ImageIntake, type TakenImage } from '../../src/store/image-intake';
import { ImageStore } from '../../src/store/image-store';
import { S3Backend } from '../../src/store/s3-backend';

jest.setTimeout(120_000);

const tight = { memoryMiB: 4096, seconds: 60, secondsPerGiB: 60, reserveBytes: 0 };
let directory: string;
let uploads: ImageStore;
let store: ChunkStore;
let intake: ImageIntake;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'image-intake-'));
  uploads = new ImageStore(join(directory, 'images'));
  store = new ChunkStore(new DirectoryBackend(join(directory, 'store')));
  await uploads.open();
  await store.open();
  intake = new ImageIntake(uploads, store, new ImageConversion(tight));
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const qemuImg = (...words: string[]): string => execFileSync('qemu-img', words, { env: { ...process.env, LC_ALL: 'C' }, encoding: 'utf8' });
const made = (name: string): string => join(directory, name);

/** A disk with data, holes, text and noise in it. */
function disk(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 40_000 < sizeBytes; at += 150_000) {
    randomBytes(20_000).copy(bytes, at);
    bytes.write('some text '.repeat(2000), at + 20_000);
  }
  return bytes;
}

/** As if this file had been uploaded and its hash had been right. */
async function upload(file: string): Promise<string> {
  const imageId = randomUUID();
  const bytes = readFileSync(file);
  await uploads.receive({ imageId, sizeBytes: bytes.length, sha256: sha256(bytes) }, (async function* () { yield await Promise.resolve(bytes); })(), 0, false);
  return imageId;
}

async function take(file: string, format: ImageFormat, kind: ImageKind = 'disk', onProgress: (percent: number) => void = () => undefined): Promise<TakenImage> {
  const imageId = await upload(file);
  return intake.take({ imageId, kind, format, sizeBytes: statSync(file).size }, onProgress);
}

const unexpected = (_: string, index: number, error: unknown): void => {
  throw new Error(`chunk ${String(index)}`, { cause: error });
};

async function contentOf({ manifestId }: Pick<TakenImage, 'manifestId'>, offset = 0): Promise<Buffer> {
  const { stream } = await new ContentReader(store, unexpected).open(manifestId, offset);
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

test('a raw disk is read from its chunks byte for byte, from any offset, padded to whole sectors', async () => {
  const bytes = disk(3 * MiB + 777);
  writeFileSync(made('raw'), bytes);
  const taken = await take(made('raw'), 'raw');
  const padded = Buffer.concat([bytes, Buffer.alloc(512 - (bytes.length % 512))]);
  expect(taken).toMatchObject({ contentSha256: sha256(padded), contentBytes: padded.length, virtualSizeMiB: 4, warning: null });
  expect((await contentOf(taken)).equals(padded)).toBe(true);
  for (const offset of [1, 65_535, 65_536, 1_000_001, padded.length - 1, padded.length]) expect((await contentOf(taken, offset)).equals(padded.subarray(offset))).toBe(true);
  await expect(new ContentReader(store, unexpected).open(taken.manifestId, padded.length + 1)).rejects.toMatchObject({ code: 'invalid-input' });
  await expect(new ContentReader(store, unexpected).open('0'.repeat(64), 0)).rejects.toMatchObject({ code: 'not-found' });
});

test('a content that is damaged where a reader begins is said to be, and is given up to the damage otherwise', async () => {
  writeFileSync(made('raw'), randomBytes(8 * 65_536));
  const { manifestId } = await take(made('raw'), 'raw');
  for (const pack of readdirSync(join(directory, 'store', 'packs'))) {
    const path = join(directory, 'store', 'packs', pack);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(readFileSync(made('raw')).subarray(6 * 65_536, 6 * 65_536 + 100));
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  }
  const told: number[] = [];
  const reader = new ContentReader(store, (id, index) => void told.push(id === manifestId ? index : -1));
  await expect(reader.open(manifestId, 6 * 65_536 + 5)).rejects.toMatchObject({ code: 'store-damaged', message: expect.stringMatching(/or upload the image again/) as string });
  const { stream } = await reader.open(manifestId, 0);
  let bytes = 0;
  await expect((async () => { for await (const piece of stream) bytes += (piece as Buffer).length; })()).rejects.toThrow('damaged');
  expect(bytes).toBe(6 * 65_536);
  expect(told).toEqual([6, 6]);
  expect((await contentOf({ manifestId }, 7 * 65_536)).length).toBe(65_536);
});

test.each([
  ['as qemu-img makes it', []],
  ['of version 2', ['-o', 'compat=0.10']],
  ['compressed', ['-c']],
  ['compressed by Zstandard', ['-c', '-o', 'compression_type=zstd']],
  ['with extended level 2 entries', ['-o', 'extended_l2=on,cluster_size=128k']],
  ['with small clusters', ['-o', 'cluster_size=4k']],
])('a qcow2 %s becomes the same content as its raw disk', async (_, options) => {
  const bytes = disk(4 * MiB);
  writeFileSync(made('raw'), bytes);
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options, made('raw'), made('qcow2'));
  const percent: number[] = [];
  const taken = await take(made('qcow2'), 'qcow2', 'disk', (now) => percent.push(now));
  expect(taken).toMatchObject({ contentSha256: sha256(bytes), contentBytes: bytes.length, virtualSizeMiB: 4 });
  expect((await take(made('raw'), 'raw')).manifestId).toBe(taken.manifestId);
  expect(percent.at(-1)).toBe(100);
  expect(percent).toEqual([...new Set(percent)].sort((a, b) => a - b));
  expect(readdirSync(join(directory, 'images')).filter((name) => name.endsWith('.raw'))).toEqual([]);
});

test('a raw disk that begins with a qcow2 header stays the bytes it is, and whoever announced it is told what it looks like', async () => {
  writeFileSync(made('secret'), 'a secret of the host');
  qemuImg('create', '-q', '-f', 'qcow2', '-b', made('secret'), '-F', 'raw', made('trap'), '1M');
  const bytes = readFileSync(made('trap'));
  const taken = await take(made('trap'), 'raw');
  expect(taken.warning).toMatch(/begins like a qcow2 image/);
  expect(taken.warning).toMatch(/if that was a mistake, announce it anew as qcow2 and delete this one\.$/);
  expect((await contentOf(taken)).subarray(0, bytes.length).equals(bytes)).toBe(true);
});

test('kernels and ramdisks are kept as they are, without padding', async () => {
  const kernel = Buffer.concat([Buffer.from('not a kernel'), randomBytes(70_001)]);
  writeFileSync(made('kernel'), kernel);
  const taken = await take(made('kernel'), 'raw', 'kernel');
  expect(taken).toMatchObject({ contentSha256: sha256(kernel), contentBytes: kernel.length, virtualSizeMiB: null });
  expect(taken.warning).toMatch(/bzImage/);
  expect((await contentOf(await take(made('kernel'), 'raw', 'ramdisk'))).equals(kernel)).toBe(true);
});

test('of two versions only the chunks that differ are kept, and holes cost nothing', async () => {
  const first = disk(8 * MiB);
  writeFileSync(made('first'), first);
  const second = Buffer.from(first);
  second.write('another version', 5 * MiB);
  writeFileSync(made('second'), second);
  const one = await take(made('first'), 'raw');
  const before = store.stats();
  const two = await take(made('second'), 'raw');
  expect(store.stats().chunks).toBe(before.chunks + 1);
  expect(two.manifestId).not.toBe(one.manifestId);
  closeSync(openSync(made('hole'), 'w'));
  truncateSync(made('hole'), 300 * MiB);
  const { manifest } = (await store.manifest((await take(made('hole'), 'raw')).manifestId)) ?? {};
  expect(manifest === undefined ? 0 : chunkCount(manifest)).toBe(4800);
  expect(manifest !== undefined && Array.from({ length: 4800 }, (_, index) => isZeroChunk(manifest, index)).every(Boolean)).toBe(true);
  expect(store.stats().chunks).toBe(before.chunks + 1);
});

test('what was taken is held against sweeps until it is released', async () => {
  writeFileSync(made('raw'), disk(MiB));
  const taken = await take(made('raw'), 'raw');
  await store.sweep(() => Promise.resolve([]));
  expect((await contentOf(taken)).length).toBe(MiB);
  taken.release();
  await store.sweep(() => Promise.resolve([]));
  expect(store.stats()).toMatchObject({ chunks: 0, manifests: 0 });
});

test('an image that is deleted while it is taken ends there, leaves no file, and holds nothing', async () => {
  writeFileSync(made('raw'), disk(6 * MiB));
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('qcow2'));
  for (const from of [0, 60]) {
    const gone = new Error('deleted meanwhile');
    const taking = take(made('qcow2'), 'qcow2', 'disk', (percent) => {
      if (percent >= from) throw gone;
    });
    await expect(taking).rejects.toBe(gone);
  }
  expect(readdirSync(join(directory, 'images')).filter((name) => name.endsWith('.raw'))).toEqual([]);
  await store.sweep(() => Promise.resolve([]));
  expect(store.stats().chunks).toBe(0);
});

describe('a hostile image', () => {
  const secret = 'the secret of the host '.repeat(50);
  beforeEach(() => {
    writeFileSync(made('secret'), secret);
    truncateSync(made('secret'), MiB);
    writeFileSync(made('raw'), disk(4 * MiB));
  });

  async function refused(file: string): Promise<string> {
    const error: unknown = await take(file, 'qcow2').then(() => null, (thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Qcow2Refused);
    expect(store.stats().chunks).toBe(0);
    expect(readdirSync(join(directory, 'images')).filter((name) => name.endsWith('.raw'))).toEqual([]);
    return (error as Error).message;
  }

  /** Bytes written over a copy of a sound image. */
  function changed(at: number, bytes: Buffer): string {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('changed'));
    const file = openSync(made('changed'), 'r+');
    writeSync(file, bytes, 0, bytes.length, at);
    closeSync(file);
    return made('changed');
  }
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const u64 = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return bytes;
  };

  test('with a backing file, by every way of naming one, is refused', async () => {
    for (const [format, name] of [['raw', made('secret')], ['qcow2', 'json:{"driver":"qcow2","file":{"driver":"file","filename":"/etc/passwd"}}'], ['raw', 'nbd://127.0.0.1:1/x']]) {
      qemuImg('create', '-q', '-u', '-f', 'qcow2', '-F', format ?? '', '-b', name ?? '', made('child'), '1M');
      expect(await refused(made('child'))).toMatch(/backing file/);
    }
    // Without a name, and without an offset.
    expect(await refused(changed(16, u32(5)))).toMatch(/backing file/);
    expect(await refused(changed(8, u64(600n)))).toMatch(/backing file/);
  });

  test('with an external data file is refused, also when only the extension names it', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${made('data')},data_file_raw=on`, made('split'), '1M');
    expect(await refused(made('split'))).toMatch(/another file/);
    expect(await refused(changed(72, u64(4n)))).toMatch(/another file/);
  });

  test('that is encrypted, marked corrupt, of an unknown version, with unknown features or internal snapshots is refused', async () => {
    expect(await refused(changed(32, u32(1)))).toMatch(/encrypted/);
    expect(await refused(changed(32, u32(2)))).toMatch(/encrypted/);
    expect(await refused(changed(72, u64(2n)))).toMatch(/corrupt/);
    expect(await refused(changed(72, u64(1n << 40n)))).toMatch(/unknown incompatible/);
    expect(await refused(changed(4, u32(4)))).toMatch(/version 4/);
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('snapshot'));
    qemuImg('snapshot', '-c', 'one', made('snapshot'));
    expect(await refused(made('snapshot'))).toMatch(/internal snapshots/);
  });

  test('of absurd sizes is refused before anything is written', async () => {
    expect(await refused(changed(24, u64(1n << 62n)))).toMatch(/^The image’s disk has 4294967296 GiB; at most 4096 GiB are taken/);
    expect(await refused(changed(24, u64(0n)))).toMatch(/empty/);
    expect(await refused(changed(20, u32(31)))).toMatch(/cluster size/);
    expect(await refused(changed(36, u32(0xffffffff)))).toMatch(/level 1 table has/);
    expect(await refused(changed(36, u32(0)))).toMatch(/level 1 table is too short/);
    expect(await refused(changed(40, u64(3n)))).toMatch(/level 1 table is at byte 3/);
    expect(await refused(changed(48, u64(0n)))).toMatch(/reference count table/);
    qemuImg('create', '-q', '-f', 'qcow2', made('large'), '5T');
    expect(await refused(made('large'))).toMatch(/5120 GiB; at most 4096 GiB/);
  });

  test('that is shorter than its tables say, or whose tables point beyond its end or at one another, is refused as damaged', async () => {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('cut'));
    const whole = statSync(made('cut')).size;
    truncateSync(made('cut'), Math.floor(whole / 2));
    expect(await refused(made('cut'))).toMatch(/^The image is damaged \(\d+ errors by qemu-img check\): it was cut short or copied badly; export it again\.$/);
    truncateSync(made('cut'), 65_536);
    expect(await refused(made('cut'))).toMatch(/table reaches to byte \d+, and its file has 65536: it was cut short/);
    expect(await refused(changed(40, u64(1n << 50n)))).toMatch(/level 1 table reaches to byte/);
    expect(await refused(changed(48, u64(1n << 50n)))).toMatch(/reference count table reaches to byte/);
    const header = readFileSync(changed(0, Buffer.alloc(0)));
    const l1 = header.readBigUInt64BE(40);
    const l2 = header.readBigUInt64BE(Number(l1)) & 0x00ff_ffff_ffff_fe00n;
    const copied = 1n << 63n;
    for (const [what, at, value] of [
      ['data beyond the end', l2, copied | (1n << 40n)],
      ['a level 1 entry that names its own table', l1, copied | l1],
      ['data that is a level 2 table', l2, copied | l2],
    ] as const) expect([what, await refused(changed(Number(at), u64(value)))]).toEqual([what, expect.stringMatching(/is damaged \(\d+ errors? by qemu-img check\)/)]);
  });

  test('with clusters that nothing names is taken: they are only lost', async () => {
    const leaking = changed(0, Buffer.alloc(0));
    const header = readFileSync(leaking);
    const block = Number(header.readBigUInt64BE(Number(header.readBigUInt64BE(48))));
    // 16 bits a cluster: one behind the last that is used.
    const clusters = Math.ceil(header.length / 65_536);
    truncateSync(leaking, (clusters + 1) * 65_536);
    const file = openSync(leaking, 'r+');
    writeSync(file, Buffer.from([0, 1]), 0, 2, block + 2 * clusters);
    closeSync(file);
    expect(spawnSync('qemu-img', ['check', '-f', 'qcow2', leaking]).status).toBe(3);
    expect(await take(leaking, 'qcow2')).toMatchObject({ contentBytes: 4 * MiB });
  });

  test('that was not closed in order and whose counts are behind is refused with how to mend it', async () => {
    const dirty = changed(72, u64(1n));
    const header = readFileSync(dirty);
    const block = Number(header.readBigUInt64BE(Number(header.readBigUInt64BE(48))));
    const file = openSync(dirty, 'r+');
    writeSync(file, Buffer.from([0, 0]), 0, 2, block + 2 * (Math.ceil(header.length / 65_536) - 1));
    closeSync(file);
    expect(await refused(dirty)).toMatch(/^The image was not closed in order \(2 errors by qemu-img check\).*qemu-img check -r all/);
  });

  test('of another format is refused by its name, with the way out', async () => {
    for (const [format, name] of [['vmdk', 'VMDK'], ['vdi', 'VDI'], ['vhdx', 'VHDX'], ['vpc', 'VHD'], ['qed', 'QED']]) {
      qemuImg('convert', '-f', 'raw', '-O', format ?? '', made('raw'), made('other'));
      expect(await refused(made('other'))).toBe(`This is a ${name ?? ''} image, not a qcow2 image; convert it with "qemu-img convert -O qcow2" first.`);
    }
    writeFileSync(made('disk'), disk(MiB));
    expect(await refused(made('disk'))).toMatch(/announce it as raw/);
  });

  test('whose tables point anywhere is refused by qemu-img in its cage, or read as something of its own', async () => {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('sound'));
    const sound = readFileSync(made('sound'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(6 * 65_536), fc.uint8Array({ minLength: 1, maxLength: 8 })), { minLength: 1, maxLength: 20 }), async (changes) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) Buffer.from(value).copy(bytes, at % bytes.length);
        writeFileSync(made('fuzzed'), bytes);
        try {
          const taken = await take(made('fuzzed'), 'qcow2');
          expect((await contentOf(taken)).includes('the secret of the host')).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(Qcow2Refused);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('never makes the parser throw anything but a refusal, nor read anything but the bytes it is given', () => {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('sound'));
    const sound = readFileSync(made('sound')).subarray(0, 1024);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1023), fc.oneof(fc.nat(255), fc.constantFrom(0, 0xff, 0x80))), { maxLength: 20 }), fc.nat(1024), (changes, length) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          expect(readQcow2Header(bytes.subarray(0, length), 6 * 65_536).virtualSizeBytes).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Qcow2Refused);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the conversion', () => {
  beforeEach(() => {
    writeFileSync(made('raw'), disk(4 * MiB));
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', made('raw'), made('qcow2'));
  });
  const source = (): { file: string; bytes: number; virtualSizeBytes: number } => ({ file: made('qcow2'), bytes: 4 * MiB, virtualSizeBytes: 4 * MiB });

  /** A directory with these programs only; the ones given as text are scripts. */
  function programs(found: Readonly<Record<string, string | null>>): string {
    const path = made('bin');
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
    for (const [name, script] of Object.entries(found)) {
      if (script === null) symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(path, name));
      else {
        writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
        chmodSync(join(path, name), 0o755);
      }
    }
    return path;
  }

  test('says which package is missing', async () => {
    const without = (found: Readonly<Record<string, string | null>>): Promise<void> => new ImageConversion(tight, programs(found)).toRaw(source(), made('out'), () => undefined);
    await expect(without({})).rejects.toThrow(/prlimit is not installed.*util-linux/);
    await expect(without({ prlimit: null })).rejects.toThrow(/setpriv is in the package util-linux/);
    await expect(without({ prlimit: null, setpriv: null })).rejects.toThrow(/qemu-img in qemu-utils/);
    // As an answer, not as a fault: who uploaded can do something about it.
    await expect(without({ prlimit: null, setpriv: null })).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^qemu-img is not installed on the master/) as string });
  });

  test('knows which program is missing without converting anything', async () => {
    const missing = async (found: Readonly<Record<string, null>>): Promise<string | undefined> => (await new ImageConversion(tight, programs(found)).missing())?.message.split(' ')[0];
    expect(await missing({})).toBe('prlimit');
    expect(await missing({ prlimit: null })).toBe('setpriv');
    expect(await missing({ prlimit: null, setpriv: null })).toBe('qemu-img');
    expect(await missing({ prlimit: null, setpriv: null, 'qemu-img': null })).toBeUndefined();
  });

  test('runs qemu-img with limits on memory, time, files and their size, and with explicit formats', async () => {
    const path = programs({ prlimit: null, setpriv: null, 'qemu-img': `ulimit -v -t -f -n -c > ${made('limits')}; /bin/cat /proc/self/limits > ${made('limits')}; echo "$@" > ${made('words')}` });
    await new ImageConversion(tight, path).toRaw(source(), made('out'), () => undefined);
    const limits = readFileSync(made('limits'), 'latin1');
    expect(limits).toMatch(new RegExp(`Max address space +${String(4096 * MiB)} `));
    expect(limits).toMatch(/Max cpu time +61 /);
    expect(limits).toMatch(new RegExp(`Max file size +${String(20 * MiB)} `));
    expect(limits).toMatch(/Max open files +64 /);
    expect(limits).toMatch(/Max core file size +0 /);
    expect(readFileSync(made('words'), 'utf8')).toBe(`convert -p -f qcow2 -O raw -S 4k -- ${made('qcow2')} ${made('out')}\n`);
  });

  test('is preceded by a check in the same cage, which writes nothing', async () => {
    const words = programs({ prlimit: null, setpriv: null, 'qemu-img': 'echo "$@" >&2; exit 1' });
    await expect(new ImageConversion(tight, words).check(source(), { dirty: false })).rejects.toThrow('The image cannot be read: check --output=json -f qcow2 -- the image.');
    const limits = programs({ prlimit: null, setpriv: null, 'qemu-img': 'while read -r line; do case $line in "Max file size"*|"Max cpu time"*|"Max address"*) told="$told $line";; esac; done < /proc/self/limits; echo $told >&2; exit 1' });
    await expect(new ImageConversion(tight, limits).check(source(), { dirty: false })).rejects.toThrow(new RegExp(`cpu time 61 .*file size 0 0 .*address space ${String(4096 * MiB)} `));
    const endless = programs({ prlimit: null, setpriv: null, 'qemu-img': 'exec /bin/sleep 1000' });
    await expect(new ImageConversion({ ...tight, seconds: 1, secondsPerGiB: 0 }, endless).check(source(), { dirty: false })).rejects.toThrow(/took more than it may \(1 s/);
    await expect(new ImageConversion(tight, programs({ prlimit: null, setpriv: null })).check(source(), { dirty: false })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('ends one that takes too long, or wants too much', async () => {
    const path = programs({ prlimit: null, setpriv: null, 'qemu-img': 'exec /bin/sleep 1000' });
    await expect(new ImageConversion({ ...tight, seconds: 1, secondsPerGiB: 0 }, path).toRaw(source(), made('out'), () => undefined)).rejects.toThrow(/took more than it may \(1 s.*Write it anew with "qemu-img convert -O qcow2"\.$/);
    const spins = programs({ prlimit: null, setpriv: null, 'qemu-img': `/usr/bin/head -c 30000000 /dev/zero > ${made('out')}` });
    await expect(new ImageConversion(tight, spins).toRaw(source(), made('out'), () => undefined)).rejects.toThrow(Qcow2Refused);
    expect(statSync(made('out')).size).toBeLessThanOrEqual(20 * MiB);
  });

  test('stops when the room that is kept free is touched, and says so', async () => {
    const path = programs({ prlimit: null, setpriv: null, 'qemu-img': 'exec /bin/sleep 1000' });
    const greedy = new ImageConversion({ ...tight, reserveBytes: Number.MAX_SAFE_INTEGER }, path);
    await expect(greedy.toRaw(source(), made('out'), () => undefined)).rejects.toMatchObject({ code: 'storage-full' });
  });

  test('of a small file with a large disk ends long before the room that is kept free, however fast it writes', async () => {
    // 3 GiB that are one cluster: counted right, so no check refuses it. As in docs/interop/qcow2.txt of QEMU.
    const clusterBytes = 65_536;
    const disk = 3 * 1024 * MiB;
    qemuImg('create', '-q', '-f', 'qcow2', made('packed'), String(disk));
    const packed = Buffer.concat([readFileSync(made('packed')), Buffer.alloc(6 * clusterBytes)]).subarray(0, 6 * clusterBytes);
    const [table, data] = [4 * clusterBytes, 5 * clusterBytes];
    const l1 = Number(packed.readBigUInt64BE(40));
    const l1Entries = packed.readUInt32BE(36);
    for (let entry = 0; entry < l1Entries; entry += 1) packed.writeBigUInt64BE(BigInt(table), l1 + 8 * entry);
    for (let entry = 0; entry < clusterBytes / 8; entry += 1) packed.writeBigUInt64BE(BigInt(data), table + 8 * entry);
    packed.fill('always the same', data);
    const counts = Number(packed.readBigUInt64BE(Number(packed.readBigUInt64BE(48))));
    packed.writeUInt16BE(l1Entries, counts + 2 * 4);
    packed.writeUInt16BE(disk / clusterBytes, counts + 2 * 5);
    writeFileSync(made('packed'), packed);
    const memory = mkdtempSync('/dev/shm/image-intake-');
    try {
      const { bavail, bsize } = await statfs(memory);
      const untilEnd = 512 * MiB;
      const conversion = new ImageConversion({ ...tight, reserveBytes: (bavail * bsize - untilEnd) / 4 });
      const hostile = { file: made('packed'), bytes: packed.length, virtualSizeBytes: disk };
      await conversion.check(hostile, { dirty: false });
      await expect(conversion.toRaw(hostile, join(memory, 'out'), () => undefined)).rejects.toMatchObject({ code: 'storage-full' });
      // Less than three times the usual reserve beyond the point where it is ended.
      expect(statSync(join(memory, 'out')).blocks * 512).toBeLessThan(untilEnd + 3 * 64 * MiB);
    } finally {
      rmSync(memory, { recursive: true });
    }
  });

  test('tells what qemu-img said, without the paths of the master', async () => {
    const path = programs({ prlimit: null, setpriv: null, 'qemu-img': 'for last; do :; done; echo "qemu-img: error while writing $last: Invalid argument" >&2; exit 1' });
    await expect(new ImageConversion(tight, path).toRaw(source(), made('out'), () => undefined)).rejects.toThrow('The image cannot be read: qemu-img: error while writing the image: Invalid argument. Export it again, or write it anew with "qemu-img convert -O qcow2".');
  });
});

describe('the room an intake may need', () => {
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  };

  test('is that of the rest of the upload, of its disk made raw, and of its chunks; who lacks it is told all of them', async () => {
    const sizeBytes = Math.floor((await free()) / 2.5);
    await intake.requireRoom({ format: 'raw', sizeBytes }, sizeBytes);
    await intake.requireRoom({ format: 'qcow2', sizeBytes }, 0);
    const refused: unknown = await intake.requireRoom({ format: 'qcow2', sizeBytes }, sizeBytes).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'storage-full', message: expect.stringMatching(/\d+ MiB are free, and it takes \d+ MiB: \d+ MiB for the rest of the upload, \d+ MiB for its disk made raw, \d+ MiB for its chunks; beside them 64 MiB are kept free/) as string });
  });

  test('is not that of chunks which lie on another machine', async () => {
    const bucket = new ChunkStore(new S3Backend({ endpoint: 'https://store.example', bucket: 'chunks', region: 'x', accessKeyId: 'x', secretKey: 'x' }));
    const sizeBytes = Math.floor((await free()) / 1.5);
    await expect(intake.requireRoom({ format: 'raw', sizeBytes }, sizeBytes)).rejects.toMatchObject({ code: 'storage-full' });
    await new ImageIntake(uploads, bucket, new ImageConversion(tight)).requireRoom({ format: 'raw', sizeBytes }, sizeBytes);
  });
});

test('uploads that were being converted when the master was killed leave nothing after a start', async () => {
  writeFileSync(made('raw'), disk(MiB));
  const imageId = await upload(made('raw'));
  copyFileSync(made('raw'), uploads.rawFile(imageId));
  await new ImageStore(join(directory, 'images')).open();
  expect(existsSync(uploads.rawFile(imageId))).toBe(false);
  expect(readFileSync(await uploads.file(imageId)).equals(readFileSync(made('raw')))).toBe(true);
  await uploads.sweep(new Set());
  await expect(uploads.file(imageId)).rejects.toMatchObject({ code: 'not-found' });
});

test('a disk has chunks of 64 KiB up to 512 GiB, larger ones have larger chunks so that a manifest stays short', () => {
  const GiB = 1024 * MiB;
  expect(chunkBytesFor(1)).toBe(65_536);
  expect(chunkBytesFor(512 * GiB)).toBe(65_536);
  expect(chunkBytesFor(513 * GiB)).toBe(131_072);
  expect(chunkBytesFor(4096 * GiB)).toBe(524_288);
});
