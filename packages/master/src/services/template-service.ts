import type { CreateTemplateBody, EditTemplateBody } from '@paravcl/shared/api/templates';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Template } from '@paravcl/shared/domain/template';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { PageRequest } from '../repositories/newest-first';
import type { Repositories } from '../repositories/repositories';
import type { TemplateRecord } from '../repositories/template-repository';
import { eventBy, type Acting } from './acting';
import { requireCloudConfig } from './cloud-init-text';
import { imagesVisibleTo, maySeeImage } from './image-access';
import type { InstanceSettings } from './instance-settings';
import { may, reach } from './policy';
import { requireAudience } from './template-audience';
import { mayUseTemplate, missingTemplate, templatesOf, templateSubject } from './template-access';

export interface TemplateServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly defaults: InstanceSettings['defaults'];
}

/** Templates: what a group works with, under one name (S3). */
export class TemplateService {
  constructor(private readonly deps: TemplateServiceDeps) {}

  async list(principal: Principal, page: PageRequest): Promise<Page<Template>> {
    const { items, next } = await this.deps.unitOfWork.read.templates.page({ ...page, of: templatesOf(principal) });
    return { items: items.map(templateView), next };
  }

  /** Throws `not-found`, also for one that is for others. */
  async get(principal: Principal, id: string): Promise<Template> {
    const template = await this.deps.unitOfWork.read.templates.find(id);
    if (template === null || !mayUseTemplate(principal, template)) throw missingTemplate(id);
    return templateView(template);
  }

  /**
   * Throws `invalid-input` for a group that is not there or not the teacher's, people who do not see the image, sizes the
   * image does not fit in, a cloud-init text that is none; `not-found` for an image or family that one may not see; `already-exists` for the name.
   */
  create(acting: Acting, body: CreateTemplateBody): Promise<Template> {
    const { principal } = acting;
    const now = this.deps.clock.now();
    return this.write(body.name, async (repositories) => {
      const { vcpus, ramMiB, ...rest } = body;
      const image = await this.requireImage(repositories, principal, body);
      const { defaults } = this.deps;
      const template: TemplateRecord = {
        ...rest,
        id: newId(now),
        vcpus: vcpus ?? image?.defaultVcpus ?? defaults.vcpus,
        ramMiB: ramMiB ?? image?.defaultRamMiB ?? defaults.ramMiB,
        groupIds: [...new Set(body.groupIds)].sort(),
        createdByUserId: principal.userId,
        createdAt: now,
        changedAt: now,
      };
      requireFits(template, image);
      await requireGroups(repositories, principal, template);
      if (image !== null) await requireAudience(repositories, template, image);
      if (template.cloudInit !== null) requireCloudConfig(template.cloudInit);
      await repositories.templates.insert(template);
      await repositories.events.append(eventBy(acting, { kind: 'template.created', subjectType: 'template', subjectId: template.id, sentence: `The template ${template.name} was made.` }), now);
      return template;
    });
  }

  /** Throws as `create`, `not-found`, and `forbidden` for one that one may only use. */
  edit(acting: Acting, id: string, { imageId, familyId, ...change }: EditTemplateBody): Promise<Template> {
    const now = this.deps.clock.now();
    return this.write(change.name ?? '', async (repositories) => {
      const before = await mine(repositories, acting.principal, 'template.edit', id);
      const names = imageId === undefined && familyId === undefined ? before : { imageId: imageId ?? null, familyId: familyId ?? null };
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<TemplateRecord>;
      const template: TemplateRecord = { ...before, ...given, imageId: names.imageId, familyId: names.familyId, changedAt: now };
      // What is not touched was allowed when it was set: it may be another's since.
      const isForOthers = change.groupIds !== undefined || change.ownerGroupId !== undefined;
      if (names !== before || change.diskMiB != null) requireFits(template, await this.requireImage(repositories, acting.principal, template));
      if (isForOthers) await requireGroups(repositories, acting.principal, template);
      const image = names !== before || isForOthers ? await launchedBy(repositories, template) : null;
      if (image !== null) await requireAudience(repositories, template, image);
      if (change.cloudInit != null) requireCloudConfig(change.cloudInit);
      await repositories.templates.update(template);
      await repositories.events.append(eventBy(acting, { kind: 'template.edited', subjectType: 'template', subjectId: id, sentence: `The template ${template.name} was changed.` }), now);
      return template;
    });
  }

