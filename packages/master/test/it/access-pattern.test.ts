import type { AccessPattern, Recording } from '@paravcl/shared/chunks/access-pattern';
import { manifestOf } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { newId } from '@paravcl/shared/ids';
import { AccessPatternService } from '../../src/services/access-pattern-service';
import { openRig, type Rig } from './instance-rig';
import { refusal } from './reservation-rig';
import { sampleInstance, sampleTime } from './sample-records';

/** Eight chunks of 64 KiB; the last one is of zeros. */
const manifest = manifestOf({ chunkBytes: 65_536, sizeBytes: 8 * 65_536 }, Buffer.concat([1, 2, 3, 4, 5, 6, 7, 0].map((byte) => Buffer.alloc(hashBytes, byte))));
const manifestId = 'a'.repeat(64);
const boot = (...chunks: readonly number[]): Recording => ({ boot: [...chunks], application: [], shutdown: [] });

let rig: Rig;
let patterns: AccessPatternService;
let told: { readonly manifest: string; readonly pattern: AccessPattern }[];
let slaveId: string;
let imageId: string;

const service = (): AccessPatternService => new AccessPatternService(rig.unit, { manifest: (id) => Promise.resolve(id === manifestId ? { manifest, heldBytes: 0 } : null) }, rig.clock);
const guest = async (facts: { readonly imageId?: string; readonly slaveId?: string } = {}): Promise<string> => {
  const instance = sampleInstance({ id: newId(sampleTime), imageId, slaveId, observed: 'running', ...facts });
  await rig.unit.transaction(({ instances }) => instances.insert(instance));
  return instance.id;
};
const events = async (): Promise<readonly string[]> => (await rig.unit.read.events.page({ kind: 'slave.wrong-bytes', limit: 10 })).items.map(({ actor, sentence }) => `${actor}: ${sentence}`);

beforeEach(async () => {
  rig = await openRig();
  slaveId = await rig.slave('lab-pc-07');
  imageId = await rig.image(64, 'disk', 'ready', { manifestId, contentBytes: manifest.sizeBytes, friendlyId: 'EMI-UBUNTU-9AF' });
  patterns = service();
  told = [];
  patterns.onChanged((id, pattern) => void told.push({ manifest: id, pattern }));
});
afterEach(() => rig.close());

