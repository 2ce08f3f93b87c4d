/**
 * Images on real hosts, through what may happen to them: each test boots guests that read their whole disk while something
 * breaks, and then compares every byte that was read, and every byte the hosts serve, with what was uploaded.
 */
import { mkdtemp, open, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listEvents } from '@paravcl/shared/api/events';
import { listSlaves } from '@paravcl/shared/api/slaves';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { MirrorClient } from '@paravcl/slave/disks/mirror-client';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { buildSync } from 'esbuild';
import { damage, dataFile, differing, holdingOf, ImageLab, killed, MiB, standingOf } from './image-lab';

jest.setTimeout(patienceMs);

const packages = join(__dirname, '../../..');

let lab: ImageLab;
let hosts: readonly LabHost[];
let one: LabHost;
let two: LabHost;
let three: LabHost;
/** What it did not sync is lost with its power. */
let four: LabHost;

beforeAll(async () => {
  lab = await ImageLab.open({ stateDir: await mkdtemp('/var/tmp/pvi-'), hosts: [{}, {}, {}, { poolLosesUnsynced: true }] });
  hosts = lab.site.hosts;
  [one, two, three, four] = ['host-1', 'host-2', 'host-3', 'host-4'].map((name) => lab.site.host(name)) as [LabHost, LabHost, LabHost, LabHost];
});
afterEach(() => lab.mend());
afterAll(() => lab.close());

const guestState = async (host: LabHost, { id }: { readonly id: string }): Promise<string> => (await host.evidence.virsh('domstate', '--reason', '--', id)).trim();
const boots = async (...launch: Parameters<ImageLab['launch']>) => {
  const instances = await lab.launch(...launch);
  return launch[1].map((host, index) => [host, instances[index] ?? missing(host)] as const);
};
const missing = (host: LabHost): never => {
  throw new Error(`Nothing was placed on ${host.name}.`);
};

test('guests on all hosts boot at once from an image that nobody has, and each byte leaves the master about once', async () => {
  const image = await lab.image('For all at once');
  const before = lab.egressBytes;
  const guests = await boots(image, hosts);
  await Promise.all(guests.map(([, instance]) => lab.runs(instance)));
  expect((lab.egressBytes - before) / (image.content.length + lab.bootFileBytes)).toBeLessThanOrEqual(1.3);
  await lab.checkEverything(image, guests);
});

test('guests finish their boot while the master is dead, as one host has the whole image; when it is back it goes on', async () => {
  const image = await lab.image('The master dies');
  await lab.whole(one, image);
  const guests = await boots(image, [two, three]);
  // Which chunks an image has only the master says.
  await Promise.all([lab.knows(two, image), lab.knows(three, image)]);
  await lab.inTheMiddle(two, image);
  await lab.killMaster();
  for (const [host, instance] of guests) expect(await lab.read(host, instance)).toBe(image.sha256);
  expect(lab.site.master.process.isRunning()).toBe(false);
  await lab.site.master.start();
  await lab.checkEverything(image, guests, [one, two, three]);
});

test('a guest reads on when the mirror of the host that has its image is killed', async () => {
  const image = await lab.image('A peer dies');
  await lab.whole(one, image);
  const guests = await boots(image, [two]);
  await lab.inTheMiddle(two, image);
  await killed(one.mirror);
  for (const [host, instance] of guests) expect(await lab.read(host, instance)).toBe(image.sha256);
  await one.startMirror();
  await lab.checkEverything(image, guests, [one, two]);
});

test('a guest whose own mirror is killed waits, and reads on when it is started again', async () => {
  const image = await lab.image('Its mirror dies');
  const guests = await boots(image, [two]);
  const [[, instance]] = guests as [(typeof guests)[number]];
  await lab.begins(two, instance);
  await lab.inTheMiddle(two, image);
  await killed(two.mirror);
  await eventually('it to be paused', patienceMs, async () => ((await guestState(two, instance)) === 'paused (I/O error)' ? true : undefined));
  await two.startMirror();
  await lab.checkEverything(image, guests);
});

