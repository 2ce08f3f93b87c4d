import { createTemplateBody, type CreateTemplateBody } from '@paravcl/shared/api/templates';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Template } from '@paravcl/shared/domain/template';
import { newId } from '@paravcl/shared/ids';
import type { z } from 'zod';
import { GroupService } from '../../src/services/group-service';
import { TemplateService } from '../../src/services/template-service';
import { settings } from './instance-rig';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';

const cloudInit = '#cloud-config\npackages: [git]\n';

let rig: ReservationRig;
let templates: TemplateService;
let teacher: Principal;
let bob: Principal;
let eve: Principal;
let operator: Principal;
let groupId: string;
let imageId: string;
let familyId: string;
beforeEach(async () => {
  rig = await openReservationRig();
  templates = new TemplateService({ unitOfWork: rig.unit, clock: rig.clock, defaults: settings.defaults });
  const group = await rig.group('CL II', await rig.person('teacher', 'tess'), [await rig.person('student', 'bob')]);
  teacher = group.teacher;
  bob = group.members[0] ?? teacher;
  groupId = group.id;
  [eve, operator] = [await rig.person('student', 'eve'), await rig.person('operator', 'olga')];
  imageId = await rig.image(64);
  familyId = (await rig.unit.read.images.find(imageId))?.familyId ?? '';
  await rig.slave('lab-pc-01', { cores: 16 });
});
afterEach(() => rig.close());

const body = (facts: Partial<z.input<typeof createTemplateBody>> = {}): CreateTemplateBody => createTemplateBody.parse({ name: 'CL II', imageId, groupIds: [groupId], ...facts });
const make = (who: Principal, facts: Partial<z.input<typeof createTemplateBody>> = {}): Promise<Template> => templates.create(rig.acting(who), body(facts));

