import type { Answered } from '@paravcl/shared/client/routes';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NotFound, Refusal } from '../errors/refusal';
import type { Context, ItemOf } from '../context';
import { stateWord } from '../output/states';
import { find, isId, type Kind } from './resolve';

export type InstanceItem = ItemOf<'get /instances'>;
export type SlaveItem = ItemOf<'get /slaves'>;
export type ReservationItem = ItemOf<'get /reservations'>;
export type UserItem = ItemOf<'get /users'>;
export type GroupItem = ItemOf<'get /groups'>;
export type ImageItem = ItemOf<'get /images'>;

export const instances: Kind<'get /instances'> = { key: 'get /instances', noun: 'instance', list: 'paravcl instances list', as: ({ id, name, observed }) => ({ id, names: [name], more: stateWord(observed) }) };
export const slaves: Kind<'get /slaves'> = { key: 'get /slaves', noun: 'host', list: 'paravcl slaves list', as: ({ id, name, admission }) => ({ id, names: [name], more: admission }) };
export const images: Kind<'get /images'> = { key: 'get /images', noun: 'image', list: 'paravcl images list', as: ({ id, friendlyId, name, version }) => ({ id, names: [friendlyId, `${name}:${String(version)}`], more: `${name} version ${String(version)}` }) };
export const families: Kind<'get /image-families'> = { key: 'get /image-families', noun: 'image', list: 'paravcl images list', as: ({ id, name, kind }) => ({ id, names: [name], more: kind }) };
export const diskFamilies: Kind<'get /image-families'> = { ...families, query: { kind: 'disk' } };
export const templates: Kind<'get /templates'> = { key: 'get /templates', noun: 'template', list: 'paravcl images list', as: ({ id, name, description }) => ({ id, names: [name], more: description }) };
export const deployments: Kind<'get /deployments'> = { key: 'get /deployments', noun: 'deployment', list: 'paravcl deployments list', as: ({ id, name, sentence }) => ({ id, names: [name], more: sentence }) };
export const snapshots: Kind<'get /snapshots'> = { key: 'get /snapshots', noun: 'snapshot', list: 'paravcl snapshots list', as: ({ id, name, sentence }) => ({ id, names: [name], more: sentence }) };
export const groups: Kind<'get /groups'> = { key: 'get /groups', noun: 'group', list: 'paravcl groups list', as: ({ id, name, members }) => ({ id, names: [name], more: `${String(members)} members` }) };
export const users: Kind<'get /users'> = { key: 'get /users', noun: 'user', list: 'paravcl users list', as: ({ id, name, displayName }) => ({ id, names: [name], more: displayName }) };
export const reservations: Kind<'get /reservations'> = { key: 'get /reservations', noun: 'reservation', list: 'paravcl reservations list', as: ({ id, sentence }) => ({ id, names: [], more: sentence }) };

/** An instance by its name or id; one that is deleted by its id alone. */
export async function instanceOf(context: Context, said: string): Promise<InstanceItem> {
  return isId(said) ? context.call('get /instances/:instanceId', { params: { instanceId: said.toLowerCase() } }) : find(context, instances, said);
}

export async function slaveOf(context: Context, said: string): Promise<SlaveItem> {
  return isId(said) ? context.call('get /slaves/:slaveId', { params: { slaveId: said.toLowerCase() } }) : find(context, slaves, said);
}

/** A person's id. By it alone where one may not see who people are. */
export async function userIdOf(context: Context, said: string): Promise<string> {
  if (isId(said)) return said.toLowerCase();
  try {
    return (await find(context, users, said)).id;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 403) throw new Refusal(`Who people are is not yours to see, so "${said}" is not found by name. Give the id of that account: an administrator has it, and its owner (paravcl whoami -o json).`);
    throw error;
  }
}

/** What to launch: a version of an image (friendly id, id or NAME:VERSION), an image by its name, which is its production version, or a template. */
export async function launchableOf(context: Context, said: string): Promise<{ readonly imageId: string } | { readonly familyId: string } | { readonly templateId: string }> {
  const tries = [
    async () => ({ imageId: (await find(context, images, said)).id }),
    async () => ({ familyId: (await find(context, diskFamilies, said)).id }),
    async () => ({ templateId: (await find(context, templates, said)).id }),
  ];
  for (const one of tries) {
    try {
      return await one();
    } catch (error) {
      // One that is ambiguous is said so; one that is not there may be of the next kind.
      if (!(error instanceof NotFound)) throw error;
    }
  }
  throw new NotFound(`There is no image or template "${said}", or it is not yours to see.`, 'paravcl images list');
}

/** Names of people by their ids, as far as one may see them. */
export async function userNames(context: Context): Promise<(id: string | null) => string> {
  const me: Answered<'get /me'> = await context.call('get /me', {});
  const known = new Map([[me.user.id, me.user.name]]);
  if (me.user.role !== 'student') for (const { id, name } of (await context.list('get /users').catch(onlyMine)).items) known.set(id, name);
  return (id) => (id === null ? '-' : (known.get(id) ?? id.slice(0, 8)));
}

/** Names of hosts by their ids, as far as one may see them. */
export async function slaveNames(context: Context): Promise<(id: string | null) => string> {
  const known = new Map((await context.list('get /slaves').catch(onlyMine)).items.map(({ id, name }) => [id, name]));
  return (id) => (id === null ? '-' : (known.get(id) ?? (known.size === 0 ? 'a host of the pool' : id.slice(0, 8))));
}

export async function groupNames(context: Context): Promise<(id: string | null) => string> {
  const known = new Map((await context.list('get /groups').catch(onlyMine)).items.map(({ id, name }) => [id, name]));
  return (id) => (id === null ? '-' : (known.get(id) ?? id.slice(0, 8)));
}

/** A list that one may not see has nothing in it for one. */
function onlyMine(error: unknown): { readonly items: readonly never[]; readonly next: null } {
  if (error instanceof ApiProblem && error.status === 403) return { items: [], next: null };
  throw error;
}
