import { ParavclError, type Dependent } from '@paravcl/shared/errors';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import type { TemplateRecord } from '../repositories/template-repository';

type SeenBy = Pick<ImageRecord, 'visibility' | 'ownerGroupId'>;

/** Whom a template is for that would not see its image: everybody, or these groups (ids); an empty list when all see it. */
export function unseenBy({ groupIds, ownerGroupId }: Pick<TemplateRecord, 'groupIds' | 'ownerGroupId'>, image: SeenBy): 'everybody' | readonly string[] {
  if (image.visibility === 'public') return [];
  if (groupIds.length === 0) return 'everybody';
  const groups = [...new Set([...groupIds, ...(ownerGroupId === null ? [] : [ownerGroupId])])];
  return image.visibility === 'group' ? groups.filter((id) => id !== image.ownerGroupId) : groups;
}

/** Throws `invalid-input` when the template would be for people who do not see its image: each of their launches would be refused. */
export async function requireAudience(repositories: Repositories, template: TemplateRecord, image: ImageRecord): Promise<void> {
  const unseen = unseenBy(template, image);
  if (unseen.length === 0) return;
  const whom = unseen === 'everybody' ? unseen : await sayGroups(repositories, unseen);
  const sees = image.visibility === 'private' ? 'whoever made it' : `the people of ${await sayGroups(repositories, image.ownerGroupId === null ? [] : [image.ownerGroupId])}`;
  throw new ParavclError(
    'invalid-input',
    `${template.name} is for ${whom}, but ${image.name} (${image.friendlyId}) is seen by ${sees} alone: the others could not launch it. Choose an image they see, name other groups, or have an operator show it to them first.`,
    { field: template.imageId === null ? 'familyId' : 'imageId', limit: 'an image that all whom the template is for may see' },
  );
}

/**
 * Throws `in-use`, naming the templates, when people they are for saw what these launch until now, and would not see what
 * they launch then. `until` null: they launched nothing.
 */
export function requireStillSeen(templates: readonly TemplateRecord[], until: SeenBy | null, then: SeenBy, what: string): void {
  const losing = templates.filter((template) => unseenBy(template, then).length > 0 && (until === null || unseenBy(template, until).length === 0));
  if (losing.length === 0) return;
  const more = losing.length > mostSaid ? ` and ${losing.length - mostSaid} more` : '';
  const named = losing.slice(0, mostSaid).map(({ name }) => name).join(', ');
  throw new ParavclError('in-use', `${what}: ${losing.length === 1 ? 'template' : 'templates'} ${named}${more} would launch it for people who do not see it. Change or delete ${losing.length === 1 ? 'that template' : 'those templates'} first.`, {
    dependents: losing.slice(0, mostNamed).map(({ id, name }): Dependent => ({ type: 'template', id, name, how: 'is for people who would not see it' })),
    dependentCount: losing.length,
  });
}

/** All that launch this version as it stands: of itself, and of its family while it is in production. */
export async function templatesLaunching({ templates }: Repositories, { id, familyId, production }: ImageRecord): Promise<readonly TemplateRecord[]> {
  return whole(templates, [...(await templates.ofImage(id)), ...(production ? await templates.ofFamily(familyId) : [])]);
}

export async function templatesOfFamily({ templates }: Repositories, familyId: string): Promise<readonly TemplateRecord[]> {
  return whole(templates, await templates.ofFamily(familyId));
}

/** Named in one refusal. */
const mostNamed = 20;
/** Named in its sentence. */
const mostSaid = 3;

async function whole(templates: Repositories['templates'], named: readonly Pick<TemplateRecord, 'id'>[]): Promise<readonly TemplateRecord[]> {
  return (await Promise.all(named.map(({ id }) => templates.find(id)))).filter((template) => template !== null);
}

async function sayGroups({ groups }: Repositories, ids: readonly string[]): Promise<string> {
  const names = (await Promise.all(ids.map((id) => groups.find(id)))).map((group) => group?.name ?? 'a group that is gone');
  return names.length === 0 ? 'a group that is gone' : names.join(', ');
}
