import type { CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Principal } from '@paravcl/shared/domain/people';
import { hostLabelSchema, instanceBounds } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import type { ImageRecord } from '../repositories/image-repository';
import type { Repositories } from '../repositories/repositories';
import { chooseMinutes, type MinutesLimits } from '../core/instance-time';
import type { InstanceSettings } from './instance-settings';

/** What a launch comes to once image, site and person have filled in what was not asked for. */
export interface Launch {
  readonly image: ImageRecord;
  readonly kernelId: string | null;
  readonly ramdiskId: string | null;
  readonly kernelArguments: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly bandwidthMbps: number | null;
}

/**
 * Fills a request in from the image's defaults, then the site's, and checks it. Locks the images it
 * names, so that none is deleted before the instance that uses it is there.
 * Throws `invalid-input` with field and limit, or `image-not-ready`.
 */
export async function resolveLaunch(repositories: Repositories, body: CreateInstanceBody, defaults: InstanceSettings['defaults']): Promise<Launch> {
  const image = await readyImage(repositories, body.imageId, 'disk', 'imageId');
  const kernelId = body.kernelId === undefined ? image.defaultKernelId : body.kernelId;
  const ramdiskId = body.ramdiskId === undefined ? (kernelId === null ? null : image.defaultRamdiskId) : body.ramdiskId;
  if (ramdiskId !== null && kernelId === null) {
    throw new ParavclError('invalid-input', 'A ramdisk needs a kernel that loads it: name a kernel, or leave the ramdisk out.', { field: 'ramdiskId', limit: 'only with a kernel' });
  }
  if (kernelId !== null) await readyImage(repositories, kernelId, 'kernel', 'kernelId');
  if (ramdiskId !== null) await readyImage(repositories, ramdiskId, 'ramdisk', 'ramdiskId');

  const smallest = Math.max(instanceBounds.diskMiB.min, image.virtualSizeMiB ?? 0);
  const diskMiB = body.diskMiB ?? smallest;
  if (diskMiB < smallest) {
    throw new ParavclError('invalid-input', `diskMiB is ${diskMiB}, but ${image.name} needs at least ${smallest} MiB.`, { field: 'diskMiB', limit: `at least ${smallest} MiB` });
  }
  return {
    image,
    kernelId,
    ramdiskId,
    kernelArguments: kernelId === null ? '' : image.kernelArguments,
    vcpus: body.vcpus ?? image.defaultVcpus ?? defaults.vcpus,
    ramMiB: body.ramMiB ?? image.defaultRamMiB ?? defaults.ramMiB,
    diskMiB,
    bandwidthMbps: body.bandwidthMbps ?? null,
  };
}

const nouns = { disk: 'image', kernel: 'kernel', ramdisk: 'ramdisk' } as const;

async function readyImage(repositories: Repositories, id: string, kind: ImageRecord['kind'], field: string): Promise<ImageRecord> {
  const image = await repositories.images.lockShared(id);
  if (image?.kind !== kind) {
    throw new ParavclError('invalid-input', `There is no ${nouns[kind]} ${id}. List them to see which there are.`, { field, limit: `an existing ${nouns[kind]}` });
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
