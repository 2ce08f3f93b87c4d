import { displayNameSchema } from '@paravcl/shared/domain/limits';
import { mailSchema, userNameSchema } from '@paravcl/shared/domain/people';
import { readSeparatedValues } from './separated-values';

/** Lines of one list at most: more than any course, few enough to look at and to write in one transaction. */
export const mostRosterLines = 1000;

/** A person of a list, or what is wrong with the line. */
export interface RosterEntry {
  readonly line: number;
  /** As accounts have it, in lower case; with a fault as it was written, empty when the line has none. */
  readonly name: string;
  /** Null: the list does not say. */
  readonly displayName: string | null;
  readonly mail: string | null;
  readonly fault: string | null;
}

type Column = 'name' | 'displayName' | 'mail';
type Columns = Readonly<Record<Column, number | null>>;

/** Without a heading. */
const usualColumns: Columns = { name: 0, displayName: 1, mail: 2 };

/** In lower case, hyphens and underscores as blanks. */
const headings: Readonly<Record<Column, ReadonlySet<string>>> = {
  name: new Set(['user name', 'username', 'user', 'login', 'login name', 'account', 'benutzername', 'benutzer', 'nutzername', 'anmeldename', 'kennung']),
  displayName: new Set(['display name', 'displayname', 'full name', 'fullname', 'anzeigename', 'voller name', 'vollständiger name']),
  mail: new Set(['mail', 'email', 'e mail', 'mail address', 'email address', 'e mail address', 'mailadresse', 'mail adresse', 'emailadresse', 'email adresse', 'e mail adresse', 'e mailadresse']),
};

/** Reads the list of a group's people. Every line that says something is answered, in their order; what is no line of a person has a fault. */
export function readRoster(csv: string): readonly RosterEntry[] {
  const { records, fault } = readSeparatedValues(csv);
  const columns = records[0] === undefined ? null : columnsOfHeading(records[0].cells);
  const people = columns === null ? records : records.slice(1);
  if (columns !== null && columns.name === null) {
    return [brokenLine(records[0]?.line ?? 1, 'The heading names no column of user names. Call it "user name", "login" or "name".')];
  }
  const taken = people.slice(0, mostRosterLines);
  const tooMany = people[mostRosterLines];
  const firstLines = new Map<string, number>();
  const entries = taken.map(({ line, cells }) => {
    const entry = entryOf(line, cells, columns ?? usualColumns);
    const before = firstLines.get(entry.name);
    if (before === undefined) firstLines.set(entry.name, line);
    return entry.fault === null && before !== undefined ? { ...entry, fault: `${entry.name} stands in line ${before} already. Leave one of the two out.` } : entry;
  });
  const ends = [
    ...(tooMany === undefined ? [] : [brokenLine(tooMany.line, `The list has ${people.length} people, and one list takes ${mostRosterLines}. Put those from here on into a second one.`)]),
    ...(fault === null ? [] : [brokenLine(fault.line, fault.sentence)]),
  ];
  const all = [...entries, ...ends];
  return all.length > 0 ? all : [brokenLine(1, 'The list names nobody. Write one user name a line.')];
}

/** Null when the record is no heading. `name` alone heads the user names, beside a column of these the display names. */
function columnsOfHeading(cells: readonly string[]): Columns | null {
  const said = cells.map((cell) => cell.normalize('NFC').trim().toLowerCase().replace(/[\s_-]+/g, ' '));
  const find = (column: Column): number | null => indexOf(said, (cell) => headings[column].has(cell));
  const found = { name: find('name'), displayName: find('displayName'), mail: find('mail') };
  const bare = indexOf(said, (cell) => cell === 'name');
  if (bare === null) return Object.values(found).every((at) => at === null) ? null : found;
  return found.name === null ? { ...found, name: bare } : { ...found, displayName: found.displayName ?? bare };
}

function indexOf(cells: readonly string[], is: (cell: string) => boolean): number | null {
  const at = cells.findIndex(is);
  return at === -1 ? null : at;
}

function entryOf(line: number, cells: readonly string[], columns: Columns): RosterEntry {
  const cell = (column: Column): string => (columns[column] === null ? '' : (cells[columns[column]] ?? '').trim());
  const [written, displayName, mail] = [cell('name'), cell('displayName'), cell('mail')];
  const name = userNameSchema.safeParse(written);
  const entry = { line, name: name.data ?? written, displayName: displayName === '' ? null : displayName, mail: mail === '' ? null : mail };
  if (written === '') return { ...entry, fault: 'This line has no user name. Write one, or leave the line out.' };
  if (!name.success) return { ...entry, fault: `${quoted(written)} is no user name: ${limitOf(name.error)}.` };
  const shown = displayNameSchema.safeParse(entry.displayName ?? entry.name);
  if (!shown.success) return { ...entry, fault: `The display name of ${entry.name}: ${limitOf(shown.error)}.` };
  if (mail !== '' && !mailSchema.safeParse(mail).success) return { ...entry, fault: `${quoted(mail)} is no mail address of at most 254 characters, such as alice@example.edu.` };
  return { ...entry, fault: null };
}

const brokenLine = (line: number, fault: string): RosterEntry => ({ line, name: '', displayName: null, mail: null, fault });

const limitOf = ({ issues }: { readonly issues: readonly { readonly message: string }[] }): string => issues[0]?.message ?? 'cannot be read';

const quoted = (text: string): string => `"${text.length <= 60 ? text : `${text.slice(0, 59)}…`}"`;
