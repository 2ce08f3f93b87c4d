import type { CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Principal } from '@paravcl/shared/domain/people';
import { hostLabelSchema, instanceBounds } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import type { TemplateRecord } from '../repositories/template-repository';
import { chooseMinutes, type MinutesLimits } from '../core/instance-time';
import { imagesVisibleTo, maySeeImage, runsSite } from './image-access';
import { imageNouns } from './image-nouns';
import type { InstanceSettings } from './instance-settings';
import { mayUseTemplate, missingTemplate } from './template-access';

/** What a launch comes to once template, image, site and person have filled in what was not asked for. */
export interface Launch {
  readonly image: ImageRecord;
  readonly kernelId: string | null;
  readonly ramdiskId: string | null;
  readonly kernelArguments: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly bandwidthMbps: number | null;
  /** Null: any. */
  readonly minSpeed: number | null;
  /** The template's; null where it says nothing. */
  readonly minutes: number | null;
  readonly cloudInit: string | null;
}

/** What is to run, in what size: of `imageId`, `familyId` and `templateId` exactly one. */
export type AskedLaunch = Pick<CreateInstanceBody, 'imageId' | 'familyId' | 'templateId' | 'kernelId' | 'ramdiskId' | 'vcpus' | 'ramMiB' | 'diskMiB' | 'bandwidthMbps' | 'minSpeed'>;

/** Who asks. `promised`: a reservation promised the image when it was made, whoever claims, and however it stands now. */
export type LaunchAsker = Principal | 'promised';

/**
 * Fills a request in from the template, the image's defaults, then the site's, and checks it. Locks what it names, so
 * that nothing is deleted before the instance that uses it is there.
 * Throws `not-found` with the field (also for what the asker may not see), `invalid-input` with field and limit, or `image-not-ready`.
 */
export async function resolveLaunch(repositories: Repositories, asked: AskedLaunch, asker: LaunchAsker, defaults: InstanceSettings['defaults']): Promise<Launch> {
  const template = asked.templateId === undefined ? null : await usableTemplate(repositories, asked.templateId, asker);
  const image = template === null ? await launchedImage(repositories, asked, asker) : await imageOfTemplate(repositories, template, asker);
  const kernelId = asked.kernelId === undefined ? image.defaultKernelId : asked.kernelId;
  const ramdiskId = asked.ramdiskId === undefined ? (kernelId === null ? null : image.defaultRamdiskId) : asked.ramdiskId;
  if (ramdiskId !== null && kernelId === null) {
    throw new ParavclError('invalid-input', 'A ramdisk needs a kernel that loads it: name a kernel, or leave the ramdisk out.', { field: 'ramdiskId', limit: 'only with a kernel' });
  }
  // Who may launch the image may boot it as it is meant to be booted.
  if (kernelId !== null) await readyImage(repositories, kernelId, 'kernel', 'kernelId', asked.kernelId === undefined ? 'promised' : asker);
  if (ramdiskId !== null) await readyImage(repositories, ramdiskId, 'ramdisk', 'ramdiskId', asked.ramdiskId === undefined ? 'promised' : asker);

  const smallest = Math.max(instanceBounds.diskMiB.min, image.virtualSizeMiB ?? 0);
  const diskMiB = asked.diskMiB ?? template?.diskMiB ?? smallest;
  if (diskMiB < smallest) {
    throw new ParavclError('invalid-input', `diskMiB is ${diskMiB}, but ${image.name} needs at least ${smallest} MiB.`, { field: 'diskMiB', limit: `at least ${smallest} MiB` });
  }
  return {
    image,
    kernelId,
    ramdiskId,
    kernelArguments: kernelId === null ? '' : image.kernelArguments,
    vcpus: asked.vcpus ?? template?.vcpus ?? image.defaultVcpus ?? defaults.vcpus,
    ramMiB: asked.ramMiB ?? template?.ramMiB ?? image.defaultRamMiB ?? defaults.ramMiB,
    diskMiB,
    bandwidthMbps: asked.bandwidthMbps ?? template?.bandwidthMbps ?? null,
    minSpeed: asked.minSpeed ?? image.minSpeed ?? null,
    minutes: template?.minutes ?? null,
    cloudInit: template?.cloudInit ?? null,
  };
}

async function usableTemplate(repositories: Repositories, id: string, asker: LaunchAsker): Promise<TemplateRecord> {
  const template = await repositories.templates.lockShared(id);
  if (template === null || (asker !== 'promised' && !mayUseTemplate(asker, template))) throw missingTemplate(id);
  return template;
}

/** Throws `not-found` that names the template when who may use it may not see its image any more. */
async function imageOfTemplate(repositories: Repositories, template: TemplateRecord, asker: LaunchAsker): Promise<ImageRecord> {
  try {
    return await launchedImage(repositories, template, asker);
  } catch (error) {
    if (!(error instanceof ParavclError) || error.code !== 'not-found') throw error;
    throw new ParavclError('not-found', `The template ${template.name} launches an image that is not yours to see. Ask who made the template, or an operator, to choose another or to show you this one.`, { field: 'templateId', limit: 'a template of an image that you may see' });
  }
}

