import type { Knex } from 'knex';

/** A table as it really is, in words that are the same from MariaDB and from MySQL. */
export interface TableShape {
  /** "InnoDB utf8mb4_unicode_520_ci" */
  readonly table: string;
  /** column → "varchar(32) utf8mb4_unicode_520_ci not null"; their order has no meaning */
  readonly columns: Readonly<Record<string, string>>;
  /** key → "unique (user_id, created_at)" */
  readonly keys: Readonly<Record<string, string>>;
}
export type SchemaShape = Readonly<Record<string, TableShape>>;

interface ColumnRow {
  readonly tableName: string;
  readonly columnName: string;
  readonly columnType: string;
  readonly isNullable: string;
  readonly columnDefault: string | null;
  readonly extra: string;
  readonly collationName: string | null;
}

interface KeyRow {
  readonly tableName: string;
  readonly keyName: string;
  readonly nonUnique: number;
  readonly columnName: string;
}

/** Reads every table of the connection's database back from the server, but for knex's own books. */
export async function readSchema(db: Knex): Promise<SchemaShape> {
  const tables = await rows<{ tableName: string; engine: string; collationName: string }>(
    db,
    `SELECT TABLE_NAME AS tableName, ENGINE AS engine, TABLE_COLLATION AS collationName
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'knex\\_%'`,
  );
  const columns = await rows<ColumnRow>(
    db,
    `SELECT TABLE_NAME AS tableName, COLUMN_NAME AS columnName, COLUMN_TYPE AS columnType, IS_NULLABLE AS isNullable,
            COLUMN_DEFAULT AS columnDefault, EXTRA AS extra, COLLATION_NAME AS collationName
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()`,
  );
  const keys = await rows<KeyRow>(
    db,
    `SELECT TABLE_NAME AS tableName, INDEX_NAME AS keyName, NON_UNIQUE AS nonUnique, COLUMN_NAME AS columnName
     FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
  );
  return sortedRecord(
    tables.map(({ tableName, engine, collationName }) => [
      tableName,
      {
        table: `${engine} ${collationName}`,
        columns: sortedRecord(columns.filter((column) => column.tableName === tableName).map((column) => [column.columnName, describeColumn(column)])),
        keys: describeKeys(keys.filter((key) => key.tableName === tableName)),
      },
    ]),
  );
}

async function rows<Row>(db: Knex, sql: string): Promise<readonly Row[]> {
  const [found] = (await db.raw(sql)) as [readonly Row[]];
  return found;
}

function describeColumn(column: ColumnRow): string {
  // MariaDB still tells a display width ("int(11)"), MySQL 8 does not: it has no meaning in either.
  const type = column.columnType.toLowerCase().replace(/^((?:tiny|small|medium|big)?int)\(\d+\)/, '$1');
  // MariaDB tells a default as an expression ('0' quoted when text, "NULL" for none), MySQL as the bare value.
  const fallback = column.columnDefault === null || column.columnDefault === 'NULL' ? null : column.columnDefault.replace(/^'(.*)'$/, '$1');
  return [
    type,
    column.collationName,
    column.isNullable === 'YES' ? 'null' : 'not null',
    fallback === null ? null : `default ${fallback}`,
    column.extra === '' ? null : column.extra.toLowerCase(),
  ]
    .filter((word) => word !== null)
    .join(' ');
}

function describeKeys(keys: readonly KeyRow[]): Readonly<Record<string, string>> {
  const names = [...new Set(keys.map((key) => key.keyName))];
  return sortedRecord(
    names.map((name) => {
      const parts = keys.filter((key) => key.keyName === name);
      return [name, `${parts[0]?.nonUnique === 0 ? 'unique ' : ''}(${parts.map((part) => part.columnName).join(', ')})`];
    }),
  );
}

function sortedRecord<V>(entries: readonly (readonly [string, V])[]): Readonly<Record<string, V>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What differs, one sentence each; empty when the two are the same. */
export function compareSchemas(expected: SchemaShape, real: SchemaShape): readonly string[] {
  const flatten = (schema: SchemaShape): ReadonlyMap<string, string> =>
    new Map(
      Object.entries(schema).flatMap(([table, shape]): [string, string][] => [
        [`table ${table}`, shape.table],
        ...Object.entries(shape.columns).map(([name, text]): [string, string] => [`column ${table}.${name}`, text]),
        ...Object.entries(shape.keys).map(([name, text]): [string, string] => [`key ${table}.${name}`, text]),
      ]),
    );
  const wanted = flatten(expected);
  const found = flatten(real);
  return [...new Set([...wanted.keys(), ...found.keys()])].sort().flatMap((what) => {
    const want = wanted.get(what);
    const have = found.get(what);
    if (want === have) return [];
    if (have === undefined) return [`${what} is missing`];
    if (want === undefined) return [`${what} should not be there`];
    return [`${what} is "${have}", should be "${want}"`];
  });
}
