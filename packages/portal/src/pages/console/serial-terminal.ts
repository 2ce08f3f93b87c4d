import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { AdoptedStyles } from './adopted-styles';
import { OutputQueue } from './output-queue';
import { terminalTheme } from './terminal-theme';
import { leaveUnanswered } from './unanswered';

const scrollbackLines = 10_000;

interface SerialTerminalParts {
  readonly label: string;
  readonly screenReader: boolean;
  readonly typed: (bytes: Uint8Array) => void;
  readonly copied: () => void;
  /** Says that so many bytes are not shown, because they came faster than they can be. */
  readonly missing: (bytes: number) => string;
}

const lineOf = (sentence: string): Uint8Array => new TextEncoder().encode(`\r\n\x1b[0m\x1b[1m— ${sentence} —\x1b[0m\r\n`);

/** A terminal that fills an element. It outlives the connections to the machine, so that what was read stays. Loaded with its page only. */
export class SerialTerminal {
  private readonly terminal: Terminal;
  private readonly styles = new AdoptedStyles(document);
  private readonly watches: { disconnect(): void }[] = [];
  private readonly output: OutputQueue;
  /** Of what is being shown. */
  private isOld = false;

  constructor(host: HTMLElement, { label, screenReader, typed, copied, missing }: SerialTerminalParts) {
    const root = document.documentElement;
    const fonts = getComputedStyle(root).getPropertyValue('--pf-t--global--font--family--mono').trim();
    this.terminal = new Terminal({ scrollback: scrollbackLines, theme: terminalTheme(root), fontFamily: fonts, fontSize: 14, minimumContrastRatio: 4.5, screenReaderMode: screenReader });
    const fit = new FitAddon();
    this.terminal.loadAddon(fit);
    this.styles.opening(() => this.terminal.open(host));
    this.terminal.textarea?.setAttribute('aria-label', label);
    fit.fit();
    const size = new ResizeObserver(() => fit.fit());
    size.observe(host);
    const theme = new MutationObserver(() => {
      this.terminal.options.theme = terminalTheme(root);
    });
    theme.observe(root, { attributeFilter: ['class'] });
    this.watches.push(size, theme);
    this.output = new OutputQueue({
      show: ({ bytes, isOld }, shown) => {
        this.isOld = isOld;
        this.terminal.write(bytes, shown);
      },
      missing: (bytes) => lineOf(missing(bytes)),
    });
    leaveUnanswered(this.terminal.parser, () => this.isOld);
    const encoder = new TextEncoder();
    this.terminal.onData((text) => typed(encoder.encode(text)));
    this.terminal.onBinary((text) => typed(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    // As in the terminals of desktops: Ctrl+C alone is the machine's. Ctrl+Shift+V is the browser's own paste.
    this.terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.code !== 'KeyC') return true;
      event.preventDefault();
      if (this.terminal.hasSelection()) void navigator.clipboard.writeText(this.terminal.getSelection()).then(copied, () => undefined);
      return false;
    });
  }

  /** `isOld`: it was printed before, so what it asks of a terminal is not answered. */
  write(bytes: Uint8Array, isOld: boolean): void {
    this.output.put(bytes, isOld);
  }

  /** A line of the page's own between what the machine printed. */
  note(sentence: string): void {
    this.output.put(lineOf(sentence), true);
  }

  /** Types it, as the machine's shell takes a paste. */
  paste(text: string): void {
    this.terminal.paste(text);
  }

  set screenReader(on: boolean) {
    this.terminal.options.screenReaderMode = on;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.terminal.cols, rows: this.terminal.rows };
  }

  get selection(): string {
    return this.terminal.getSelection();
  }

  focus(): void {
    this.terminal.focus();
  }

  close(): void {
    this.output.close();
    for (const watch of this.watches) watch.disconnect();
    this.terminal.dispose();
    this.styles.drop();
  }
}
