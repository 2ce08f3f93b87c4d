import type { Page } from '@paravcl/shared/api/page';
import { ParavclError } from '@paravcl/shared/errors';
import { idSchema } from '@paravcl/shared/ids';
import type { Knex } from 'knex';

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * One page of a query, newest first: ids are UUIDv7, so their order is that of creation, and the cursor
 * is the id of the last item given. Rows that appear meanwhile never shift a page.
 *
 * @throws ParavclError `invalid-input` for a cursor that no page of ours gave
 */
export async function newestFirst<Row extends { readonly id: string }>(query: Knex.QueryBuilder, idColumn: string, page: PageRequest): Promise<Page<Row>> {
  if (page.cursor !== undefined) {
    if (!idSchema.safeParse(page.cursor).success) {
      throw new ParavclError('invalid-input', 'cursor: is not one that a page answered in `next`.', { field: 'cursor', limit: 'the `next` of the page before' });
    }
    query = query.where(idColumn, '<', page.cursor);
  }
  const rows = (await query.orderBy(idColumn, 'desc').limit(page.limit + 1)) as Row[];
  const items = rows.slice(0, page.limit);
  return { items, next: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
}

/** A text as part of a LIKE pattern, with its wildcards meant literally. */
export function likeLiteral(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`);
}