describe('a template', () => {
  it('launches its image in its size for its time, with what the guest sets up, unless the launch says otherwise', async () => {
    const made = await make(teacher, { vcpus: 2, ramMiB: 768, diskMiB: 2048, bandwidthMbps: 5, minutes: 90, cloudInit });
    const { instance } = await rig.instances.create(bob, { templateId: made.id });
    expect(instance).toMatchObject({ imageId, vcpus: 2, ramMiB: 768, diskMiB: 2048, bandwidthMbps: 5, minutes: 90 });
    await rig.scheduler.idle();
    expect(rig.agents.last(instance.id).desired.spec?.seed).toMatchObject({ hostname: instance.name, vendorData: cloudInit });

    const { instance: other } = await rig.instances.create(bob, { templateId: made.id, vcpus: 1, minutes: 60 });
    expect(other).toMatchObject({ imageId, vcpus: 1, ramMiB: 768, minutes: 60 });
    const { instance: plain } = await rig.instances.create(bob, { imageId });
    await rig.scheduler.idle();
    expect(rig.agents.last(plain.id).desired.spec?.seed).not.toHaveProperty('vendorData');
    expect(await rig.forecast.options(bob, { templateId: made.id })).toMatchObject({ fitsNow: true });
  });

  it('of a family launches what is in production then; what was launched stays as it is when it is changed or deleted', async () => {
    const made = await make(teacher, { imageId: null, familyId, cloudInit });
    const { instance } = await rig.instances.create(bob, { templateId: made.id });
    const newer = await rig.image(64);
    await rig.database.db('images').where({ id: newer }).update({ family_id: familyId, version: 2 });
    await rig.unit.read.imageFamilies.edit(familyId, { productionImageId: newer });
    expect((await rig.instances.create(bob, { templateId: made.id })).instance.imageId).toBe(newer);
    expect(await templates.edit(rig.acting(teacher), made.id, { imageId, cloudInit: null, vcpus: 4 })).toMatchObject({ imageId, familyId: null, cloudInit: null, vcpus: 4, name: 'CL II', groupIds: [groupId] });
    await templates.delete(rig.acting(teacher), made.id);
    await rig.scheduler.idle();
    expect(rig.agents.last(instance.id).desired.spec).toMatchObject({ disk: { imageId }, seed: { vendorData: cloudInit } });
    expect(await refusal(rig.instances.create(bob, { templateId: made.id }))).toMatchObject({ code: 'not-found', field: 'templateId' });
  });

  it('is for its groups, its maker and those who run the site; without groups for everybody', async () => {
    const ofGroup = await make(teacher);
    const ofAll = await make(operator, { name: 'Everybody', groupIds: [] });
    const carol = { ...(await rig.person('teacher', 'carol')) };
    for (const [who, seen] of [[bob, [ofAll, ofGroup]], [teacher, [ofAll, ofGroup]], [operator, [ofAll, ofGroup]], [eve, [ofAll]], [carol, [ofAll]]] as const) {
      const ids = seen.map(({ id }) => id);
      expect([who.userName, (await templates.list(who, { limit: 10 })).items.map(({ id }) => id)]).toEqual([who.userName, ids]);
      const sees = templates.get(who, ofGroup.id).then(() => true, () => false);
      expect([who.userName, await sees]).toEqual([who.userName, ids.includes(ofGroup.id)]);
    }
    await expect(templates.get(eve, ofGroup.id)).rejects.toMatchObject({ code: 'not-found' });
    expect(await refusal(rig.instances.create(eve, { templateId: ofGroup.id }))).toMatchObject({ code: 'not-found', field: 'templateId' });
    expect((await rig.instances.create(eve, { templateId: ofAll.id })).instance.imageId).toBe(imageId);
  });

  it('gives nobody an image that they may not see', async () => {
    const made = await make(operator);
    await rig.database.db('images').update({ visibility: 'private' });
    const refused = await refusal(rig.instances.create(bob, { templateId: made.id }));
    expect(refused).toMatchObject({ code: 'not-found', field: 'templateId', message: 'The template CL II launches an image that is not yours to see. Ask who made the template, or an operator, to choose another or to show you this one.' });
    expect(await refusal(make(teacher, { name: 'Mine' }))).toMatchObject({ code: 'not-found', field: 'imageId' });
    expect(await refusal(make(teacher, { name: 'Mine', imageId: null, familyId }))).toMatchObject({ code: 'not-found', field: 'familyId' });
  });

  it('is made only for people who see its image, and its refusal names image, people and way out', async () => {
    const { id: other } = await rig.group('Others', await rig.person('teacher', 'carol'), []);
    const see = (visibility: string, owner: string | null = null): Promise<unknown> => rig.database.db('images').where({ id: imageId }).update({ visibility, owner_group_id: owner });
    await see('private');
    const named = new RegExp(`^CL II is for everybody, but .+ \\(EMI-.+\\) is seen by whoever made it alone: the others could not launch it\\. Choose an image they see, name other groups, or have an operator show it to them first\\.$`);
    expect(await refusal(make(operator, { groupIds: [] }))).toMatchObject({ code: 'invalid-input', field: 'imageId', message: expect.stringMatching(named) as string });
    expect(await refusal(make(operator, { imageId: null, familyId }))).toMatchObject({ code: 'invalid-input', field: 'familyId', message: expect.stringMatching(/^CL II is for CL II, but/) as string });
    await see('group', groupId);
    expect(await refusal(make(operator, { groupIds: [groupId, other] }))).toMatchObject({ message: expect.stringMatching(/^CL II is for Others, but .+ is seen by the people of CL II alone/) as string });
    expect(await refusal(make(operator, { ownerGroupId: other }))).toMatchObject({ code: 'invalid-input', field: 'imageId' });
    const made = await make(teacher);
    expect((await rig.instances.create(bob, { templateId: made.id })).instance.imageId).toBe(imageId);
    for (const change of [{ groupIds: [groupId, other] }, { groupIds: [] }, { ownerGroupId: other }]) expect(await refusal(templates.edit(rig.acting(operator), made.id, change))).toMatchObject({ code: 'invalid-input', field: 'imageId' });
    expect(await templates.edit(rig.acting(operator), made.id, { vcpus: 3 })).toMatchObject({ vcpus: 3 });
    await see('public');
    expect(await templates.edit(rig.acting(operator), made.id, { groupIds: [groupId, other] })).toMatchObject({ groupIds: [groupId, other].sort() });
  });

  it('of a teacher is for groups they own, and is changed and deleted by nobody but them and those who run the site', async () => {
    const { id: other } = await rig.group('Others', await rig.person('teacher', 'carol'), []);
    for (const groupIds of [[], [other], [groupId, other]]) expect(await refusal(make(teacher, { groupIds }))).toMatchObject({ code: 'invalid-input', field: 'groupIds' });
    expect(await refusal(make(teacher, { ownerGroupId: other }))).toMatchObject({ code: 'invalid-input', field: 'ownerGroupId' });
    const made = await make(teacher);
    expect(await refusal(templates.edit(rig.acting(teacher), made.id, { groupIds: [other] }))).toMatchObject({ code: 'invalid-input', field: 'groupIds' });
    const carol = { ...(await rig.person('teacher', 'carla')), groupIds: [groupId] };
    for (const who of [carol, bob]) {
      expect(await refusal(templates.edit(rig.acting(who), made.id, { vcpus: 8 }))).toMatchObject({ code: 'forbidden' });
      expect(await refusal(templates.delete(rig.acting(who), made.id))).toMatchObject({ code: 'forbidden' });
    }
    expect(await refusal(templates.delete(rig.acting(eve), made.id))).toMatchObject({ code: 'not-found' });
    expect(await templates.edit(rig.acting(operator), made.id, { name: 'CL III', groupIds: [groupId, other] })).toMatchObject({ name: 'CL III', vcpus: made.vcpus });
    // The teacher changes the rest of it, though not every group is theirs.
    expect(await templates.edit(rig.acting(teacher), made.id, { ramMiB: 512 })).toMatchObject({ ramMiB: 512 });
  });

  it('that cannot be launched is refused with field and limit: no or two images, a size, a group, a text, a name', async () => {
    await make(operator, { name: 'Taken' });
    for (const [facts, field] of [
      [{ imageId: null }, 'imageId'], [{ familyId }, 'imageId'], [{ imageId: newId(0) }, 'imageId'], [{ imageId: null, familyId: newId(0) }, 'familyId'], [{ imageId: await rig.image(64, 'kernel') }, 'imageId'],
      [{ diskMiB: 10 }, 'diskMiB'], [{ groupIds: [newId(0)] }, 'groupIds'], [{ ownerGroupId: newId(0) }, 'ownerGroupId'], [{ cloudInit: '#cloud-config\n- a list\n' }, 'cloudInit'], [{ name: 'tAKEN' }, 'name'],
    ] as const) {
      expect([facts, await refusal(make(operator, facts as Partial<z.input<typeof createTemplateBody>>))]).toEqual([facts, expect.objectContaining({ field })]);
    }
    expect((await templates.list(operator, { limit: 10 })).items).toHaveLength(1);
  });

  it('keeps its groups from being deleted: it would be for everybody', async () => {
    await make(teacher);
    const groups = new GroupService({ unit: rig.unit, clock: rig.clock });
    await expect(groups.delete(rig.acting(teacher), groupId)).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('1 template is for it') as string });
  });
});
