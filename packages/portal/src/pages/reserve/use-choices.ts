import type { Image, ImageFamily } from '@paravcl/shared/domain/image';
import type { Group } from '@paravcl/shared/domain/people';
import type { Template } from '@paravcl/shared/domain/template';
import { useAll } from '../../api/use-all';
import type { Sizes } from './reservation-form';

export interface Choices {
  readonly families: readonly ImageFamily[];
  readonly templates: readonly Template[];
  readonly groups: readonly Group[];
  readonly images: readonly Image[];
  /** Whether it is known yet what there is to run. */
  readonly isKnown: boolean;
}

/** What one can reserve, and for whom. */
export function useChoices(): Choices {
  const families = useAll('images', 'get /image-families', { query: { kind: 'disk' } });
  const templates = useAll('templates', 'get /templates', {});
  const groups = useAll('groups', 'get /groups', {});
  const images = useAll('images', 'get /images', {});
  return {
    families: (families.data ?? []).filter(({ productionImageId }) => productionImageId !== null),
    templates: templates.data ?? [],
    groups: groups.data ?? [],
    images: images.data ?? [],
    isKnown: families.data !== undefined || families.error !== null,
  };
}

/** What is given when no size is typed, as far as it is known here: of the template, else of the image. */
export function defaultSizes(what: string, { families, templates, images }: Choices): Sizes {
  const [kind, id] = what.split(':');
  const template = kind === 'template' ? templates.find((one) => one.id === id) : undefined;
  const familyId = kind === 'family' ? id : template?.familyId;
  const imageId = template?.imageId ?? families.find((family) => family.id === familyId)?.productionImageId;
  const image = images.find((one) => one.id === imageId);
  return {
    vcpus: template?.vcpus ?? image?.defaultVcpus ?? null,
    ramMiB: template?.ramMiB ?? image?.defaultRamMiB ?? null,
    diskMiB: template?.diskMiB ?? image?.virtualSizeMiB ?? null,
    bandwidthMbps: template?.bandwidthMbps ?? null,
  };
}
