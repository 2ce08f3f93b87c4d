import { NotFound, Refusal } from '../errors/refusal';
import type { Context, ItemOf, PageKey } from '../context';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isId = (text: string): boolean => uuid.test(text);

/** Something that people name. */
export interface Named {
  readonly id: string;
  /** All it is called by: name, friendly id. */
  readonly names: readonly string[];
  /** What tells it from others of its name. */
  readonly more: string;
}

/** The one that is meant: by its id, the beginning of it (8 characters at least), or a name; upper and lower case are the same where that is not ambiguous. Throws NotFound when there is none, Refusal when there are several. */
export function pick<T>(items: readonly T[], said: string, { noun, list, as }: { readonly noun: string; readonly list: string; readonly as: (item: T) => Named }): T {
  const lower = said.toLowerCase();
  const matches: readonly ((named: Named) => boolean)[] = [
    ({ id }) => id === lower,
    ({ names }) => names.includes(said),
    ({ names }) => names.some((name) => name.toLowerCase() === lower),
    ({ id }) => lower.length >= 8 && id.startsWith(lower),
  ];
  for (const match of matches) {
    const found = items.filter((item) => match(as(item)));
    if (found.length === 1 && found[0] !== undefined) return found[0];
    if (found.length > 1) {
      const shown = found.slice(0, 5).map((item) => `${as(item).id} (${as(item).more})`);
      throw new Refusal(`"${said}" names ${String(found.length)} ${noun}s: ${shown.join(', ')}${found.length > shown.length ? ', …' : ''}. Say which by its id.`, list);
    }
  }
  const versions = items.flatMap((item) => as(item).names.filter((name) => name.toLowerCase().startsWith(`${lower}:`)));
  if (versions.length === 1) throw new NotFound(`"${said}" is the name of an image, and a version of it is meant; it has one: ${versions.join()}.`, list);
  if (versions.length > 0) throw new NotFound(`"${said}" is the name of several versions, and one is meant: ${versions.slice(0, 5).join(', ')}${versions.length > 5 ? ', …' : ''}.`, list);
  throw new NotFound(`There is no ${noun} "${said}", or it is not yours to see.`, list);
}

/** A kind of thing and how one is found by what people say. */
export interface Kind<Key extends PageKey> {
  readonly key: Key;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly noun: string;
  readonly list: string;
  readonly as: (item: ItemOf<Key>) => Named;
}

export async function find<Key extends PageKey>(context: Context, kind: Kind<Key>, said: string): Promise<ItemOf<Key>> {
  const { items } = await context.list(kind.key, kind.query);
  return pick<ItemOf<Key>>(items, said, kind);
}
