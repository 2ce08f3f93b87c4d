/**
 * Images on real hosts, through what may happen to them: each test boots guests that read their whole disk while something
 * breaks, and then compares every byte that was read, and every byte the hosts serve, with what was uploaded.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listEvents } from '@paravcl/shared/api/events';
import { listImageSlaves } from '@paravcl/shared/api/image-readiness';
import { getImage, getImageContent } from '@paravcl/shared/api/images';
import { stopInstance } from '@paravcl/shared/api/instances';
import { getReservation, requestReservation } from '@paravcl/shared/api/reservations';
import { listSlaves } from '@paravcl/shared/api/slaves';
import { createStoreVerification, getLatestStoreVerification } from '@paravcl/shared/api/store';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import type { Instance } from '@paravcl/shared/domain/instance';
import { MirrorClient } from '@paravcl/slave/disks/mirror-client';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { labLayout } from '@paravcl/workbench/lab/lab-layout';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { buildSync } from 'esbuild';
import { damagePacks, packsOf } from './damaged-packs';
import { damage, dataFile, differing, holdingOf, ImageLab, killed, MiB, standingOf, type TrialImage } from './image-lab';

jest.setTimeout(patienceMs);

const hour = 3_600_000;
const packages = join(__dirname, '../../..');

let lab: ImageLab;
let hosts: readonly LabHost[];
let one: LabHost;
let two: LabHost;
let three: LabHost;
/** What it did not sync is lost with its power. */
let four: LabHost;

beforeAll(async () => {
  lab = await ImageLab.open({ stateDir: await mkdtemp('/var/tmp/pvi-'), hosts: [{}, {}, {}, { poolLosesUnsynced: true }], masterConfig: { site: { name: 'Images', timeZone: 'UTC' } } });
  hosts = lab.site.hosts;
  [one, two, three, four] = ['host-1', 'host-2', 'host-3', 'host-4'].map((name) => lab.site.host(name)) as [LabHost, LabHost, LabHost, LabHost];
});
afterAll(() => lab.close());

const guestState = async (host: LabHost, { id }: { readonly id: string }): Promise<string> => (await host.evidence.virsh('domstate', '--reason', '--', id)).trim();
const boots = async (...launch: Parameters<ImageLab['launch']>) => {
  const instances = await lab.launch(...launch);
  return launch[1].map((host, index) => [host, instances[index] ?? missing(host)] as const);
};
const missing = (host: LabHost): never => {
  throw new Error(`Nothing was placed on ${host.name}.`);
};

describe('when processes die', () => {
  afterEach(() => lab.mend());

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

  test('guests read on when the mirror that has their image, their own mirror, or the agent of their host is killed', async () => {
    const image = await lab.image('Processes die');
    await lab.whole(one, image);
    const guests = await boots(image, [two, three, four]);
    const [onTwo, onThree, onFour] = guests.map(([, instance]) => instance) as [Instance, Instance, Instance];
    await Promise.all([
      (async () => {
        await lab.inTheMiddle(four, image);
        await killed(one.mirror);
        expect(await lab.read(four, onFour)).toBe(image.sha256);
        await one.startMirror();
      })(),
      (async () => {
        await lab.begins(two, onTwo);
        await lab.inTheMiddle(two, image);
        await killed(two.mirror);
        await eventually('it to be paused', patienceMs, async () => ((await guestState(two, onTwo)) === 'paused (I/O error)' ? true : undefined));
        await two.startMirror();
        expect(await lab.read(two, onTwo)).toBe(image.sha256);
      })(),
      (async () => {
        await lab.begins(three, onThree);
        await lab.inTheMiddle(three, image);
        await killed(three.agent);
        expect(await lab.read(three, onThree)).toBe(image.sha256);
        expect(three.agentIsRunning).toBe(false);
        await three.startAgent();
      })(),
    ]);
    await lab.checkEverything(image, guests, hosts);
  });
});