test('a guest boots on while the agent of its host is dead, and is known to run when that is back', async () => {
  const image = await lab.image('The agent dies');
  const guests = await boots(image, [three]);
  const [[, instance]] = guests as [(typeof guests)[number]];
  await lab.begins(three, instance);
  await lab.inTheMiddle(three, image);
  await killed(three.agent);
  expect(await lab.read(three, instance)).toBe(image.sha256);
  expect(three.agentIsRunning).toBe(false);
  await three.startAgent();
  await lab.checkEverything(image, guests);
});

test('a guest that cannot get its image for long is paused, and goes on by itself when the link is back', async () => {
  const image = await lab.image('Cut off');
  const guests = await boots(image, [one]);
  const [[, instance]] = guests as [(typeof guests)[number]];
  await lab.begins(one, instance);
  // At first only what is open is cut: nobody notices.
  one.link?.reset();
  await lab.inTheMiddle(one, image);
  await one.unplug();
  await eventually('it to be paused', patienceMs, async () => ((await guestState(one, instance)) === 'paused (I/O error)' ? true : undefined));
  expect(await one.evidence.serialLog(instance.id)).not.toMatch(/^read /m);
  await one.plugIn();
  await lab.checkEverything(image, guests);
});

test('a guest boots on while the disk of its host is full, of which nothing is kept; with room there the image comes whole', async () => {
  const image = await lab.image('No room');
  const guests = await boots(image, [two]);
  const [[, instance]] = guests as [(typeof guests)[number]];
  await lab.begins(two, instance);
  await lab.inTheMiddle(two, image);
  const filler = join(two.pool, 'filler');
  await fill(filler);
  const mirror = new MirrorClient(two.pool);
  await eventually('the pool to be full', patienceMs, async () => ((await mirror.status()).poolFull ? true : undefined), { everyMs: 10 });
  expect(await lab.read(two, instance)).toBe(image.sha256);
  expect(await holdingOf(two, image.manifest)).toMatchObject({ complete: false });
  await rm(filler);
  await lab.whole(two, image);
  expect((await mirror.status()).poolFull).toBe(false);
  await lab.checkEverything(image, guests);
});

test('after a loss of power everything is hashed before it is served, and what was damaged meanwhile is fetched again', async () => {
  const [whole, part] = [await lab.image('Whole before'), await lab.image('In part before')];
  await lab.whole(four, whole);
  const guests = await boots(part, [four]);
  const [[, instance]] = guests as [(typeof guests)[number]];
  await lab.begins(four, instance);
  await lab.inTheMiddle(four, part);
  await writeSynced(join(four.pool, 'synced'));
  await writeFile(join(four.pool, 'unsynced'), 'lost');
  await four.powerOff();
  expect(await readFile(join(four.pool, 'synced'), 'utf8')).toBe('kept');
  await expect(readFile(join(four.pool, 'unsynced'), 'utf8')).rejects.toThrow('ENOENT');

  const kept = await keptChunk(four, part);
  await damage(four, whole, 7);
  await damage(four, part, kept);
  // Nobody can be asked at first, so what was damaged stays away.
  four.link?.refuse();
  four.link?.reset();
  await four.powerOn();
  await four.startAgent();
  await eventually('the damage to be found', patienceMs, async () => {
    const standing = await standingOf(four, whole.manifest);
    expect(standing?.complete ?? false).toBe(false);
    return standing !== null && standing.presentChunks === standing.totalChunks - 1 ? true : undefined;
  });
  four.link?.pass();
  await lab.whole(four, whole);
  expect(differing(await readFile(dataFile(four, whole.manifest)), whole.content)).toBe(0);
  expect(await lab.wrongBytes(four, whole)).toBe(0);
  await lab.checkEverything(part, guests);
  expect(await readFile(four.mirrorLog, 'utf8')).toContain(`Chunk ${String(kept)} of image ${part.manifest.slice(0, 12)} was damaged`);
});

