/** Where something begins in a text; both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Entry {
  readonly key: string | number;
  readonly place: Place;
  readonly value: Literal;
}

/** A value as it is written, with its place. */
export type Literal = Place &
  (
    | { readonly kind: 'dictionary'; readonly entries: readonly Entry[] }
    /** Or a tuple. */
    | { readonly kind: 'list'; readonly items: readonly Literal[] }
    | { readonly kind: 'text'; readonly value: string }
    | { readonly kind: 'number'; readonly value: number; readonly written: string }
    | { readonly kind: 'truth'; readonly value: boolean }
    | { readonly kind: 'nothing' }
  );

/** The text is no literal. The message says what is wrong at that place. */
export class LiteralFault extends Error {
  override readonly name = 'LiteralFault';
  constructor(
    readonly place: Place,
    sentence: string,
  ) {
    super(sentence);
  }
}

/** Deeper than any dictionary of flavors; the parser calls itself once for each. */
const deepest = 20;
const mostValues = 20_000;
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', a: '\x07', v: '\v', '0': '\0', '\\': '\\', "'": "'", '"': '"', '/': '/' };
const words: Readonly<Record<string, boolean | null>> = { True: true, true: true, False: false, false: false, None: null, null: null };

/**
 * Reads one value as JSON or Python writes it: dictionaries, lists, tuples, texts in either quotes (also `u'…'`), numbers (also `512L`), True,
 * False, None, with `#` comments and commas behind the last entry. It is read, never run: a name, a call or an operator is a fault.
 * Throws LiteralFault and nothing else.
 */
export function parseLiteral(text: string): Literal {
  return new LiteralReader(text).whole();
}

class LiteralReader {
  private at = 0;
  private line = 1;
  private lineStart = 0;
  private values = 0;

  constructor(private readonly text: string) {}

  whole(): Literal {
    this.skip();
    if (this.at >= this.text.length) throw this.fault('there is nothing in it but blanks and comments.');
    const value = this.value(0);
    this.skip();
    if (this.at < this.text.length) throw this.fault(`${this.next()} stands behind the end: the file holds one dictionary and nothing else.`);
    return value;
  }

