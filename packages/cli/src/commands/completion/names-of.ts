import type { Context, PageKey } from '../../context';
import type { Things } from './wanted';

/** As many as one looks through with the Tab key. */
const most = 200;

/** What things of a kind are called, by those of the site that one may see. */
export async function namesOf(context: Context, kind: Things): Promise<readonly string[]> {
  const all = async <Key extends PageKey>(key: Key, query: Readonly<Record<string, unknown>> = {}) => (await context.list(key, query, { most })).items;
  switch (kind) {
    case 'instances':
      return (await all('get /instances')).map(({ name }) => name);
    case 'slaves':
      return (await all('get /slaves')).map(({ name }) => name);
    case 'images': {
      const [versions, templates] = await Promise.all([all('get /images'), all('get /templates')]);
      return [...new Set([...versions.flatMap(({ name, friendlyId }) => [name, friendlyId]), ...templates.map(({ name }) => name)])];
    }
    case 'image-names':
      return (await all('get /image-families')).map(({ name }) => name);
    case 'versions':
      return (await all('get /images')).map(({ friendlyId }) => friendlyId);
    case 'reservations':
      return (await all('get /reservations')).map(({ id }) => id);
    case 'deployments':
      return (await all('get /deployments')).map(({ name }) => name);
    case 'snapshots':
      return (await all('get /snapshots')).map(({ name }) => name);
    case 'groups':
      return (await all('get /groups')).map(({ name }) => name);
    case 'users':
      return (await all('get /users')).map(({ name }) => name);
    case 'tokens':
      return (await context.call('get /api-tokens', {})).items.map(({ name }) => name);
    case 'join-tokens':
      return (await all('get /join-tokens', { state: 'open' })).map(({ id }) => id);
    case 'notices':
      return (await all('get /notices')).map(({ id }) => id);
    case 'installs':
      return (await all('get /host-installs')).flatMap(({ id, address, state }) => (state === 'running' ? [address, id] : [id]));
    case 'explained':
      return [...(await namesOf(context, 'instances')), ...(await namesOf(context, 'reservations'))];
  }
}
