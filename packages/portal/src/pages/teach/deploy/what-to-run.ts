import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ImageFamily } from '@paravcl/shared/domain/image';
import type { Template } from '@paravcl/shared/domain/template';

/** One thing that can be run. `value` says which: "template:…", "family:…", "image:…". */
export interface Runnable {
  readonly value: string;
  readonly name: string;
  readonly vcpus: number | null;
  readonly ramMiB: number | null;
  readonly minutes: number | null;
}

export interface Runnables {
  readonly templates: readonly Runnable[];
  /** Families with a version in production. */
  readonly families: readonly Runnable[];
  /** Single versions. */
  readonly versions: readonly Runnable[];
}

/** What can be run, by name. Versions that are not ready, or offered no more, are left out. */
export function runnables(templates: readonly Template[], families: readonly ImageFamily[], images: readonly ImageAnswer[]): Runnables {
  const byId = new Map(images.map((image) => [image.id, image]));
  const sizesOf = (imageId: string | null): Pick<Runnable, 'vcpus' | 'ramMiB' | 'minutes'> => {
    const image = imageId === null ? undefined : byId.get(imageId);
    return { vcpus: image?.defaultVcpus ?? null, ramMiB: image?.defaultRamMiB ?? null, minutes: null };
  };
  return {
    templates: named(templates.map(({ id, name, vcpus, ramMiB, minutes }) => ({ value: `template:${id}`, name, vcpus, ramMiB, minutes }))),
    families: named(families.filter(({ kind, productionImageId }) => kind === 'disk' && productionImageId !== null).map(({ id, name, productionImageId }) => ({ value: `family:${id}`, name, ...sizesOf(productionImageId) }))),
    versions: named(images.filter(({ kind, state }) => kind === 'disk' && state === 'ready').map(({ id, familyName, version, friendlyId }) => ({ value: `image:${id}`, name: `${familyName} ${version} (${friendlyId})`, ...sizesOf(id) }))),
  };
}

const named = (all: readonly Runnable[]): readonly Runnable[] => [...all].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));

export const findRunnable = ({ templates, families, versions }: Runnables, value: string): Runnable | null => [...templates, ...families, ...versions].find((one) => one.value === value) ?? null;

/** As a request says it: one of `templateId`, `familyId` and `imageId`; none for what is none of them. */
export function runOf(value: string): { readonly templateId?: string; readonly familyId?: string; readonly imageId?: string } {
  const [kind, id] = value.split(':');
  if (id === undefined) return {};
  switch (kind) {
    case 'template':
      return { templateId: id };
    case 'family':
      return { familyId: id };
    case 'image':
      return { imageId: id };
    default:
      return {};
  }
}