async function launchedImage(repositories: Repositories, named: { readonly imageId?: string | null | undefined; readonly familyId?: string | null | undefined }, asker: LaunchAsker): Promise<ImageRecord> {
  if (named.imageId != null) return readyImage(repositories, named.imageId, 'disk', 'imageId', asker);
  if (named.familyId != null) return productionImage(repositories, named.familyId, asker);
  throw new ParavclError('invalid-input', 'Say what to run: an image, a family, or a template.', { field: 'imageId', limit: 'exactly one of imageId, familyId and templateId' });
}

/**
 * The version of a family that is in production. Throws `not-found`, in the same words whether there is no such family or the
 * asker may not see it, and without the version's id; `image-not-ready` while there is none.
 */
export async function productionImage(repositories: Repositories, familyId: string, asker: LaunchAsker): Promise<ImageRecord> {
  const family = await repositories.imageFamilies.find(familyId);
  const missing = new ParavclError('not-found', `There is no image family ${familyId}, or what is in production of it is not yours to see.`, { field: 'familyId', limit: 'an existing family of images' });
  if (family?.kind !== 'disk') throw missing;
  if (family.productionImageId !== null) {
    const image = await repositories.images.lockShared(family.productionImageId);
    if (image === null || !maySee(asker, image)) throw missing;
    return requireReady(image, 'familyId', asker);
  }
  const seen = await repositories.images.versionsOf(familyId, asker === 'promised' ? undefined : imagesVisibleTo(asker), 1);
  if (seen.length === 0) throw missing;
  throw new ParavclError('image-not-ready', `${family.name} has no version in production yet. Name one of its versions, or ask an operator to put one into production.`, { field: 'familyId' });
}

async function readyImage(repositories: Repositories, id: string, kind: ImageRecord['kind'], field: string, asker: LaunchAsker): Promise<ImageRecord> {
  const image = await repositories.images.lockShared(id);
  if (image?.kind !== kind || !maySee(asker, image)) {
    throw new ParavclError('not-found', `There is no ${imageNouns[kind]} ${id}, or it is not yours to see. List them to see which there are.`, { field, limit: `an existing ${imageNouns[kind]}` });
  }
  return requireReady(image, field, asker);
}

function maySee(asker: LaunchAsker, image: ImageRecord): boolean {
  return asker === 'promised' || maySeeImage(asker, image);
}

function requireReady(image: ImageRecord, field: string, asker: LaunchAsker): ImageRecord {
  if (image.state === 'deprecated' && (asker === 'promised' || runsSite(asker))) return image;
  if (image.state === 'deprecated') {
    throw new ParavclError('image-not-ready', `${image.name} (${image.friendlyId}) is deprecated: nothing new is launched of it. Choose another version of ${image.familyName}, or another ${imageNouns[image.kind]}.`, { field });
  }
  if (image.state !== 'ready') {
    const why = image.reason === null ? '' : ` ${image.reason}`;
    throw new ParavclError('image-not-ready', `${image.name} is ${image.state} and cannot be used yet.${why}`, { field });
  }
  return image;
}

/** A name a person chose for the host; throws `invalid-input` with one that would do. */
export function chosenName(name: string): string {
  const parsed = hostLabelSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  const better = name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 63).replace(/^-+|-+$/g, '');
  throw new ParavclError(
    'invalid-input',
    `“${shown}” cannot be a host name: use at most 63 lower-case letters, digits and hyphens, no hyphen at the ends${better === '' ? '' : `, for example ${better}`}.`,
    { field: 'name', limit: 'at most 63 lower-case letters, digits and hyphens, not at the ends' },
  );
}

/** Minutes an instance may run, null for no end; throws `invalid-input` beyond what this person may ask for. */
export function requireMinutes({ role }: Pick<Principal, 'role'>, wished: number | null | undefined, limits: MinutesLimits): number | null {
  const chosen = chooseMinutes(wished, limits, role === 'operator' || role === 'admin');
  if (chosen.kind === 'chosen') return chosen.minutes;
  throw new ParavclError('invalid-input', chosen.sentence, { field: 'minutes', limit: chosen.limit });
}

/** The group an instance belongs to; throws `invalid-input` for a group the person has no part in. */
export function chosenGroup(principal: Principal, wished: string | null | undefined, primaryGroupId: string | null): string | null {
  if (wished === undefined) return primaryGroupId;
  if (wished === null || principal.role === 'admin' || principal.groupIds.includes(wished) || principal.ownedGroupIds.includes(wished)) return wished;
  throw new ParavclError('invalid-input', 'You are not in this group. Name one of your groups, or none.', { field: 'groupId', limit: 'a group you belong to or own' });
}
