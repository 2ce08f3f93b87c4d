import { ParavclError, type Dependent } from '@paravcl/shared/errors';
import type { ImageFamilyRecord } from '../repositories/image-family-repository';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import { imageNouns } from './image-nouns';

/** Named in one refusal. */
const mostNamed = 20;
/** Named in its sentence. */
const mostSaid = 3;

/** What would lose something with this version: all of it. The image and its family are locked by the caller. */
async function dependentsOf(repositories: Repositories, image: ImageRecord, family: ImageFamilyRecord | null): Promise<readonly Dependent[]> {
  const { id, kind } = image;
  const instances = await repositories.instances.usingImage(id);
  const images = await repositories.images.withDefault(id);
  const reservations = await repositories.reservations.usingImage(id);
  const templates = await repositories.templates.ofImage(id);
  // A template of the family launches its production version: without one it launches nothing.
  const ofFamily = family?.productionImageId === id ? await repositories.templates.ofFamily(family.id) : [];
  return [
    ...instances.map(({ id, name }): Dependent => ({ type: 'instance', id, name, how: kind === 'disk' ? 'runs it' : 'boots with it' })),
    ...images.map(({ id, name, friendlyId }): Dependent => ({ type: 'image', id, name: `${name} (${friendlyId})`, how: `has it as its default ${imageNouns[kind]}` })),
    ...reservations.map(({ id, sentence }): Dependent => ({ type: 'reservation', id, name: sentence, how: 'is for it' })),
    ...templates.map(({ id, name }): Dependent => ({ type: 'template', id, name, how: 'launches it' })),
    ...ofFamily.map(({ id, name }): Dependent => ({ type: 'template', id, name, how: 'launches what is in production of its family' })),
  ];
}

const waysOut: Readonly<Record<Dependent['type'], string>> = {
  instance: 'Reset the instances to another version first (put that into production, then reset with "toProduction"; what was taken back to this one, without), or delete them; either way what is on their disks goes. To keep it, deprecate this one instead.',
  image: 'Give those images another default first.',
  reservation: 'Cancel or release the reservations first, or wait until they are over.',
  template: 'Change or delete the templates first, or put another version into production.',
};

/** Throws `in-use` with what depends on this version: the first of it by name, and how much more there is. */
export async function requireNoDependents(repositories: Repositories, image: ImageRecord, family: ImageFamilyRecord | null): Promise<void> {
  const dependents = await dependentsOf(repositories, image, family);
  if (dependents.length === 0) return;
  const said = dependents.slice(0, mostSaid).map(({ type, name, how }) => `${type} ${name.replace(/\.$/, '')} ${how}`);
  const more = dependents.length > mostSaid ? `, and ${dependents.length - mostSaid} more depend on it` : '';
  const types = [...new Set(dependents.map(({ type }) => type))];
  throw new ParavclError('in-use', `${image.name} (${image.friendlyId}) cannot be deleted: ${said.join('; ')}${more}. ${types.map((type) => waysOut[type]).join(' ')}`, {
    dependents: dependents.slice(0, mostNamed),
    dependentCount: dependents.length,
  });
}

/**
 * Throws `in-use` for what launches of its family get, while another version could take its place. Which one, somebody has
 * to choose: a class would boot another disk else, and nobody had said so. The image and its family are locked by the caller.
 */
export async function requireNoSuccessor(repositories: Repositories, image: ImageRecord, family: ImageFamilyRecord): Promise<void> {
  if (family.productionImageId !== image.id) return;
  const { items } = await repositories.images.list(image.kind, { state: 'ready', familyId: family.id }, { limit: 2 });
  const successor = items.find(({ id }) => id !== image.id);
  if (successor === undefined) return;
  throw new ParavclError(
    'in-use',
    `${image.name} (${image.friendlyId}) cannot be deleted: it is in production, launches of ${family.name} get it. Put another version into production first, such as version ${successor.version} (${successor.friendlyId}).`,
  );
}
