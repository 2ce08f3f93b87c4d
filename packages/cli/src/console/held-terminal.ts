import type { Input, Screen } from '../world';

/** Ends what a guest may have left behind: colours, another screen, a hidden cursor, mouse reports, bracketed paste, keypad. */
const asItWas = '\u001b[0m\u001b[?1049l\u001b[?25h\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?1l\u001b>';

/**
 * A terminal whose keys go through as they are, until `restore`, which may be called at any time and any number of times. It is restored at
 * the end of the program too, however that comes about.
 */
export class HeldTerminal {
  private held = true;
  private readonly onExit = (): void => this.restore();

  constructor(
    private readonly keys: Input,
    private readonly screen: Screen,
  ) {
    keys.setRawMode?.(true);
    process.once('exit', this.onExit);
  }

  restore(): void {
    if (!this.held) return;
    this.held = false;
    process.off('exit', this.onExit);
    this.keys.setRawMode?.(false);
    if (this.screen.isTTY === true) this.screen.write(asItWas);
  }
}
