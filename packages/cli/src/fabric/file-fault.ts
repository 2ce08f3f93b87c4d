import { invisibleCharacters } from '@paravcl/shared/domain/limits';

/** What is wrong in a file that somebody wrote, and where. */
export interface FileFault {
  readonly file: string;
  /** The first is 1; 1 also for what is wrong with the whole. */
  readonly line: number;
  readonly column?: number;
  readonly sentence: string;
}

/** `machines.txt:3: …`, as compilers say it, so that editors find the place. */
export function sayFileFault({ file, line, column, sentence }: FileFault): string {
  return `${file}:${String(line)}${column === undefined ? '' : `:${String(column)}`}: ${sentence}`;
}

/** By line, then column: the order in which somebody mends them. */
export function inOrder(faults: readonly FileFault[]): readonly FileFault[] {
  return [...faults].sort((one, other) => one.line - other.line || (one.column ?? 0) - (other.column ?? 0));
}

/** And halves of characters, which bytes of a file may come to. */
const unseen = new RegExp(`${invisibleCharacters.source}|\\p{Cs}`, 'gu');

/** A piece of a file as it is shown in a sentence: nothing of it may move the cursor or fill the screen. */
export function shown(text: string): string {
  const plain = text.replace(unseen, '\ufffd');
  return `"${plain.length > 60 ? `${plain.slice(0, 57)}…` : plain}"`;
}
