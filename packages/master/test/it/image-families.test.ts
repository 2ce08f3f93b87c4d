import { createHash } from 'node:crypto';
import { createImageBody } from '@paravcl/shared/api/images';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ImageKind } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { ImageRepositoryComposition } from '../../src/compose-image-repository';
import type { NewImage } from '../../src/services/image-announcement';
import { openImageFiles, someDisk, type ImageFiles } from './image-rig';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';
import { sampleInstance } from './sample-records';

let rig: ReservationRig;
let files: ImageFiles;
let repository: ImageRepositoryComposition;
let operator: Principal;
beforeEach(async () => {
  rig = await openReservationRig();
  files = await openImageFiles();
  repository = files.compose(rig.unit, rig.clock);
  operator = await rig.person('operator', 'olga');
});
afterEach(async () => {
  await repository.images.idle();
  expect(files.faults).toEqual([]);
  await files.close();
  await rig.close();
});

const announce = (facts: Partial<NewImage> = {}, kind: ImageKind = 'disk', content = someDisk(1)): Promise<ImageAnswer> =>
  repository.images.create(operator, kind, { ...createImageBody.parse({ name: 'Ubuntu', format: 'raw', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }), ...facts });

/** Announced and uploaded. */
async function version(facts: Partial<NewImage> = {}, kind: ImageKind = 'disk', content = someDisk(1)): Promise<ImageAnswer> {
  const { id } = await announce(facts, kind, content);
  return repository.images.receive(operator, kind, id, (async function* () { yield await Promise.resolve(content); })(), { offset: 0, partial: false });
}

const deprecate = (image: ImageAnswer, state: 'ready' | 'deprecated' = 'deprecated'): Promise<ImageAnswer> => repository.images.edit(operator, 'disk', image.id, { state });
const download = async (who: Principal, image: ImageAnswer, offset = 0): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of (await repository.contents.download(who, image.kind, image.id, offset)).stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
};

