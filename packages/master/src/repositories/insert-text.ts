/**
 * Rows as one INSERT, as text. Columns that are NULL in all of them are left out: NULL is what a column has that is not named
 * (every nullable column of the schema), and most of a wide row is empty.
 *
 * Values stand in the text, for a statement of many rows costs the driver several times as much with each of them bound.
 * They are quoted as the session reads them (`connection`: utf8mb4, UTC, without NO_BACKSLASH_ESCAPES).
 */
export function insertText(table: string, rows: readonly object[]): string {
  const filled = new Set<string>();
  for (const row of rows) for (const column in row) if (!isNull((row as Row)[column])) filled.add(column);
  const columns = [...filled];
  const told = rows.map((row) => columns.map((column) => valueText((row as Row)[column])).join(','));
  return `INSERT INTO ${named(table)} (${columns.map(named).join(',')}) VALUES (${told.join('),(')})`;
}

type Row = Readonly<Record<string, unknown>>;

const isNull = (value: unknown): value is null | undefined => value === null || value === undefined;

/** A list of values for IN. */
export const listText = (values: readonly string[]): string => values.map(quoted).join(', ');

/** Throws a TypeError for what no column holds. */
export function valueText(value: unknown): string {
  if (isNull(value)) return 'NULL';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Date) return dateText(value);
  if (value instanceof Uint8Array) return `X'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}'`;
  throw new TypeError(`A ${typeof value} is no value of a column.`);
}

const special = /[\0'\\]/;
const allSpecial = /[\0'\\]/g;

/** Only these three mean anything between single quotes. */
const quoted = (text: string): string => `'${special.test(text) ? text.replace(allSpecial, (one) => (one === '\0' ? '\\0' : `\\${one}`)) : text}'`;

const named = (name: string): string => {
  if (!/^[a-z0-9_]+$/.test(name)) throw new TypeError(`${name} is no name of a table or column.`);
  return `\`${name}\``;
};

/** DATETIME(3), UTC. Rows that are written together have few times between them. */
function dateText(date: Date): string {
  const ms = date.getTime();
  const known = dateTexts.get(ms);
  if (known !== undefined) return known;
  const iso = date.toISOString();
  const text = `'${iso.slice(0, 10)} ${iso.slice(11, 23)}'`;
  if (dateTexts.size >= mostDateTexts) dateTexts.clear();
  dateTexts.set(ms, text);
  return text;
}

const mostDateTexts = 64;
const dateTexts = new Map<number, string>();