  private value(depth: number): Literal {
    if (depth > deepest) throw this.fault(`more than ${String(deepest)} brackets are open here.`);
    this.values += 1;
    if (this.values > mostValues) throw this.fault(`more than ${String(mostValues)} values are in it.`);
    const place = this.place();
    const first = this.text[this.at] ?? '';
    if (first === '{') return { ...place, kind: 'dictionary', entries: this.entries(depth) };
    if (first === '[') return { ...place, kind: 'list', items: this.items(']', depth) };
    if (first === '(') return { ...place, kind: 'list', items: this.items(')', depth) };
    if (first === "'" || first === '"') return { ...place, kind: 'text', value: this.quoted() };
    const number = this.matches(/[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[lL]?/y);
    if (number !== null) return this.number(number, place);
    const word = this.matches(/[\p{L}_][\p{L}\p{N}_.]*/uy);
    if (word !== null) return this.word(word, place);
    throw this.fault(`${this.next()} begins no value: { … }, [ … ], ( … ), a text in quotes, a number, True, False or None.`);
  }

  private entries(depth: number): readonly Entry[] {
    const opened = this.place();
    this.at += 1;
    const entries: Entry[] = [];
    const lines = new Map<string, number>();
    for (;;) {
      this.skip();
      if (this.took('}')) return entries;
      const place = this.place();
      const key = this.value(depth + 1);
      if (key.kind !== 'text' && key.kind !== 'number') throw new LiteralFault(place, 'a key is a text in quotes or a number.');
      const name = String(key.value);
      const first = lines.get(name);
      if (first !== undefined) throw new LiteralFault(place, `the key ${name.slice(0, 60)} stands on line ${String(first)} already: a dictionary keeps one of the two.`);
      lines.set(name, place.line);
      this.skip();
      if (!this.took(':')) throw this.fault(`here should be the ":" between a key and its value, and there is ${this.next()}.`);
      this.skip();
      entries.push({ key: key.value, place, value: this.value(depth + 1) });
      this.separator('}', '{', opened);
    }
  }

  private items(close: ']' | ')', depth: number): readonly Literal[] {
    const opened = this.place();
    this.at += 1;
    const items: Literal[] = [];
    for (;;) {
      this.skip();
      if (this.took(close)) return items;
      items.push(this.value(depth + 1));
      this.separator(close, close === ']' ? '[' : '(', opened);
    }
  }

  /** A comma, or the closing bracket, which is left. */
  private separator(close: string, open: string, opened: Place): void {
    this.skip();
    if (this.text[this.at] === close || this.took(',')) return;
    if (this.at >= this.text.length) throw this.fault(`the file ends, and the "${open}" of line ${String(opened.line)}, column ${String(opened.column)} is not closed.`);
    throw this.fault(`here should be a "," or "${close}", and there is ${this.next()}.`);
  }

  private quoted(): string {
    const begun = this.place();
    const quote = this.text[this.at] ?? '';
    if (this.text.startsWith(quote.repeat(3), this.at)) throw this.fault('texts in three quotes are not read here: use one.');
    this.at += 1;
    let value = '';
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || character === '\n' || character === '\r') throw new LiteralFault(begun, `the text that begins here has no ${quote} at its end.`);
      if (character === quote) {
        this.at += 1;
        return value;
      }
      value += character === '\\' ? this.escape() : character;
      if (character !== '\\') this.at += 1;
    }
  }

  private escape(): string {
    const hexadecimal = this.matches(/\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/y);
    if (hexadecimal !== null) return String.fromCharCode(Number.parseInt(hexadecimal.slice(2), 16));
    const known = escapes[this.text[this.at + 1] ?? ''];
    if (known === undefined) throw this.fault('a "\\" in a text is followed by one of n t r b f a v 0 \\ \' " /, by x and two hexadecimal digits, or by u and four.');
    this.at += 2;
    return known;
  }

  private number(written: string, place: Place): Literal {
    const value = Number(written.replace(/[lL]$/, ''));
    if (/[\p{L}\p{N}_.]/u.test(this.text[this.at] ?? '')) throw new LiteralFault(place, `${written.slice(0, 40)}${this.text[this.at] ?? ''}… is no number: digits, and a point if need be.`);
    if (!Number.isFinite(value)) throw new LiteralFault(place, 'this number is larger than any that can be kept.');
    return { ...place, kind: 'number', value, written };
  }

  private word(word: string, place: Place): Literal {
    if ((word === 'u' || word === 'U') && /['"]/.test(this.text[this.at] ?? '')) return { ...place, kind: 'text', value: this.quoted() };
    const value = Object.hasOwn(words, word) ? words[word] : undefined;
    if (value === undefined) throw new LiteralFault(place, `the word ${word.slice(0, 60)} is no value: put texts in quotes. Nothing of the file is run, so no name stands for anything.`);
    return value === null ? { ...place, kind: 'nothing' } : { ...place, kind: 'truth', value };
  }

  /** Passes over blanks, line ends and comments. */
  private skip(): void {
    for (; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at] ?? '';
      if (character === '#') while (this.at + 1 < this.text.length && !/[\r\n]/.test(this.text[this.at + 1] ?? '')) this.at += 1;
      else if (character === '\n' || (character === '\r' && this.text[this.at + 1] !== '\n')) {
        this.line += 1;
        this.lineStart = this.at + 1;
      } else if (!/\s/.test(character)) return;
    }
  }

  private took(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private matches(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }

  private place(): Place {
    return { line: this.line, column: this.at - this.lineStart + 1 };
  }

  private next(): string {
    const code = this.text.codePointAt(this.at);
    if (code === undefined) return 'the end of the file';
    const character = String.fromCodePoint(code);
    return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `"${character}"` : `a character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  }

  private fault(sentence: string): LiteralFault {
    return new LiteralFault(this.place(), sentence);
  }
}
