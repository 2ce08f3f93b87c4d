import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { checkAccessibility, type AccessibilityOptions } from './accessibility';
import type { PageFaults } from './page-faults';

/** Whom a visitor logs in as. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** One person at a browser of their own: cookies, storage and cache are nobody else's. */
export class Visitor {
  constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
    readonly faults: PageFaults,
    private readonly screenshots: string,
  ) {}

  /** Opens an address of the site, as in `/machines`, and waits until the page shows a heading: this one, where one is named. */
  async open(path: string, heading?: string | RegExp): Promise<void> {
    await this.page.goto(path);
    await this.sees(heading);
  }

  /** Waits until the page shows a heading. */
  async sees(heading?: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', heading === undefined ? {} : { name: heading }).first().waitFor();
  }

  /** Waits until this is said in the corner where pages say what just happened. */
  async isTold(sentence: string | RegExp): Promise<void> {
    await this.page.locator('.pf-v6-c-alert-group.pf-m-toast').getByText(sentence).first().waitFor();
  }

  /** Logs in as the login page does, without it: by the API, for the cookie. */
  async logIn({ name, password }: Credentials): Promise<void> {
    // From a page of the same origin, so that the browser says so and keeps the cookie.
    await this.page.goto('/healthz');
    const status = await this.page.evaluate(
      async (body) => (await fetch('/api/v1/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status,
      JSON.stringify({ name, password, transport: 'cookie' }),
    );
    if (status !== 201) throw new Error(`${name} cannot log in: status ${String(status)}.`);
  }

  /** Logs in as a person does, at the login page, and waits until it is left. */
  async logInByForm({ name, password }: Credentials): Promise<void> {
    // Until somebody is logged in, the portal is told so.
    this.faults.expect(/^answer 401 GET \S+\/api\/v1\/me$/);
    await this.open('/login');
    await this.page.locator('#name').fill(name);
    await this.page.locator('#password').fill(password);
    await this.page.locator('button[type=submit]').click();
    await this.page.waitForURL((url) => url.pathname !== '/login');
    await this.page.locator('#password').waitFor({ state: 'detached' });
    await this.sees();
  }

  /** Keeps the whole page as a picture, for people to look at; answers the file. */
  async screenshot(name: string): Promise<string> {
    const path = join(this.screenshots, `${name}.png`);
    await mkdir(this.screenshots, { recursive: true });
    const window = this.page.viewportSize();
    // The portal scrolls within its window, so that only a window as high as its content shows all of it.
    const more = (await this.page.evaluate("Math.max(0, ...[...document.querySelectorAll('main')].map(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight))")) as number;
    if (window !== null && more > 0) await this.page.setViewportSize({ ...window, height: window.height + more });
    await this.page.screenshot({ path, fullPage: true, animations: 'disabled' });
    if (window !== null && more > 0) await this.page.setViewportSize(window);
    return path;
  }

  /**
   * Looks at the page in windows of these widths, dark or light, without loading it anew: throws when something keeps people out or does
   * not fit, and keeps a picture of each.
   */
  async lookAt(name: string, windows: readonly (readonly [width: number, colorScheme: 'light' | 'dark'])[]): Promise<void> {
    for (const [width, colorScheme] of windows) {
      await this.page.emulateMedia({ colorScheme });
      await this.page.setViewportSize({ width, height: width < 1000 ? 740 : 1080 });
      // Two frames: the layout that follows the width, and what listens for it.
      await this.page.evaluate('new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))');
      await this.checkAccessibility();
      const overflow = await this.sidewaysOverflow();
      if (overflow !== 0) throw new Error(`${this.page.url()} is ${String(overflow)} pixels too wide for a window of ${String(width)}.`);
      await this.screenshot(`${name}-${String(width)}-${colorScheme}`);
    }
  }

  /** Throws when something on the page keeps people out. */
  checkAccessibility(options?: AccessibilityOptions): Promise<void> {
    return checkAccessibility(this.page, options);
  }

  /** How far the page can be scrolled sideways, in pixels: 0 on a page that fits its window. */
  async sidewaysOverflow(): Promise<number> {
    return (await this.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')) as number;
  }

  /** Closes the pages; answers what went wrong on them until then. What they were still asking for and cannot be answered any more is no fault. */
  async leave(): Promise<readonly string[]> {
    // What a page has told of so far is here when it has answered this.
    for (const page of this.context.pages()) await page.evaluate('0').catch(() => undefined);
    const faults = this.faults.unexpected();
    await this.context.close();
    return faults;
  }
}
