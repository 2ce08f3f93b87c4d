import { mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunkCount, isZeroChunk } from '@paravcl/shared/chunks/manifest';
import { eventually } from '@paravcl/workbench/eventually';
import { Daemon } from '@paravcl/workbench/process/daemon';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { buildSync } from 'esbuild';
import { hostFiles, type FileLayer } from '../../src/mirror/file-layer';
import { FullDisk } from '../fixtures/full-disk';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { HonestSource, imageOf, testContent } from '../fixtures/test-image';

jest.setTimeout(120_000);

const image = imageOf(testContent(24 * 1024 * 1024 + 512, 1));
/** The next version: a tenth is another. */
const newer = imageOf(Buffer.concat([testContent(2 * 1024 * 1024, 9), image.content.subarray(2 * 1024 * 1024)]));
/** Chunks that are not zeros. */
const chunksOf = ({ manifest }: typeof image): number => Array.from({ length: chunkCount(manifest) }, (_, index) => index).filter((index) => !isZeroChunk(manifest, index)).length;

let directory: string;
let pool: string;
let raw: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mirror-'));
  pool = join(directory, 'pool');
  mkdirSync(pool);
  raw = join(directory, 'content.raw');
  await writeFile(raw, image.content);
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const socket = (): string => join(pool, 'mirror', 'nbd.sock');
const url = (name = image.id): string => `nbd+unix:///${name}?socket=${socket()}`;
/** With the wait for a mirror that is away, which a URL cannot say. */
const waiting = (): string => `driver=nbd,server.type=unix,server.path=${socket()},export=${image.id},reconnect-delay=60`;

function qemuImg(...args: readonly string[]): Promise<string> {
  return runProgram('qemu-img', args);
}

function qemuIo(target: string, ...commands: readonly string[]): Promise<string> {
  return runProgram('qemu-io', ['-f', 'raw', ...commands.flatMap((command) => ['-c', command]), target]);
}

