/** Lines of one list at most: more than any class, few enough to look at. */
export const mostRosterLines = 500;

/** What a line of a list comes to: somebody new, somebody who is there, or what is wrong with it. */
export type RosterOutcome = 'add' | 'member' | 'badName' | 'twice' | 'tooMany';

export interface RosterLine {
  /** As an editor counts, from 1. */
  readonly line: number;
  readonly userName: string;
  readonly outcome: RosterOutcome;
}

const userName = /^[a-z][a-z0-9._-]{1,31}$/;
const headings = new Set(['user name', 'username', 'user', 'login', 'name', 'benutzername', 'benutzer']);

/**
 * Reads a list: the first column of each line is a user name; columns are parted by commas, semicolons or tabs, as spreadsheets of
 * different countries do. Empty lines and a heading are passed over. `members`: user names of who is in the group already.
 */
export function rosterLines(csv: string, members: ReadonlySet<string>): readonly RosterLine[] {
  const said = csv
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((text, at) => ({ line: at + 1, userName: firstColumn(text) }))
    .filter((each) => each.userName !== '');
  const lines = headings.has(said[0]?.userName ?? '') ? said.slice(1) : said;
  const seen = new Set<string>();
  return lines.map(({ line, userName: name }, at) => {
    const outcome = at >= mostRosterLines ? 'tooMany' : !userName.test(name) ? 'badName' : seen.has(name) ? 'twice' : members.has(name) ? 'member' : 'add';
    seen.add(name);
    return { line, userName: name, outcome };
  });
}

/** Of names that are nothing but letters, digits and a few signs no quote inside is to be kept. */
const firstColumn = (text: string): string => (text.split(/[,;\t]/, 1)[0] ?? '').replaceAll('"', '').trim().toLowerCase();
