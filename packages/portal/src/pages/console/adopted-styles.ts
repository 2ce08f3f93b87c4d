/**
 * A terminal of xterm writes its rules into <style> elements and `style` attributes, which our content security policy (`style-src 'self'`)
 * does not let count. Here the same rules go the ways that it allows: style sheets that a script constructs and a document adopts, and the
 * CSSOM. What xterm creates is made here, so nothing else of the page is touched.
 */
export class AdoptedStyles {
  private readonly sheets: CSSStyleSheet[] = [];

  /** For xterm's option `documentOverride`: the page's own document, but for how elements are made. */
  readonly document: Document;

  constructor(private readonly page: Document) {
    this.document = new Proxy(page, {
      get: (target, name) => {
        if (name === 'createElement') return (tag: string) => this.create(tag);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  }

  /** Runs what makes elements of the page's document itself, in spite of the override: xterm's viewport does, while it is opened. */
  during<T>(act: () => T): T {
    const { page } = this;
    const own = Object.getOwnPropertyDescriptor(page, 'createElement');
    Object.defineProperty(page, 'createElement', { configurable: true, value: (tag: string) => this.create(tag) });
    try {
      return act();
    } finally {
      if (own === undefined) Reflect.deleteProperty(page, 'createElement');
      else Object.defineProperty(page, 'createElement', own);
    }
  }

  /** Nothing of it counts any more. */
  drop(): void {
    this.page.adoptedStyleSheets = this.page.adoptedStyleSheets.filter((sheet) => !this.sheets.includes(sheet));
  }

  private create(tag: string): HTMLElement {
    if (tag === 'style') return this.standIn();
    const element = Document.prototype.createElement.call(this.page, tag);
    if (tag === 'span') {
      Object.defineProperty(element, 'setAttribute', {
        value: (name: string, value: string) => {
          if (name === 'style') element.style.cssText = value;
          else Element.prototype.setAttribute.call(element, name, value);
        },
      });
    }
    return element;
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