describe('what first boots read', () => {
  test('becomes the pattern of the version, which is told once it is in the books', async () => {
    expect(await patterns.imageOf(manifestId, slaveId)).toEqual({ imageId, pattern: { revision: 0, boot: [], application: [], shutdown: [] } });
    await patterns.recorded(manifestId, slaveId, await guest(), { boot: [3, 1], application: [5], shutdown: [0] });
    const pattern = { revision: 1, boot: [3, 1], application: [5], shutdown: [0] };
    expect(told).toEqual([{ manifest: manifestId, pattern }]);
    // As a master that was started anew reads it.
    expect(await service().imageOf(manifestId, slaveId)).toEqual({ imageId, pattern });
    expect(await rig.unit.read.imageContents.bootReads([imageId])).toEqual(new Map([[imageId, { recordings: 1, bytes: 2 * 65_536 }]]));
    expect(await rig.unit.read.patterns.bootKnown([manifestId, 'b'.repeat(64)])).toEqual(new Set([manifestId]));
  });

  test('is merged over the first five instances, each of which counts once; what comes later changes nothing', async () => {
    const first = await guest();
    await patterns.recorded(manifestId, slaveId, first, boot(1, 2));
    await patterns.recorded(manifestId, slaveId, first, boot(6));
    for (let n = 2; n <= 5; n++) await patterns.recorded(manifestId, slaveId, await guest(), boot(1, n === 5 ? 6 : 3));
    await patterns.recorded(manifestId, slaveId, await guest(), boot(6));
    expect(told.map(({ pattern }) => pattern.revision)).toEqual([1, 2, 3, 4, 5]);
    expect((await patterns.imageOf(manifestId, slaveId))?.pattern).toEqual({ revision: 5, boot: [1, 3], application: [], shutdown: [] });
  });

  test('of several hosts at once is all counted', async () => {
    const guests = [await guest(), await guest(), await guest(), await guest()];
    await Promise.all(guests.map((instanceId, n) => patterns.recorded(manifestId, slaveId, instanceId, boot(1, n + 2))));
    expect((await patterns.imageOf(manifestId, slaveId))?.pattern).toMatchObject({ revision: 4, boot: [1] });
  });

  test('leaves out chunks of zeros, for which nothing is fetched; a boot that read only them teaches nothing', async () => {
    await patterns.recorded(manifestId, slaveId, await guest(), boot(7));
    await patterns.recorded(manifestId, slaveId, await guest(), boot(7, 2));
    expect(told.map(({ pattern }) => pattern)).toEqual([{ revision: 1, boot: [2], application: [], shutdown: [] }]);
  });

  test('is refused where it names chunks that the version does not have, and nothing is kept', async () => {
    expect(await refusal(patterns.recorded(manifestId, slaveId, await guest(), { ...boot(1), application: [8] }))).toEqual({
      code: 'invalid-input', message: 'The recording names chunk 8 (application), and the image has 8.', field: 'application', limit: 'below 8',
    });
    expect(await rig.unit.read.patterns.find(imageId)).toBeNull();
  });

  test('is refused from a mirror that does not have the guest, of a guest of another image, and of a version that is not given out', async () => {
    const elsewhere = await rig.slave('lab-pc-08');
    for (const instanceId of [newId(sampleTime), await guest({ slaveId: elsewhere }), await guest({ imageId: await rig.image() })]) {
      expect(await refusal(patterns.recorded(manifestId, slaveId, instanceId, boot(1)))).toMatchObject({ code: 'not-found', message: `Instance ${instanceId} is no guest of EMI-UBUNTU-9AF on host ${slaveId}, so what it read is not kept.` });
    }
    expect(await refusal(patterns.recorded('b'.repeat(64), slaveId, await guest(), boot(1)))).toMatchObject({ code: 'not-found' });
    const instanceId = await guest();
    await rig.unit.transaction(({ images }) => images.remove(imageId));
    expect(await refusal(patterns.recorded(manifestId, slaveId, instanceId, boot(1)))).toMatchObject({ code: 'not-found' });
    expect(told).toEqual([]);
  });

  test('before its guest began anew, moved or was deleted comes too late: said in a sentence, and neither kept nor a fault', async () => {
    const elsewhere = await rig.slave('lab-pc-08');
    const placed = async (facts: { readonly imageId?: string; readonly slaveId?: string }): Promise<string> => {
      const instanceId = await guest(facts);
      await rig.unit.transaction(({ placements }) => placements.insert({ instanceId, slaveId, generation: 1, state: 'clean' }, rig.clock.now()));
      return instanceId;
    };
    const anew = await placed({ imageId: await rig.image() });
    const moved = await placed({ slaveId: elsewhere });
    for (const instanceId of [anew, moved]) expect(await patterns.recorded(manifestId, slaveId, instanceId, boot(1))).toBe(`Instance ${instanceId} is no guest of EMI-UBUNTU-9AF on host ${slaveId}, so what it read is not kept. Instance ${instanceId} was there, and has begun anew, moved or gone since.`);
    // Its disk was a version of its own, which went with it from the books, and by now from the store.
    await rig.unit.transaction(({ images }) => images.remove(imageId));
    for (const gone of [manifestId, 'b'.repeat(64)]) expect(await patterns.recorded(gone, slaveId, anew, boot(1))).toBe(`No image version that is given out has the manifest ${gone}, so what guests read of it is not kept. Instance ${anew} was there, and has begun anew, moved or gone since.`);
    expect(told).toEqual([]);
  });

  test('goes with its version', async () => {
    await patterns.recorded(manifestId, slaveId, await guest(), boot(1));
    await rig.unit.transaction(({ images }) => images.remove(imageId));
    expect(await patterns.imageOf(manifestId, slaveId)).toBeNull();
    expect(await rig.unit.read.patterns.find(imageId)).toBeNull();
  });
});