describe('while one host is cut off in the middle of a boot', () => {
  let image: TrialImage;
  let cutOff: Instance;

  beforeAll(async () => {
    image = await lab.image('Cut off');
    [cutOff] = (await lab.launch(image, [one])) as [Instance];
    await lab.begins(one, cutOff);
    // At first only what is open is cut: nobody notices.
    one.link?.reset();
    await lab.inTheMiddle(one, image);
    await one.unplug();
  });
  afterAll(() => lab.mend());

  test('a guest boots on while the disk of its host is full, of which nothing is kept; with room there the image comes whole', async () => {
    const image = await lab.image('No room', randomBytes(12 * MiB));
    const filler = join(two.pool, 'filler');
    const guests = await boots(image, [two]);
    const [[, instance]] = guests as [(typeof guests)[number]];
    const mirror = new MirrorClient(two.pool);
    try {
      await lab.begins(two, instance);
      await fill(filler);
      await eventually('the pool to be full', patienceMs, async () => ((await mirror.status()).poolFull ? true : undefined), { everyMs: 10 });
      expect(await lab.read(two, instance)).toBe(image.sha256);
      expect(await holdingOf(two, image.manifest)).toMatchObject({ complete: false });
    } finally {
      await rm(filler, { force: true });
    }
    await lab.whole(two, image);
    expect((await mirror.status()).poolFull).toBe(false);
    await lab.checkEverything(image, guests);
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

  test('its guest was paused, and goes on by itself when the link is back', async () => {
    // It is continued again and again, so its state alone would not show it.
    await eventually('it to have been paused', patienceMs, async () => ((await readFile(one.agentLog, 'utf8')).includes('"step":"resume-disk"') ? true : undefined));
    expect(await one.evidence.serialLog(cutOff.id)).not.toMatch(/^read /m);
    await one.plugIn();
    await lab.checkEverything(image, [[one, cutOff]]);
  });
});

describe('when bytes are wrong, and before they are needed', () => {
  afterEach(() => lab.mend());

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

  test('guests read on from another host while the packs of the master are damaged, and a verification mends them from there', async () => {
    const { masterState } = labLayout(lab.site.options.stateDir);
    const before = await packsOf(masterState);
    const image = await lab.image('Rotten on the master');
    await lab.whole(one, image);
    await damagePacks((await packsOf(masterState)).filter((pack) => !before.includes(pack)));
    const guests = await boots(image, [two]);
    expect(await lab.read(two, guests[0]?.[1] ?? missing(two))).toBe(image.sha256);

    await lab.admin.call(createStoreVerification, { body: { repair: true } });
    const verified = await eventually('the verification to end', patienceMs, async () => {
      const now = await lab.admin.call(getLatestStoreVerification);
      return now.state === 'running' ? undefined : now;
    });
    expect(verified).toMatchObject({ damagedChunks: image.chunks, repairedChunks: image.chunks, damaged: [] });
    expect((await lab.admin.call(listEvents, { query: { kind: 'store.damaged' } })).items).toHaveLength(1);
    // As the master has it now.
    expect(differing(await lab.admin.call(getImageContent, { params: { imageId: image.image.id } }), image.content)).toBe(0);
    await lab.checkEverything(image, guests, [one, two]);
  });

  test('what a reservation of tomorrow needs is on all its hosts an hour before it begins, and the API says so', async () => {
    const image = await lab.image('For tomorrow');
    const params = { imageId: image.image.id };
    // From a first boot it is learned what boots read.
    const guests = await boots(image, [two]);
    const [[, first]] = guests as [(typeof guests)[number]];
    expect(await lab.read(two, first)).toBe(image.sha256);
    await lab.runs(first);
    // This guest does not listen when it is asked to go.
    const stop = (force: boolean) => lab.admin.call(stopInstance, { params: { instanceId: first.id }, body: { force } });
    await stop(false);
    await instanceWhere(lab.admin, first.id, 'it to be asked', ({ observed }) => observed === 'stopping');
    await stop(true);
    const { bootSet } = await eventually('its boot to be known', patienceMs, async () => {
      const now = await lab.admin.call(getImage, { params });
      return now.bootSet === null ? undefined : now;
    });
    expect(bootSet).toMatchObject({ bytes: image.content.length, recordings: 1 });
    await lab.remove(first);

    const start = new Date(lab.site.clock.now() + 24 * hour);
    start.setUTCHours(10, 0, 0, 0);
    const { reservation } = await lab.admin.call(requestReservation, { body: { imageId: image.image.id, start: start.toISOString(), minutes: 60, count: hosts.length } });
    if (reservation === null) throw new Error('Nothing was reserved.');
    expect(await Promise.all([one, three, four].map((host) => holdingOf(host, image.manifest)))).toEqual([null, null, null]);
    await lab.site.clock.sleepUntil(new Date(start.getTime() - hour));
    await lab.logIn();
    let said = 'nothing';
    await eventually(
      'all hosts to be ready',
      patienceMs,
      async () => {
        const { readiness } = await lab.admin.call(getReservation, { params: { reservationId: reservation.id } });
        said = readiness?.sentence ?? said;
        return readiness?.ready === hosts.length ? true : undefined;
      },
      { state: () => said },
    );
    expect(said).toBe(`The image is ready on all ${String(hosts.length)} hosts.`);
    const { items } = await lab.admin.call(listImageSlaves, { params });
    expect(items).toEqual(hosts.map(({ name }) => expect.objectContaining({ name, ready: true }) as unknown));
    expect(await Promise.all(hosts.map((host) => lab.wrongBytes(host, image)))).toEqual(hosts.map(() => 0));
  });
});

/** Takes all room but some KiB, for what the guest prints; chunks come meanwhile. */
async function fill(file: string): Promise<void> {
  const spareBytes = 256 * 1024;
  const room = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(join(file, '..'));
    return bavail * bsize - spareBytes;
  };
  await runProgram('fallocate', ['--length', String((await room()) - 4 * MiB), '--', file]);
  const filler = await open(file, 'a');
  try {
    for (let bytes = await room(); bytes >= 4096; bytes = await room()) await filler.write(Buffer.alloc(Math.min(bytes, MiB), 1));
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
