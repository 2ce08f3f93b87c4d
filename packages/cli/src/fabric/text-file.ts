import { isUtf8 } from 'node:buffer';
import type { FileFault } from './file-fault';

/** No list of machines, images or types is longer; what is, is another file. */
export const mostBytes = 1024 * 1024;

/** What is written in a file, without the mark that some editors begin it with; or why it is no text. */
export function textOf(file: string, bytes: Buffer): { readonly text: string } | { readonly fault: FileFault } {
  if (bytes.length > mostBytes) return { fault: { file, line: 1, sentence: `the file has ${String(bytes.length)} bytes, and at most ${String(mostBytes)} are read: is it another file?` } };
  const zero = bytes.indexOf(0);
  if (zero >= 0) return { fault: { file, line: lineAt(bytes, zero), sentence: 'there is a zero byte: this is no text, or text as UTF-16. Save it as UTF-8.' } };
  if (!isUtf8(bytes)) return { fault: { file, line: firstBadLine(bytes), sentence: 'these bytes are no UTF-8: save the file as UTF-8.' } };
  return { text: bytes.toString('utf8').replace(/^\ufeff/, '') };
}

/** One line of a list, without what surrounds it. */
export interface ListLine {
  readonly line: number;
  readonly text: string;
}

/** The lines of a list that say something: no blank ones and no comments, which begin with `#`. Lines end as on Unix, Windows or old Macs. */
export function linesOf(text: string): readonly ListLine[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((each, index) => ({ line: index + 1, text: each.trim() }))
    .filter((each) => each.text !== '' && !each.text.startsWith('#'));
}

function lineAt(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = 0; at < offset; at += 1) if (bytes[at] === 0x0a) line += 1;
  return line;
}

/** A line feed is never part of another character in UTF-8, so each line can be looked at alone. */
function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let from = 0; ; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return line;
    from = end + 1;
  }
}
