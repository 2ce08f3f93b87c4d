/**
 * A terminal of xterm writes its rules into <style> elements and `style` attributes, which our content security policy (`style-src 'self'`)
 * does not let count. Here the same rules go the ways that it allows: style sheets that a script constructs and a document adopts, and the
 * CSSOM. xterm 6 makes its elements by the page's own document, whatever its option `documentOverride` says (its viewport and its rows do
 * not ask it), so they are caught there, for as long as there is a terminal: <style> while it is opened, the spans of its rows later.
 */
export class AdoptedStyles {
  private readonly sheets: CSSStyleSheet[] = [];
  private isOpening = false;
  private readonly create = (tag: string, options?: ElementCreationOptions): HTMLElement => {
    if (this.isOpening && tag === 'style') return this.standIn();
    const element = Document.prototype.createElement.call(this.page, tag, options);
    return tag === 'span' ? withStyleByCssom(element) : element;
  };

  constructor(private readonly page: Document) {
    Object.defineProperty(page, 'createElement', { configurable: true, value: this.create });
  }

  /** Opens a terminal: what it makes of <style> meanwhile is adopted. */
  opening(open: () => void): void {
    this.isOpening = true;
    try {
      open();
    } finally {
      this.isOpening = false;
    }
  }

  /** The terminal is gone: its rules, too. */
  drop(): void {
    if (this.page.createElement === this.create) Reflect.deleteProperty(this.page, 'createElement');
    this.page.adoptedStyleSheets = this.page.adoptedStyleSheets.filter((sheet) => !this.sheets.includes(sheet));
  }

  /** An element that shows nothing, and whose text is an adopted sheet. */
  private standIn(): HTMLElement {
    const sheet = new CSSStyleSheet();
    this.sheets.push(sheet);
    this.page.adoptedStyleSheets = [...this.page.adoptedStyleSheets, sheet];
    const element = Document.prototype.createElement.call(this.page, 'template');
    Object.defineProperty(element, 'textContent', { set: (rules: string) => sheet.replaceSync(rules), get: () => '' });
    return element;
  }
}

function withStyleByCssom(element: HTMLElement): HTMLElement {
  Object.defineProperty(element, 'setAttribute', {
    configurable: true,
    value: (name: string, value: string) => {
      if (name === 'style') element.style.cssText = value;
      else Element.prototype.setAttribute.call(element, name, value);
    },
  });
  return element;
}
