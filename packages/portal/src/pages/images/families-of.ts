import type { ImageAnswer } from '@paravcl/shared/api/images';

export interface FamilyShown {
  readonly id: string;
  readonly name: string;
  /** Newest first. */
  readonly versions: readonly ImageAnswer[];
}

/** Versions under the names of their families, families by name. */
export function familiesOf(images: readonly ImageAnswer[], language: string): readonly FamilyShown[] {
  const found = new Map<string, ImageAnswer[]>();
  for (const image of images) found.set(image.familyId, [...(found.get(image.familyId) ?? []), image]);
  return [...found]
    .map(([id, versions]) => ({ id, name: versions[0]?.familyName ?? '', versions: [...versions].sort((a, b) => b.version - a.version) }))
    .sort((a, b) => a.name.localeCompare(b.name, language, { numeric: true }) || a.id.localeCompare(b.id));
}
