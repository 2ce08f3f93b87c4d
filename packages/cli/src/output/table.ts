import type { Colour } from './colours';
import { harmless } from './harmless';

/** What stands in a cell; a colour says nothing that its text does not say. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Cell;
  /** Only with `-o wide`. */
  readonly wide?: true;
  readonly align?: 'right';
}

/** Columns as wide as what stands in them, two blanks apart, no blanks at the end of lines. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: (colour: Colour, text: string) => string): readonly string[] {
  const cells = rows.map((row) => columns.map((column) => cellOf(column.cell(row))));
  const titles = columns.map(({ title }) => ({ text: title, colour: 'bold' as const }));
  const widths = columns.map((_column, at) => Math.max(...[titles, ...cells].map((line) => widthOf(line[at]?.text ?? ''))));
  return [titles, ...cells].map((line) =>
    line
      .map(({ text, colour }, at) => {
        const blanks = ' '.repeat((widths[at] ?? 0) - widthOf(text));
        const painted = colour === null ? text : paint(colour, text);
        if (columns[at]?.align === 'right') return blanks + painted;
        return at === line.length - 1 ? painted : painted + blanks;
      })
      .join('  ')
      .trimEnd(),
  );
}

function cellOf(cell: Cell): { readonly text: string; readonly colour: Colour | null } {
  const { text, colour } = typeof cell === 'string' ? { text: cell, colour: null } : cell;
  return { text: text === '' ? '-' : harmless(text), colour };
}

/** How many places a terminal gives a text: marks that combine take none, East Asian wide characters two (Unicode UAX #11, roughly). */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}|\u200d/u.test(character) ? 0 : /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(character) ? 2 : 1;
  return width;
}
