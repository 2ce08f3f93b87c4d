import type { World } from '../world';
import { paintFor, type Paint } from './colours';
import { harmless, harmlessJson } from './harmless';
import { speaksUnicode } from './states';
import { tableLines, widthOf, type Cell, type Column } from './table';

export interface OutputOptions {
  readonly json: boolean;
  readonly wide: boolean;
}

/** What is written where: data on standard output, everything that is said about it on standard error. */
export class Output {
  readonly unicode: boolean;
  private readonly paint: Paint;
  private readonly paintSaid: Paint;
  private progressShown = '';

  constructor(
    private readonly world: Pick<World, 'env' | 'stdout' | 'stderr'>,
    private readonly options: OutputOptions,
  ) {
    this.unicode = speaksUnicode(world.env);
    this.paint = paintFor(world.stdout, world.env);
    this.paintSaid = paintFor(world.stderr, world.env);
  }

  get json(): boolean {
    return this.options.json;
  }

  /** Somebody watches: progress is written over, and need not be told again at the end. */
  get live(): boolean {
    return this.world.stderr.isTTY === true;
  }

  /** The one document of a command that was asked for with `--json`. */
  document(value: unknown): void {
    this.data(harmlessJson(JSON.stringify(value ?? null, null, 2)));
  }

  /** One of many documents, a line each: what goes on until it is ended. */
  documentLine(value: unknown): void {
    this.data(harmlessJson(JSON.stringify(value)));
  }

  /** Data that people read: a sentence that was asked for. */
  line(text: string): void {
    this.data(harmless(text));
  }

  /** Text of many lines, as it is but for what a terminal would obey. */
  text(text: string): void {
    for (const line of text.replace(/\n$/, '').split('\n')) this.data(harmless(line));
  }

  /** The text as it is, not even ended by a new line: what another program reads. */
  raw(text: string): void {
    this.world.stdout.write(text);
  }

  heading(text: string): void {
    this.data(this.paint('bold', harmless(text)));
  }

  /** Rows as a table; the sentence where there are none. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], none: string): void {
    if (rows.length === 0) return this.say(none);
    const shown = this.options.wide ? columns : columns.filter(({ wide }) => wide !== true);
    for (const line of tableLines(shown, rows, this.paint)) this.data(line);
  }

  /** What is known of one thing: a name and a value each; null values are left out. */
  facts(facts: readonly (readonly [string, Cell | null])[]): void {
    const told = facts.filter((fact): fact is readonly [string, Cell] => fact[1] !== null && fact[1] !== '');
    const width = Math.max(...told.map(([name]) => widthOf(name)));
    for (const [name, cell] of told) {
      const { text, colour } = typeof cell === 'string' ? { text: cell, colour: null } : cell;
      this.data(`${this.paint('dim', name.padEnd(width))}  ${colour === null ? harmless(text) : this.paint(colour, harmless(text))}`);
    }
  }

  /** Says something about what is done; it is no data. */
  say(sentence: string): void {
    this.endProgress();
    this.world.stderr.write(`${harmless(sentence)}\n`);
  }

  warn(sentence: string): void {
    this.endProgress();
    this.world.stderr.write(`${this.paintSaid('yellow', harmless(sentence))}\n`);
  }

  /** How far something is: one line that is written over on a terminal, else a line for each change. */
  progress(sentence: string): void {
    const said = harmless(sentence);
    if (said === this.progressShown) return;
    this.progressShown = said;
    if (this.world.stderr.isTTY !== true) return void this.world.stderr.write(`${said}\n`);
    const columns = this.world.stderr.columns ?? 80;
    this.world.stderr.write(`\r\u001b[K${said.length < columns ? said : `${said.slice(0, columns - 2)}…`}`);
  }

  endProgress(): void {
    if (this.progressShown === '') return;
    this.progressShown = '';
    if (this.world.stderr.isTTY === true) this.world.stderr.write('\r\u001b[K');
  }

  /** An error on standard error: a sentence and what to try, or a JSON document. */
  error(error: { readonly detail: string; readonly try: string | null; readonly faults?: readonly { readonly field: string; readonly limit: string }[] | undefined; readonly trace?: string | undefined }): void {
    this.endProgress();
    const { stderr } = this.world;
    if (this.json) return void stderr.write(`${harmlessJson(JSON.stringify({ error }, null, 2))}\n`);
    stderr.write(`${this.paintSaid('red', 'Error:')} ${harmless(error.detail)}\n`);
    // One fault alone is what the sentence says already.
    const told = error.faults?.filter(({ field, limit }) => error.detail !== `${field}: ${limit}.`) ?? [];
    for (const { field, limit } of told) stderr.write(`  ${harmless(field)}: ${harmless(limit)}\n`);
    if (error.try !== null) stderr.write(`Try: ${harmless(error.try)}\n`);
  }

  private data(line: string): void {
    this.endProgress();
    this.world.stdout.write(`${line}\n`);
  }
}