describe('a name and its versions', () => {
  it('begins with the first image of the name; the first that is ready is in production, later ones when they are put there', async () => {
    const half = await announce();
    const one = await version();
    const two = await version({ name: 'ubuntu' });
    expect([half, one, two].map(({ familyId, familyName, version, production }) => [familyId === half.familyId, familyName, version, production])).toEqual([[true, 'Ubuntu', 1, false], [true, 'Ubuntu', 2, true], [true, 'Ubuntu', 3, false]]);
    const acting = rig.acting(operator);
    expect(await repository.families.get(operator, half.familyId)).toMatchObject({ name: 'Ubuntu', kind: 'disk', versionCount: 3, productionImageId: one.id, versions: [{ version: 3 }, { version: 2 }, { version: 1 }] });
    expect(await repository.families.setProduction(acting, half.familyId, two.id)).toMatchObject({ productionImageId: two.id });
    expect(await repository.images.get(operator, 'disk', one.id)).toMatchObject({ production: false });
    await expect(repository.families.setProduction(acting, half.familyId, half.id)).rejects.toMatchObject({ code: 'image-not-ready' });
    const other = await version({ name: 'Debian' });
    await expect(repository.families.setProduction(acting, half.familyId, other.id)).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'imageId' } });
  });

  it('is of one kind: the same name is another family of kernels, and a version of another kind is refused', async () => {
    const disk = await version();
    const kernel = await version({}, 'kernel');
    expect(kernel.familyId).not.toBe(disk.familyId);
    await expect(announce({ familyId: disk.familyId }, 'kernel')).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'familyId' } });
    await expect(announce({ familyId: newId(0) })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'familyId' } });
    await expect(announce({ name: undefined })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'name' } });
    expect(await announce({ name: undefined, familyId: disk.familyId })).toMatchObject({ name: 'Ubuntu', version: 2 });
    expect((await repository.families.list(operator, { limit: 10, kind: 'kernel' })).items).toEqual([expect.objectContaining({ id: kernel.familyId, kind: 'kernel', versionCount: 1, productionImageId: kernel.id })]);
  });

  it('gives every version its own number, whoever announces at once, and none again that was deleted', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => announce()));
    expect(made.map(({ version }) => version).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(made.map(({ familyId }) => familyId)).size).toBe(1);
    const last = made.find(({ version }) => version === 8);
    await repository.images.delete(operator, 'disk', last?.id ?? '');
    expect(await announce()).toMatchObject({ version: 9 });
  });

  it('is renamed, unless another of its kind has the name', async () => {
    const { familyId } = await version();
    await version({ name: 'Debian' });
    expect(await repository.families.edit(rig.acting(operator), familyId, { name: 'Ubuntu 24.04', description: 'With gcc' })).toMatchObject({ name: 'Ubuntu 24.04', description: 'With gcc', versions: [{ familyName: 'Ubuntu 24.04' }] });
    await expect(repository.families.edit(rig.acting(operator), familyId, { name: 'debian' })).rejects.toMatchObject({ code: 'already-exists', detail: { field: 'name' } });
  });

  it('is the same without case, accents and width, and no other', async () => {
    const { familyId } = await announce();
    for (const name of ['ubuntu', 'ÜBUNTU', 'ubuntú', 'Ｕｂｕｎｔｕ']) expect([name, (await announce({ name })).familyId]).toEqual([name, familyId]);
    expect((await announce({ name: 'Ubuntu 2' })).familyId).not.toBe(familyId);
  });

  it('goes with its last version', async () => {
    const one = await version();
    const two = await version();
    // Nothing may take the first one's place, so it may go.
    await deprecate(two);
    await repository.images.delete(operator, 'disk', one.id);
    expect(await repository.families.get(operator, one.familyId)).toMatchObject({ versionCount: 1, productionImageId: null });
    await repository.images.delete(operator, 'disk', two.id);
    await expect(repository.families.get(operator, one.familyId)).rejects.toMatchObject({ code: 'not-found' });
    expect(files.gone).toEqual([one.manifestId, two.manifestId]);
  });

  it('shares its content with other versions that have the same: mirrors keep it until the last of them goes', async () => {
    const content = someDisk(1);
    const one = await version({}, 'disk', content);
    const two = await version({}, 'disk', content);
    expect(two.manifestId).toBe(one.manifestId);
    await repository.images.delete(operator, 'disk', two.id);
    expect(files.gone).toEqual([]);
    await repository.images.delete(operator, 'disk', one.id);
    expect(files.gone).toEqual([one.manifestId]);
  });
});

