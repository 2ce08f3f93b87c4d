import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { call } from './call';
import type { Answered, Asked, GetKey } from '@paravcl/shared/client/routes';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { GetOptions, Topic } from './use-api';

interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}
/** Routes that answer page by page. */
type PagedKey = { [Key in GetKey]: Answered<Key> extends PageOf<unknown> ? Key : never }[GetKey];
type ItemOf<Key extends PagedKey> = Answered<Key> extends PageOf<infer Item> ? Item : never;

const perPage = 200;

/** Reads all pages of a route, for what is only of use as a whole: a class, and who is in it. Otherwise as `useGet`. */
export function useAll<Key extends PagedKey>(topic: Topic, key: Key, asked: Asked<Key>, { enabled = true, everyMs }: GetOptions = {}): UseQueryResult<readonly ItemOf<Key>[], ApiProblem> {
  return useQuery<readonly ItemOf<Key>[], ApiProblem>({
    queryKey: [topic, key, asked, 'all'],
    queryFn: ({ signal }) => readAll(key, asked, signal),
    enabled,
    placeholderData: keepPreviousData,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}

async function readAll<Key extends PagedKey>(key: Key, asked: Asked<Key>, signal: AbortSignal): Promise<readonly ItemOf<Key>[]> {
  const items: ItemOf<Key>[] = [];
  let cursor: string | null = null;
  do {
    const said = asked as { readonly query?: Readonly<Record<string, unknown>> };
    const paged = { ...said, query: { ...said.query, limit: perPage, ...(cursor === null ? {} : { cursor }) } } as Asked<Key>;
    const page = (await call(key, paged, { signal })) as unknown as PageOf<ItemOf<Key>>;
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}
