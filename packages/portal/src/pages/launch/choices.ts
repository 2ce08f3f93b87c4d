import type { ImageFamily } from '@paravcl/shared/domain/image';
import type { Template } from '@paravcl/shared/domain/template';

/** Something that one may launch: a template, or the production version of a family of images. */
export interface Choice {
  readonly kind: 'template' | 'family';
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** What a template says; null where the image or the site says. */
  readonly vcpus: number | null;
  readonly ramMiB: number | null;
  readonly minutes: number | null;
}

/** Templates first, for they are made for somebody; then families that have a version to launch. */
export function choicesOf(templates: readonly Template[], families: readonly ImageFamily[]): readonly Choice[] {
  return [
    ...templates.map(({ id, name, description, vcpus, ramMiB, minutes }) => ({ kind: 'template' as const, id, name, description, vcpus, ramMiB, minutes })),
    ...families
      .filter(({ kind, productionImageId }) => kind === 'disk' && productionImageId !== null)
      .map(({ id, name, description }) => ({ kind: 'family' as const, id, name, description, vcpus: null, ramMiB: null, minutes: null })),
  ];
}

/** Of which most finds room: the fewest cores, then the least RAM, among those that say so; else the first. Null of none. */
export function smallestOf(choices: readonly Choice[]): Choice | null {
  const sized = choices.flatMap((choice) => (choice.vcpus === null || choice.ramMiB === null ? [] : [{ choice, vcpus: choice.vcpus, ramMiB: choice.ramMiB }]));
  const [smallest] = sized.sort((a, b) => a.vcpus - b.vcpus || a.ramMiB - b.ramMiB);
  return smallest?.choice ?? choices[0] ?? null;
}

/** The page that launches it. */
export const launchAddress = ({ kind, id }: Pick<Choice, 'kind' | 'id'>): string => `/launch?${kind}=${id}`;

/** The choice that an address names, if it is one of these; where it names none and there is only one, that one. */
export function chosenOf(search: URLSearchParams, choices: readonly Choice[]): Choice | null {
  const [only, ...others] = choices;
  if (only !== undefined && others.length === 0 && !search.has('template') && !search.has('family')) return only;
  return choices.find(({ kind, id }) => search.get(kind) === id) ?? null;
}