describe('a launch', () => {
  it('of a name gets what is in production then, and one of a version gets that', async () => {
    await rig.slave('lab-pc-01');
    const alice = await rig.person('student', 'alice');
    const one = await version();
    const two = await version();
    const launched = async (body: { imageId: string } | { familyId: string }): Promise<string> => (await rig.instances.create(alice, body)).instance.imageId;
    expect(await launched({ familyId: one.familyId })).toBe(one.id);
    await repository.families.setProduction(rig.acting(operator), one.familyId, two.id);
    expect(await launched({ familyId: one.familyId })).toBe(two.id);
    expect(await launched({ imageId: one.id })).toBe(one.id);
    expect(await rig.forecast.options(alice, { familyId: one.familyId })).toMatchObject({ fitsNow: true });
    const reserved = await rig.request(alice, { familyId: one.familyId, vcpus: 1 });
    expect(reserved.reservation).toMatchObject({ imageId: two.id });
    expect(await refusal(rig.request(alice, { familyId: one.familyId, imageId: one.id, vcpus: 1 }))).toMatchObject({ code: 'invalid-input', field: 'familyId' });
  });

  it('of a name without a version in production is refused, and says what to do', async () => {
    const alice = await rig.person('student', 'alice');
    const half = await announce();
    expect(await refusal(rig.instances.create(alice, { familyId: half.familyId }))).toMatchObject({ code: 'image-not-ready', field: 'familyId', message: expect.stringContaining('no version in production') as string });
    expect(await refusal(rig.instances.create(alice, { familyId: newId(0) }))).toMatchObject({ code: 'not-found', field: 'familyId' });
    const kernel = await version({ name: 'Linux' }, 'kernel');
    expect(await refusal(rig.instances.create(alice, { familyId: kernel.familyId }))).toMatchObject({ code: 'not-found', field: 'familyId' });
  });

  it('of a deprecated version is for operators; its instances go on, what is reserved is kept, and it can be offered again', async () => {
    const slaveId = await rig.slave('lab-pc-01');
    const alice = await rig.person('student', 'alice');
    const image = await version();
    const { instance } = await rig.instances.create(alice, { imageId: image.id });
    await rig.scheduler.idle();
    const { reservation } = await rig.request(alice, { imageId: image.id, vcpus: 1, start: '2026-03-02T10:00' });
    expect(await deprecate(image)).toMatchObject({ state: 'deprecated' });
    for (const body of [{ imageId: image.id }, { familyId: image.familyId }]) expect(await refusal(rig.instances.create(alice, body))).toMatchObject({ code: 'image-not-ready', message: expect.stringContaining('deprecated') as string });
    expect(await refusal(rig.request(alice, { imageId: image.id, vcpus: 1 }))).toMatchObject({ code: 'image-not-ready' });
    expect((await rig.instances.create(operator, { imageId: image.id })).instance.imageId).toBe(image.id);

    await rig.observations.connected(slaveId, [], true);
    expect(rig.agents.last(instance.id).desired.spec?.disk).toMatchObject({ imageId: image.id, manifest: image.manifestId });
    await rig.until('2026-03-02T09:00:01.000Z');
    expect((await rig.claims.claim(rig.acting(alice), reservation?.id ?? '', {})).instance.imageId).toBe(image.id);
    await deprecate(image, 'ready');
    expect((await rig.instances.create(alice, { imageId: image.id })).instance.imageId).toBe(image.id);
    const half = await announce();
    await expect(deprecate(half)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('who sees a version', () => {
  it('is everybody, the people of its group, or its maker, and those who run the site: in lists, alone, in its family, for launch and reservation', async () => {
    await rig.slave('lab-pc-01');
    const { id: ownerGroupId, teacher, members } = await rig.group('CL II', await rig.person('teacher', 'tess'), [await rig.person('student', 'bob')]);
    const [bob, eve, admin] = [members[0] ?? teacher, await rig.person('student', 'eve'), await rig.person('admin', 'root-admin')];
    const open = await version({ name: 'Open' });
    const ofGroup = await version({ name: 'Of group', visibility: 'group', ownerGroupId });
    const own = await version({ name: 'Own', visibility: 'private' });
    const all = [own, ofGroup, open];
    const seenBy: readonly (readonly [Principal, readonly ImageAnswer[]])[] = [[bob, [ofGroup, open]], [teacher, [ofGroup, open]], [eve, [open]], [operator, all], [admin, all]];
    for (const [who, seen] of seenBy) {
      const ids = seen.map(({ id }) => id);
      expect([who.userName, (await repository.images.list(who, 'disk', { limit: 10 })).items.map(({ id }) => id)]).toEqual([who.userName, ids]);
      expect((await repository.families.list(who, { limit: 10 })).items.map(({ productionImageId }) => productionImageId)).toEqual(ids);
      for (const image of all.filter(({ id }) => !ids.includes(id))) {
        await expect(repository.images.get(who, 'disk', image.id)).rejects.toMatchObject({ code: 'not-found' });
        await expect(repository.families.get(who, image.familyId)).rejects.toMatchObject({ code: 'not-found' });
        await expect(repository.contents.download(who, 'disk', image.id, 0)).rejects.toMatchObject({ code: 'not-found' });
        expect(await refusal(rig.instances.create(who, { imageId: image.id }))).toMatchObject({ code: 'not-found', field: 'imageId' });
        expect(await refusal(rig.instances.create(who, { familyId: image.familyId }))).toMatchObject({ code: 'not-found', field: 'familyId' });
        expect(await refusal(rig.forecast.options(who, { imageId: image.id }))).toMatchObject({ code: 'not-found' });
        expect(await refusal(rig.request(who, { imageId: image.id, vcpus: 1 }))).toMatchObject({ code: 'not-found', field: 'imageId' });
      }
      for (const image of seen) expect((await repository.images.get(who, 'disk', image.id)).id).toBe(image.id);
    }
    expect((await rig.instances.create(bob, { imageId: ofGroup.id })).instance.imageId).toBe(ofGroup.id);
  });

  it('of a name that others may see another version of, sees no trace of the rest', async () => {
    const eve = await rig.person('student', 'eve');
    const own = await version({ visibility: 'private' });
    const open = await version({ visibility: 'public' });
    expect(await repository.families.get(eve, own.familyId)).toMatchObject({ productionImageId: null, versionCount: 1, versions: [{ id: open.id }] });
    expect((await repository.families.list(eve, { limit: 10 })).items).toEqual([expect.objectContaining({ productionImageId: null, versionCount: 1 })]);
    expect(await refusal(rig.instances.create(eve, { familyId: own.familyId }))).toMatchObject({ code: 'not-found' });
  });

  it('of a name is as the version before has it, when nothing is said; the first is for everybody', async () => {
    const { id: ownerGroupId } = await rig.group('CL II', await rig.person('teacher', 'tess'), []);
    const steps: readonly (readonly [Partial<NewImage>, { readonly visibility: string; readonly ownerGroupId: string | null }])[] = [
      [{}, { visibility: 'public', ownerGroupId: null }],
      [{ visibility: 'private' }, { visibility: 'private', ownerGroupId: null }],
      [{}, { visibility: 'private', ownerGroupId: null }],
      [{ visibility: 'group', ownerGroupId }, { visibility: 'group', ownerGroupId }],
      [{}, { visibility: 'group', ownerGroupId }],
      [{ visibility: 'public', ownerGroupId: null }, { visibility: 'public', ownerGroupId: null }],
    ];
    for (const [said, made] of steps) expect(await version(said)).toMatchObject(made);
    const newest = await version();
    await repository.images.edit(operator, 'disk', newest.id, { visibility: 'private' });
    expect(await version({ familyId: newest.familyId, name: undefined })).toMatchObject({ version: 8, visibility: 'private' });
    expect(await version({ name: 'Debian' })).toMatchObject({ visibility: 'public', ownerGroupId: null });
    await version({ visibility: 'group', ownerGroupId });
    await expect(announce({ ownerGroupId: null })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'ownerGroupId' } });
  });

  it('of a name boots as the version before does, in whatever is not said, and as nothing does where that is said', async () => {
    const kernel = await version({ name: 'Linux' }, 'kernel');
    const boots = { defaultKernelId: kernel.id, defaultRamdiskId: null, defaultVcpus: 2, defaultRamMiB: 1024, kernelArguments: 'quiet', platformValue: 3.5 };
    expect(await version({ name: 'Exam', ...boots })).toMatchObject(boots);
    expect(await version({ name: 'Exam' })).toMatchObject(boots);
    expect(await version({ name: 'Exam', defaultVcpus: 4, kernelArguments: '' })).toMatchObject({ ...boots, defaultVcpus: 4, kernelArguments: '' });
    expect(await version({ name: 'Exam', defaultKernelId: null })).toMatchObject({ defaultKernelId: null, defaultVcpus: 4 });
  });

  it('of a name of which others may see nothing, or not what is in production, is answered as a name that is none', async () => {
    const eve = await rig.person('student', 'eve');
    const none = newId(0);
    const hidden = await version({ name: 'Exam', visibility: 'private' });
    const own = await version({ visibility: 'private' });
    await version({ visibility: 'public' });
    const asks = [(familyId: string) => rig.instances.create(eve, { familyId }), (familyId: string) => rig.forecast.options(eve, { familyId }), (familyId: string) => rig.request(eve, { familyId, vcpus: 1 })];
    for (const ask of asks) {
      const unknown = await refusal(ask(none));
      expect(unknown).toMatchObject({ code: 'not-found', field: 'familyId' });
      for (const { familyId } of [hidden, own]) expect(JSON.parse(JSON.stringify(await refusal(ask(familyId))).replaceAll(familyId, none))).toEqual(unknown);
    }
  });

  it('may be given a kernel of the image that only the image names', async () => {
    await rig.slave('lab-pc-01');
    const eve = await rig.person('student', 'eve');
    const kernel = await version({ name: 'Linux', visibility: 'private' }, 'kernel');
    const disk = await version({ defaultKernelId: kernel.id });
    expect((await rig.instances.create(eve, { imageId: disk.id })).instance.kernelId).toBe(kernel.id);
    expect(await refusal(rig.instances.create(eve, { imageId: disk.id, kernelId: kernel.id }))).toMatchObject({ code: 'not-found', field: 'kernelId' });
  });

  it('is changed with everything else that is said of it; a group has to be named', async () => {
    const eve = await rig.person('student', 'eve');
    const image = await version();
    await expect(announce({ visibility: 'group' })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'ownerGroupId' } });
    await expect(repository.images.edit(operator, 'disk', image.id, { visibility: 'group' })).rejects.toMatchObject({ detail: { field: 'ownerGroupId' } });
    await expect(repository.images.edit(operator, 'disk', image.id, { ownerGroupId: newId(0) })).rejects.toMatchObject({ detail: { field: 'ownerGroupId' } });
    await expect(repository.images.edit(operator, 'kernel', image.id, { name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(repository.images.edit(operator, 'disk', image.id, { defaultKernelId: image.id })).rejects.toMatchObject({ detail: { field: 'defaultKernelId' } });
    const change = { name: 'Ubuntu "24"', description: 'new', visibility: 'private', defaultVcpus: 2, defaultRamMiB: 1024, kernelArguments: 'quiet', platformValue: 3.5 } as const;
    expect(await repository.images.edit(operator, 'disk', image.id, change)).toMatchObject({ ...change, sha256: image.sha256, manifestId: image.manifestId, production: true });
    await expect(repository.images.get(eve, 'disk', image.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('does not take it home for that: a download is for operators, admins and its maker', async () => {
    const content = someDisk(3);
    const image = await version({}, 'disk', content);
    const [eve, admin] = [await rig.person('student', 'eve'), await rig.person('admin', 'root-admin')];
    expect(await refusal(repository.contents.download(eve, 'disk', image.id, 0))).toMatchObject({ code: 'forbidden' });
    // Nor is eve told by which name it lies on hosts.
    expect([(await repository.images.get(eve, 'disk', image.id)).manifestId, (await repository.families.get(eve, image.familyId)).versions[0]?.manifestId]).toEqual([null, null]);
    expect((await repository.images.list(eve, 'disk', { limit: 10 })).items.map(({ manifestId }) => manifestId)).toEqual([null]);
    for (const who of [operator, admin]) expect((await repository.images.get(who, 'disk', image.id)).manifestId).toMatch(/^[0-9a-f]{64}$/);
    for (const who of [operator, admin]) expect((await download(who, image)).equals(content)).toBe(true);
    expect((await download(admin, image, 1000)).equals(content.subarray(1000))).toBe(true);
    await rig.database.db('images').update({ created_by_user_id: eve.userId });
    expect((await download(eve, image)).equals(content)).toBe(true);
    const half = await announce();
    expect(await refusal(repository.contents.download(admin, 'disk', half.id, 0))).toMatchObject({ code: 'image-not-ready' });
  });
});

describe('an agent that fetches whole images', () => {
  it('is given what the mirrors are: a volunteer what everybody sees, or guests of it start from, also where that has the content of a hidden version', async () => {
    const [lab, pc] = [await rig.slave('lab-pc-01'), await rig.slave('pc-of-sam')];
    await rig.database.db('slaves').where({ id: pc }).update({ kind: 'volunteer', owner_user_id: operator.userId });
    const content = someDisk(1);
    const open = await version({ name: 'Open', visibility: 'public' });
    const exam = await version({ name: 'Exam', visibility: 'private' }, 'disk', content);
    const given = async (slaveId: string): Promise<readonly string[]> => {
      const found = await Promise.all([open, exam].map((image) => repository.contents.findFor(slaveId, image.id)));
      return [open, exam].filter((_, at) => found[at] !== null).map(({ name }) => name);
    };
    expect([await given(lab), await given(pc), await given(newId(0))]).toEqual([['Open', 'Exam'], ['Open'], []]);
    expect(await repository.contents.findFor(pc, newId(0))).toBeNull();
    await rig.unit.read.instances.insert(sampleInstance({ imageId: exam.id, kernelId: null, slaveId: pc, observed: 'running' }));
    expect(await given(pc)).toEqual(['Open', 'Exam']);
    await rig.database.db('instances').delete();
    expect(await given(pc)).toEqual(['Open']);
    await version({ name: 'The same', visibility: 'public' }, 'disk', content);
    expect(await given(pc)).toEqual(['Open', 'Exam']);
  });
});

describe('a refused deletion', () => {
  it('names each kind of what depends on the version, the first 20 of all, and what to do', async () => {
    const kernel = await version({ name: 'Linux' }, 'kernel');
    const disk = await version({ defaultKernelId: kernel.id });
    const refused = await refusal(repository.images.delete(operator, 'kernel', kernel.id));
    expect(refused).toMatchObject({ code: 'in-use', dependentCount: 1, dependents: [{ type: 'image', id: disk.id, name: `Ubuntu (${disk.friendlyId})`, how: 'has it as its default kernel' }] });
    const { instances } = rig.unit.read;
    for (let number = 0; number < 30; number++) await instances.insert(sampleInstance({ imageId: newId(0), kernelId: kernel.id, name: `i-${number}` }));
    await instances.insert(sampleInstance({ imageId: newId(0), kernelId: kernel.id, name: 'gone', observed: 'deleted', desired: 'deleted' }));
    const many = await refusal(repository.images.delete(operator, 'kernel', kernel.id));
    expect(many).toMatchObject({ dependentCount: 31, message: expect.stringMatching(/^Linux \(EKI-LINUX-\w+\) cannot be deleted: (instance i-\d+ boots with it; ){2}instance i-\d+ boots with it, and 28 more depend on it\. Reset the instances to another version first .*, or delete them; either way .* deprecate this one instead.* Give those images another default first\.$/) as string });
    expect(many.dependents).toHaveLength(20);
    expect(await repository.images.get(operator, 'kernel', kernel.id)).toMatchObject({ state: 'ready' });
  });

  it('names templates of the version, and those of its family while it is in production', async () => {
    const one = await version();
    const two = await version();
    const acting = rig.acting(operator);
    const template = { description: '', diskMiB: null, bandwidthMbps: null, minutes: null, cloudInit: null, groupIds: [], ownerGroupId: null };
    const ofFamily = await repository.templates.create(acting, { ...template, name: 'Course', imageId: null, familyId: one.familyId });
    const ofTwo = await repository.templates.create(acting, { ...template, name: 'Exam', imageId: two.id, familyId: null });
    expect((await refusal(repository.images.delete(operator, 'disk', one.id))).dependents).toEqual([{ type: 'template', id: ofFamily.id, name: 'Course', how: 'launches what is in production of its family' }]);
    expect((await refusal(repository.images.delete(operator, 'disk', two.id))).dependents).toEqual([{ type: 'template', id: ofTwo.id, name: 'Exam', how: 'launches it' }]);
    await repository.families.setProduction(acting, one.familyId, two.id);
    await repository.images.delete(operator, 'disk', one.id);
    await repository.templates.delete(acting, ofTwo.id);
    await repository.templates.delete(acting, ofFamily.id);
    await repository.images.delete(operator, 'disk', two.id);
  });
});

describe('what templates launch', () => {
  const template = { description: '', diskMiB: null, bandwidthMbps: null, minutes: null, cloudInit: null, groupIds: [], ownerGroupId: null };

  it('is not hidden from the people they are for: the refusal names them', async () => {
    const acting = rig.acting(operator);
    const { id: ownerGroupId } = await rig.group('CL II', await rig.person('teacher', 'tess'), []);
    const image = await version();
    const ofFamily = await repository.templates.create(acting, { ...template, name: 'Course', imageId: null, familyId: image.familyId });
    const ofImage = await repository.templates.create(acting, { ...template, name: 'Exam', imageId: image.id, familyId: null, groupIds: [ownerGroupId] });
    const hide = (change: Parameters<typeof repository.images.edit>[3]): Promise<unknown> => repository.images.edit(operator, 'disk', image.id, change);
    expect(await refusal(hide({ visibility: 'private' }))).toMatchObject({
      code: 'in-use',
      message: `Ubuntu (${image.friendlyId}) cannot be hidden: templates Exam, Course would launch it for people who do not see it. Change or delete those templates first.`,
      dependentCount: 2,
      dependents: [{ type: 'template', id: ofImage.id, name: 'Exam', how: 'is for people who would not see it' }, { type: 'template', id: ofFamily.id, name: 'Course', how: 'is for people who would not see it' }],
    });
    expect(await refusal(hide({ visibility: 'group', ownerGroupId }))).toMatchObject({ code: 'in-use', dependentCount: 1, message: expect.stringContaining('template Course would launch it') as string });
    expect(await repository.images.get(operator, 'disk', image.id)).toMatchObject({ visibility: 'public' });
    await repository.templates.delete(acting, ofFamily.id);
    await hide({ visibility: 'group', ownerGroupId });
    await hide({ description: 'changed' });
    expect(await refusal(hide({ visibility: 'private' }))).toMatchObject({ code: 'in-use', dependents: [{ id: ofImage.id }] });
  });

  it('is not replaced in production by what those people do not see', async () => {
    const acting = rig.acting(operator);
    const one = await version();
    const two = await version({ visibility: 'private' });
    const made = await repository.templates.create(acting, { ...template, name: 'Course', imageId: null, familyId: one.familyId });
    const refused = await refusal(repository.families.setProduction(acting, one.familyId, two.id));
    expect(refused).toMatchObject({ code: 'in-use', dependents: [{ id: made.id }], message: `Version 2 (${two.friendlyId}) cannot go into production: template Course would launch it for people who do not see it. Change or delete that template first.` });
    await repository.images.edit(operator, 'disk', two.id, { visibility: 'public' });
    expect(await repository.families.setProduction(acting, one.familyId, two.id)).toMatchObject({ productionImageId: two.id });
  });
});

describe('the version in production', () => {
  const deletionEvents = async (): Promise<readonly string[]> => (await rig.database.db('events').where({ kind: 'image.deleted' }).orderBy('id').pluck('sentence')) as string[];

  it('is not deleted while another could take its place: which one, somebody has to choose', async () => {
    const one = await version();
    const two = await version();
    const refused = await refusal(repository.images.delete(operator, 'disk', one.id));
    expect(refused).toMatchObject({ code: 'in-use', message: `Ubuntu (${one.friendlyId}) cannot be deleted: it is in production, launches of Ubuntu get it. Put another version into production first, such as version 2 (${two.friendlyId}).` });
    await deprecate(two);
    await repository.images.delete(operator, 'disk', one.id);
    expect(await deletionEvents()).toEqual([`olga deleted image Ubuntu (${one.friendlyId}). Nothing of Ubuntu is in production any more; the next version that becomes ready will be.`]);
    expect(await version()).toMatchObject({ version: 3, production: true });
  });

  it('that is the last one goes with its family, and the event says so', async () => {
    const one = await version();
    await repository.images.delete(operator, 'disk', one.id);
    expect(await deletionEvents()).toEqual([`olga deleted image Ubuntu (${one.friendlyId}). It was the last of Ubuntu.`]);
    expect((await repository.families.list(operator, { limit: 10 })).items).toEqual([]);
  });
});

it('a version whose boots were recorded says from how much it boots', async () => {
  const image = await version();
  expect(image.bootSet).toBeNull();
  await rig.database.db('image_patterns').insert({ image_id: image.id, revision: 2, recordings: 2, boot_bytes: 512, body: '{}', changed_at: new Date(0) });
  expect((await repository.images.get(operator, 'disk', image.id)).bootSet).toEqual({ bytes: 512, ofBytes: 1024, recordings: 2, sentence: 'boots from 512 bytes of 1 kB' });
  await repository.images.delete(operator, 'disk', image.id);
  expect(await rig.database.db('image_patterns').select('image_id')).toEqual([]);
});