describe('a version that is not public', () => {
  const restricted = async (): Promise<string> => {
    await rig.unit.transaction(({ images }) => images.edit(imageId, { visibility: 'private' }));
    const pc = await rig.slave('pc-of-sam');
    await rig.database.db('slaves').where({ id: pc }).update({ kind: 'volunteer' });
    return pc;
  };

  test('is given to dedicated slaves, to a volunteer once a guest of it is there, and to nobody who is no slave', async () => {
    const pc = await restricted();
    expect(await patterns.imageOf(manifestId, slaveId)).toMatchObject({ imageId });
    expect(await patterns.imageOf(manifestId, pc)).toBeNull();
    expect(await patterns.imageOf(manifestId, newId(1))).toBeNull();
    await guest({ slaveId: pc });
    expect(await patterns.imageOf(manifestId, pc)).toMatchObject({ imageId });
  });

  test('is given to a volunteer when a public one has the same content', async () => {
    const pc = await restricted();
    await rig.image(64, 'disk', 'ready', { manifestId });
    expect(await patterns.imageOf(manifestId, pc)).not.toBeNull();
  });
});

describe('a version with the content of another', () => {
  test('is the same to mirrors: its guests teach the pattern of the first one that is given out', async () => {
    const twin = await rig.image(64, 'disk', 'ready', { manifestId });
    await patterns.recorded(manifestId, slaveId, await guest({ imageId: twin }), boot(4));
    expect(await patterns.imageOf(manifestId, slaveId)).toMatchObject({ imageId: [imageId, twin].sort()[0], pattern: { boot: [4] } });
  });

  test('that is still uploaded is none', async () => {
    await rig.image(64, 'disk', 'uploading', { manifestId: 'c'.repeat(64) });
    expect(await patterns.imageOf('c'.repeat(64), slaveId)).toBeNull();
  });
});

describe('damage in the store', () => {
  const told = async (): Promise<readonly string[]> => (await rig.unit.read.events.page({ kind: 'store.damaged', limit: 10 })).items.map(({ actor, sentence }) => `${actor}: ${sentence}`);

  test('is told to the operators with the images, what came back, and what to do', async () => {
    await patterns.storeDamaged({ damaged: 1, mended: 1, manifests: [manifestId] });
    expect(await told()).toEqual([
      'master: Damaged in the master’s store: 1 chunk of Ubuntu (EMI-UBUNTU-9AF). No guest was given a wrong byte. It came back from a host that had it. Verify the whole store with repair. The master’s disk or memory may be failing: test both.',
    ]);
  });

  test('is told when a list of chunks came back, of which image and from whom', async () => {
    await patterns.manifestCameBack(manifestId, slaveId);
    expect((await told())[0]).toMatch(/^master: Lost or damaged in the master’s store: the list of chunks of Ubuntu \(EMI-UBUNTU-9AF\)\. It came back from lab-pc-07\. Verify the whole store with repair\./);
  });

  test('names few of many images, and what no host had', async () => {
    const others = ['b', 'c', 'd', 'e'].map((letter) => letter.repeat(64));
    for (const other of others) await rig.image(64, 'disk', 'ready', { manifestId: other });
    await patterns.storeDamaged({ damaged: 12, mended: 9, manifests: [manifestId, ...others] });
    expect((await told())[0]).toMatch(/12 chunks of (Ubuntu \(EMI-\S+\), ){3}2 more\. .* 9 came back from hosts, and no host that is connected had the other 3: verify the store with repair when more are, or upload again\./);
  });
});

describe('a mirror that gave wrong bytes', () => {
  const wayOut = 'Their hash was wrong, so nobody used them, and lab-pc-07 is asked for them no more. Its disk or memory may be failing, or somebody changed its files: drain it, run “paravcl-slave doctor” there and test disk and memory, before you trust its guests.';

  test('is named to the operators with the image, who told it, and what to do', async () => {
    await patterns.gaveWrongBytes(slaveId, manifestId, await rig.slave('lab-pc-08'));
    expect(await events()).toEqual([`host lab-pc-08: lab-pc-07 gave lab-pc-08 wrong bytes of Ubuntu (EMI-UBUNTU-9AF). ${wayOut}`]);
  });

  test('may have given them to the master, and of an image that is gone by now', async () => {
    await patterns.gaveWrongBytes(slaveId, 'b'.repeat(64), null);
    expect(await events()).toEqual([`master: lab-pc-07 gave the master wrong bytes of an image that was deleted since. ${wayOut}`]);
  });
});