describe('with its source at hand', () => {
  let source: HonestSource;
  let mirror: MirrorOfPool;

  beforeEach(async () => {
    source = new HonestSource(image, newer);
    mirror = await MirrorOfPool.start(pool, source);
  });

  afterEach(async () => {
    await mirror.stop();
  });

  test('QEMU copies, compares and maps an image that is not here; each chunk comes once and the file is then a plain raw one', async () => {
    const stored = await mirror.images.open(image.id);
    const copy = join(directory, 'copy.raw');
    await qemuImg('convert', '-f', 'raw', '-O', 'raw', url(), copy);
    expect((await readFile(copy)).equals(image.content)).toBe(true);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
    expect(source.asked).toHaveLength(chunksOf(image));
    await eventually('all chunks kept', 5000, () => (stored.isComplete ? true : undefined));
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, stored.path)).toMatch(/identical/);
    const map = JSON.parse(await qemuImg('map', '--output=json', '-f', 'raw', url())) as { readonly start: number; readonly length: number; readonly zero: boolean }[];
    expect(map.filter(({ zero }) => zero).map(({ start, length }) => [start, length])).toEqual(Array.from({ length: 77 }, (_, at) => [(at * 5 + 4) * 65_536, at === 76 ? 512 : 65_536]));
    // Holes stay holes on the disk of this host.
    expect((await stat(stored.path)).blocks * 512).toBeLessThan(image.content.length * 0.9);
  });

  test('QEMU reads any range and writes none', async () => {
    await mirror.images.open(image.id);
    for (const [offset, length] of [[0, 1], [65_535, 2], [1_000_000, 300_000], [image.content.length - 511, 511]] as const) {
      const dump = await runProgram('qemu-io', ['-r', '-f', 'raw', '-c', `read -v ${offset} ${length}`, url()]);
      const bytes = dump.split('\n').flatMap((line) => (/^[0-9a-f]{8}:/.test(line) ? line.slice(11, 58).trim().split(/\s+/) : []));
      expect(Buffer.from(bytes.join(''), 'hex').equals(image.content.subarray(offset, offset + length))).toBe(true);
    }
    await expect(qemuIo(url(), 'write 0 4096')).rejects.toThrow(/read-only|Permission|permitted/i);
    await expect(qemuImg('info', '-f', 'raw', url('f'.repeat(64)))).rejects.toThrow(/no such image|not available/i);
    await expect(qemuImg('info', '-f', 'raw', url('../../etc/passwd'))).rejects.toThrow(/no such image|not available/i);
  });

  test('an overlay over it keeps what is written and reads the rest through it', async () => {
    await mirror.images.open(image.id);
    const overlay = join(directory, 'overlay.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on,cluster_size=128k', '-b', url(), '-F', 'raw', overlay);
    await runProgram('qemu-io', ['-f', 'qcow2', '-c', 'write -P 0xab 5000 70000', '-c', 'write -P 0xcd 20000000 512', overlay]);
    const expected = Buffer.from(image.content);
    expected.fill(0xab, 5000, 75_000).fill(0xcd, 20_000_000, 20_000_512);
    await writeFile(raw, expected);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'qcow2', raw, overlay)).toMatch(/identical/);
    const whole = await mirror.images.find(image.id)?.read(0, image.content.length);
    expect(whole?.equals(image.content)).toBe(true);
  });

  test('many readers of one image at the same time make each chunk come once', async () => {
    await mirror.images.open(image.id);
    await Promise.all(
      Array.from({ length: 6 }, async (_, at) => {
        const copy = join(directory, `copy-${at}.raw`);
        await qemuImg('convert', '-f', 'raw', '-O', 'raw', url(), copy);
        expect((await readFile(copy)).equals(image.content)).toBe(true);
      }),
    );
    expect(source.asked).toHaveLength(chunksOf(image));
  });

  test('of a newer version only what changed is fetched', async () => {
    await (await mirror.images.open(image.id)).read(0, image.content.length);
    await eventually('the first version', 5000, () => (mirror.images.find(image.id)?.isComplete === true ? true : undefined));
    const before = source.asked.length;
    await mirror.images.open(newer.id);
    await writeFile(raw, newer.content);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url(newer.id))).toMatch(/identical/);
    // 2 MiB are 32 chunks, of which six are zeros.
    expect(source.asked.length - before).toBe(26);
  });

  test('what it has is there after its end and start, with the source away', async () => {
    await mirror.images.open(image.id);
    const copy = join(directory, 'copy.raw');
    await qemuImg('convert', '-f', 'raw', '-O', 'raw', url(), copy);
    await mirror.stop();
    source.isAway = true;
    mirror = await MirrorOfPool.start(pool, source, { bootId: 'boot-2' });
    expect(mirror.images.find(image.id)?.isComplete).toBe(true);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
  });

  test('what an unclean end of the host left wrong is fetched again, and no wrong byte is read', async () => {
    const stored = await mirror.images.open(image.id);
    await stored.read(0, image.content.length);
    await eventually('the image', 5000, () => (stored.isComplete ? true : undefined));
    await stored.flush();
    await mirror.stop({ crash: true });
    const bytes = await readFile(stored.path);
    bytes.fill(0x77, 3_000_000, 3_200_000);
    // A hole, too.
    bytes.fill(0x77, 4 * 65_536, 4 * 65_536 + 100);
    await writeFile(stored.path, bytes);
    const before = source.asked.length;
    mirror = await MirrorOfPool.start(pool, source, { bootId: 'boot-2' });
    expect(mirror.images.find(image.id)?.isComplete).toBe(false);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
    expect(source.asked.length - before).toBeGreaterThan(0);
    expect(source.asked.length - before).toBeLessThanOrEqual(4);
    await eventually('the file whole and true again', 5000, () => (mirror.images.find(image.id)?.isComplete === true ? true : undefined));
    expect((await readFile(stored.path)).equals(image.content)).toBe(true);
  });

  test('on a full disk the bytes that are read are right; what could not be kept is kept when there is room', async () => {
    await mirror.stop();
    const full = fullLayer(40);
    mirror = await MirrorOfPool.start(pool, source, { files: full.files });
    const stored = await mirror.images.open(image.id);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
    await eventually('the full pool', 5000, () => (mirror.images.poolFull ? true : undefined));
    expect([stored.isComplete, stored.storedBytes]).toEqual([false, 40 * 65_536]);
    full.empty();
    await eventually('room again', 15_000, () => (mirror.images.poolFull ? undefined : true));
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
    await eventually('the image', 5000, () => (stored.isComplete ? true : undefined));
  });

  test('when not even the manifest can be written, it is said that there is no room, and opening works once there is', async () => {
    const disk = await FullDisk.fill();
    try {
      await expect(mirror.images.open(image.id)).rejects.toThrow(/no room for image .* in the pool/);
    } finally {
      disk.free();
    }
    await mirror.images.open(image.id);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
  });
});

