import { OutputQueue } from './output-queue';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** A terminal that shows a part when it is told to. */
class SlowTerminal {
  readonly texts: string[] = [];
  readonly old: boolean[] = [];
  private shown: (() => void) | null = null;
  readonly queue = new OutputQueue({
    show: ({ bytes: all, isOld }, shown) => {
      if (this.shown !== null) throw new Error('It shows another part already.');
      this.texts.push(Buffer.from(all).toString());
      this.old.push(isOld);
      this.shown = shown;
    },
    missing: (lost) => bytes(`<${String(lost)} missing>`),
  });
  /** Shows what it has, one part. */
  finish(): boolean {
    const shown = this.shown;
    this.shown = null;
    shown?.();
    return shown !== null;
  }
  finishAll(): void {
    while (this.finish());
  }
}

describe('what waits to be shown of a serial console', () => {
  it('is shown in its order, in few parts where the terminal is slower', () => {
    const terminal = new SlowTerminal();
    for (const text of ['a', 'b', 'c']) terminal.queue.put(bytes(text), false);
    terminal.finishAll();
    expect(terminal.texts).toEqual(['a', 'bc']);
  });

  it('is not mixed with what was printed before the connection', () => {
    const terminal = new SlowTerminal();
    for (const text of ['a', 'b', 'c']) terminal.queue.put(bytes(text), true);
    terminal.queue.put(bytes('d'), false);
    terminal.finishAll();
    expect([terminal.texts, terminal.old]).toEqual([['a', 'bc', 'd'], [true, true, false]]);
  });

  it('loses its oldest, visibly, when more than 1 MiB of it waits', () => {
    const terminal = new SlowTerminal();
    const kib = (letter: string): Uint8Array => bytes(letter.repeat(1024));
    terminal.queue.put(kib('a'), false);
    for (let count = 0; count < 3; count += 1) terminal.queue.put(kib('b'), false);
    for (let count = 0; count < 1024; count += 1) terminal.queue.put(kib('c'), false);
    terminal.finishAll();
    expect(terminal.texts[0]).toBe('a'.repeat(1024));
    expect(terminal.texts[1]).toBe('<3072 missing>');
    expect(terminal.texts.slice(2).join('')).toBe('c'.repeat(1024 * 1024));
    expect(Math.max(...terminal.texts.map(({ length }) => length))).toBe(64 * 1024);
  });

  it('is nothing any more once the terminal is closed', () => {
    const terminal = new SlowTerminal();
    terminal.queue.put(bytes('a'), false);
    terminal.queue.put(bytes('b'), false);
    terminal.queue.close();
    terminal.finishAll();
    expect(terminal.texts).toEqual(['a']);
  });
});
