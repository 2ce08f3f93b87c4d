/** One record, its cells as they were meant: without the quotes around them. */
export interface SeparatedRecord {
  /** Where it begins, as an editor counts, from 1; a quoted cell may go on over several lines. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface SeparatedValues {
  readonly records: readonly SeparatedRecord[];
  /** Where quotes stand so that nobody knows what was meant; nothing after it is read. */
  readonly fault: { readonly line: number; readonly sentence: string } | null;
}

const lineEnds = /\r\n|\r|\n/g;
const quotedCell = /"([^"]*(?:""[^"]*)*)"/y;

/**
 * Reads comma-separated values (RFC 4180): cells in quotes may hold separators, line ends and doubled quotes. Of what spreadsheets
 * of different countries write it also takes semicolons and tabs between cells, any line end, and a byte order mark. A quote
 * within a cell that does not begin with one is a letter like others. Empty lines give no records.
 */
export function readSeparatedValues(text: string): SeparatedValues {
  const said = text.replace(/^\uFEFF/, '');
  const separator = separatorOf(said);
  const bareCell = new RegExp(`[^${separator}\\r\\n]*`, 'y');
  const cellEnd = new RegExp(`${separator}|\\r\\n|\\r|\\n|$`, 'y');
  const records: SeparatedRecord[] = [];
  let cells: string[] = [];
  let line = 1;
  let beginsAt = 1;
  let at = 0;
  for (let isOver = said === ''; !isOver; ) {
    const isQuoted = said[at] === '"';
    const cell = matchAt(isQuoted ? quotedCell : bareCell, said, at);
    if (cell === null) return { records, fault: { line, sentence: 'A quote (") opens here and nothing closes it. Close it, or take it out.' } };
    at += cell[0].length;
    const end = matchAt(cellEnd, said, at);
    if (end === null) return { records, fault: { line, sentence: 'After a closing quote (") comes neither a separator nor the end of the line. Double the quotes that belong to the text.' } };
    at += end[0].length;
    cells.push(isQuoted ? (cell[1] ?? '').replaceAll('""', '"') : cell[0]);
    line += cell[0].match(lineEnds)?.length ?? 0;
    if (end[0] === separator) continue;
    if (cells.some((each) => each.trim() !== '')) records.push({ line: beginsAt, cells });
    cells = [];
    line += 1;
    beginsAt = line;
    isOver = at >= said.length;
  }
  return { records, fault: null };
}

/**
 * What stands between cells, by the first line that says something: a tab or a semicolon wherever there is one outside of quotes,
 * for commas stand within names far more often than they do.
 */
function separatorOf(text: string): string {
  const first = /^(?:[ \t]*(?:\r\n|\r|\n))*((?:"[^"]*"|[^"\r\n]+)*)/.exec(text)?.[1] ?? '';
  const outsideQuotes = first.replace(/"[^"]*"/g, '');
  return ['\t', ';'].find((each) => outsideQuotes.includes(each)) ?? ',';
}

function matchAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}