test('of a new version a host that has the one before is sent only what changed', async () => {
  const first = await lab.image('Of versions');
  await lab.whole(three, first);
  const content = Buffer.from(first.content);
  const changed = [3, 4, 100];
  for (const index of changed) content.write('the second version', index * defaultChunkBytes + 500);
  const second = await lab.image('Of versions', content, { familyId: first.image.familyId });
  expect(second.image).toMatchObject({ familyId: first.image.familyId, version: 2 });
  const before = lab.egressBytes;
  const guests = await boots(second, [three]);
  expect(await lab.read(three, guests[0]?.[1] ?? missing(three))).toBe(second.sha256);
  expect(lab.egressBytes - before).toBeLessThan(changed.length * defaultChunkBytes + MiB / 2);
  await lab.checkEverything(second, guests);
});

test('a host that gives wrong bytes is caught by their hash, told of to operators and asked no more', async () => {
  const script = join(lab.site.options.stateDir, 'lying-mirror.js');
  buildSync({
    entryPoints: [join(__dirname, 'lying-mirror.ts')], outfile: script, bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'error',
    alias: Object.fromEntries(['shared', 'slave', 'workbench'].map((name) => [`@paravcl/${name}`, join(packages, name, 'src')])),
  });
  const image = await lab.image('Lied about');
  await killed(three.mirror);
  await three.startInPlaceOfMirror(script, [image.manifest, '--address', three.address]);
  const said = async (): Promise<string> => readFile(three.mirrorLog, 'utf8');
  const lies = async (): Promise<number> => [...(await said()).matchAll(/^lied \d+$/gm)].length;
  await eventually('others to be sent to the liar', patienceMs, async () => (/^serves$/m.test(await said()) ? true : undefined));
  const guests = await boots(image, [one, two]);
  for (const [host, instance] of guests) expect(await lab.read(host, instance)).toBe(image.sha256);
  const told = await lies();
  expect(told).toBeGreaterThan(0);

  const liar = (await lab.admin.call(listSlaves)).items.find(({ name }) => name === three.name);
  const { items } = await lab.admin.call(listEvents, { query: { kind: 'slave.wrong-bytes' } });
  expect(items).toEqual([expect.objectContaining({ subject: { type: 'slave', id: liar?.id }, sentence: expect.stringContaining(`host-3 gave`) as string })]);
  // Who comes later is not even sent to it.
  const later = await boots(image, [four]);
  await lab.checkEverything(image, [...guests, ...later]);
  expect(await lies()).toBe(told);
  await killed(three.mirror);
  await three.startMirror();
});

/** Takes all room but some KiB, for what the guest prints; chunks come meanwhile. */
async function fill(file: string): Promise<void> {
  const spareBytes = 256 * 1024;
  const filler = await open(file, 'w');
  try {
    for (let at = 0; ; ) {
      const { bavail, bsize } = await statfs(file);
      const room = Math.min(MiB, bavail * bsize - spareBytes);
      if (room < bsize) return;
      at += (await filler.write(Buffer.alloc(room, 1), 0, room, at)).bytesWritten;
    }
  } finally {
    await filler.close();
  }
}

async function writeSynced(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.write('kept');
  await file.sync();
  await file.close();
}

/** A chunk of the image that the host's disk holds. */
async function keptChunk(host: LabHost, { manifest, content, chunks }: Awaited<ReturnType<ImageLab['image']>>): Promise<number> {
  const bits = await readFile(join(dataFile(host, manifest), '../present'));
  const data = await readFile(dataFile(host, manifest));
  for (let index = 0; index < chunks; index += 1) {
    const [from, to] = [index * defaultChunkBytes, (index + 1) * defaultChunkBytes];
    const isMarked = ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
    if (isMarked && data.subarray(from, to).equals(content.subarray(from, to))) return index;
  }
  throw new Error('The disk holds no chunk of the image.');
}