/** The host's files on a disk that takes so many chunks and no more, until it is emptied. */
function fullLayer(chunks: number): { readonly files: FileLayer; empty(): void } {
  let left = chunks;
  const files: FileLayer = {
    ...hostFiles,
    open: async (path) => {
      const file = await hostFiles.open(path);
      if (!path.endsWith('/data')) return file;
      return {
        ...file,
        write: async (data, position) => {
          if (left > 0) {
            left -= 1;
            return file.write(data, position);
          }
          await file.write(data.subarray(0, 1000), position);
          throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        },
      };
    },
  };
  return { files, empty: () => (left = Number.POSITIVE_INFINITY) };
}

test('readers of a mirror that is killed again and again wait, and read the right bytes; nothing comes twice but the last second', async () => {
  const script = join(directory, 'mirror-process.js');
  buildSync({ entryPoints: [join(__dirname, '../fixtures/mirror-process.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: script, logLevel: 'error' });
  const fetchedFile = join(directory, 'fetched');
  await writeFile(fetchedFile, '');
  const words = (): readonly string[] => readFileSync(fetchedFile, 'utf8').trimEnd().split('\n');
  const fetched = (): readonly string[] => words().filter((word) => word !== 'serves' && word !== '');
  const start = async (): Promise<Daemon> => {
    const times = words().filter((word) => word === 'serves').length;
    const daemon = Daemon.start({ name: 'mirror', script, args: [pool, raw, fetchedFile], logFile: join(directory, 'mirror.log') });
    await eventually('the mirror', 20_000, () => {
      daemon.checkAlive();
      return words().filter((word) => word === 'serves').length > times ? true : undefined;
    });
    return daemon;
  };
  let daemon = await start();
  try {
    const copy = join(directory, 'copy.raw');
    const copying = qemuImg('convert', '--image-opts', '-O', 'raw', waiting(), copy);
    copying.catch(() => undefined);
    for (const count of [60, 150, 230]) {
      await eventually(`${count} chunks`, 30_000, () => (fetched().length >= count ? true : undefined), { everyMs: 5 });
      daemon.kill('SIGKILL');
      await eventually('its end', 5000, () => (daemon.isRunning() ? undefined : true), { everyMs: 5 });
      daemon = await start();
    }
    await copying;
    expect((await readFile(copy)).equals(image.content)).toBe(true);
    // A bit follows its bytes within a second, in which at 4 ms a chunk 250 come: three kills, and no more.
    const again = fetched().length - new Set(fetched()).size;
    expect(new Set(fetched()).size).toBe(chunksOf(image));
    expect(again).toBeLessThanOrEqual(230);
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
    const before = fetched().length;
    // 385 chunks.
    const allBits = Buffer.concat([Buffer.alloc(48, 0xff), Buffer.from([1])]);
    await eventually('its bits', 5000, async () => ((await readFile(join(pool, 'mirror', 'images', image.id, 'present'))).equals(allBits) ? true : undefined));
    daemon.kill('SIGKILL');
    daemon = await start();
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, url())).toMatch(/identical/);
    expect(fetched().length).toBe(before);
  } finally {
    await daemon.stop();
  }
});