  /** What was launched from it stays. Throws `not-found`, `forbidden`. */
  async delete(acting: Acting, id: string): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      const template = await mine(repositories, acting.principal, 'template.delete', id);
      await repositories.templates.remove(id);
      await repositories.events.append(eventBy(acting, { kind: 'template.deleted', subjectType: 'template', subjectId: id, sentence: `The template ${template.name} was deleted.` }), clock.now());
    });
  }

  /** The version it is of, kept from deletion until the transaction ends; of a family the one in production, null while there is none. */
  private async requireImage(repositories: Repositories, principal: Principal, { imageId, familyId }: Pick<TemplateRecord, 'imageId' | 'familyId'>): Promise<ImageRecord | null> {
    if ((imageId === null) === (familyId === null)) {
      throw new ParavclError('invalid-input', 'Say what the template launches: either one image, or a family, of which it launches what is in production.', { field: 'imageId', limit: 'exactly one of imageId and familyId' });
    }
    if (imageId !== null) {
      const image = await repositories.images.lockShared(imageId);
      if (image?.kind === 'disk' && maySeeImage(principal, image)) return image;
      throw new ParavclError('not-found', `There is no image ${imageId}, or it is not yours to see.`, { field: 'imageId', limit: 'an existing image' });
    }
    const family = await repositories.imageFamilies.lock(familyId ?? '');
    const seen = family?.kind !== 'disk' ? [] : await repositories.images.versionsOf(family.id, imagesVisibleTo(principal), 1);
    if (family === null || seen.length === 0) throw new ParavclError('not-found', `There is no image family ${familyId ?? ''}, or it is not yours to see.`, { field: 'familyId', limit: 'an existing family of images' });
    return family.productionImageId === null ? null : repositories.images.find(family.productionImageId);
  }

  private async write(name: string, work: (repositories: Repositories) => Promise<TemplateRecord>): Promise<Template> {
    try {
      return templateView(await this.deps.unitOfWork.transaction(work));
    } catch (error) {
      throw isDuplicateKey(error) ? new ParavclError('already-exists', `There is a template ${name} already. Choose another name.`, { field: 'name', limit: 'unique in the site' }) : error;
    }
  }
}

/** What it launches as things are; null while nothing of its family is in production. */
async function launchedBy({ images, imageFamilies }: Repositories, { imageId, familyId }: TemplateRecord): Promise<ImageRecord | null> {
  const id = imageId ?? (await imageFamilies.find(familyId ?? ''))?.productionImageId ?? null;
  return id === null ? null : images.find(id);
}

/** Locked, when the principal may do this to it. */
async function mine(repositories: Repositories, principal: Principal, action: 'template.edit' | 'template.delete', id: string): Promise<TemplateRecord> {
  const template = await repositories.templates.lock(id);
  if (template === null || !mayUseTemplate(principal, template)) throw missingTemplate(id);
  if (!may(principal, action, templateSubject(template))) {
    throw new ParavclError('forbidden', `The template ${template.name} is for you to use, not to change. Ask who made it, or an operator.`);
  }
  return template;
}

function requireFits({ diskMiB }: TemplateRecord, image: ImageRecord | null): void {
  const smallest = image?.virtualSizeMiB ?? 0;
  if (diskMiB === null || diskMiB >= smallest) return;
  throw new ParavclError('invalid-input', `diskMiB is ${diskMiB}, but ${image?.name ?? 'its image'} needs at least ${smallest} MiB.`, { field: 'diskMiB', limit: `at least ${smallest} MiB` });
}

/** A teacher makes templates for groups they own; operators and admins for any, and for everybody. */
async function requireGroups(repositories: Repositories, principal: Principal, { groupIds, ownerGroupId }: TemplateRecord): Promise<void> {
  if (reach(principal, 'template.create') === 'any') {
    for (const [field, id] of [...groupIds.map((groupId) => ['groupIds', groupId] as const), ...(ownerGroupId === null ? [] : [['ownerGroupId', ownerGroupId] as const])]) {
      if ((await repositories.groups.find(id)) === null) throw new ParavclError('invalid-input', `There is no group ${id}.`, { field, limit: 'existing groups' });
    }
    return;
  }
  if (groupIds.length === 0) throw new ParavclError('invalid-input', 'Name the groups that may use the template. Only operators make templates for everybody.', { field: 'groupIds', limit: 'groups that you own' });
  if (!groupIds.every((id) => principal.ownedGroupIds.includes(id))) throw new ParavclError('invalid-input', 'You make templates for groups that you own. Name only those.', { field: 'groupIds', limit: 'groups that you own' });
  if (ownerGroupId !== null && !principal.ownedGroupIds.includes(ownerGroupId)) throw new ParavclError('invalid-input', 'You do not own this group. Name one of yours, or none.', { field: 'ownerGroupId', limit: 'a group that you own' });
}

function templateView({ groupIds, createdAt, changedAt, ...template }: TemplateRecord): Template {
  return { ...template, groupIds: [...groupIds], createdAt: new Date(createdAt).toISOString(), changedAt: new Date(changedAt).toISOString() };
}
