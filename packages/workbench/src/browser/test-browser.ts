import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from './chromium';
import { PageFaults } from './page-faults';
import { serverKey } from './server-key';
import { Visitor, type Credentials } from './visitor';

/** Windows that pages are looked at in: a telephone, a tablet, a laptop, a desk. */
export const windowWidths = [360, 768, 1280, 1920] as const;

const windowHeights: Readonly<Record<number, number>> = { 360: 740, 768: 1024, 1280: 800, 1920: 1080 };

export interface VisitOptions {
  readonly width?: (typeof windowWidths)[number];
  readonly colorScheme?: 'light' | 'dark';
  /** Logged in as; absent: nobody. */
  readonly as?: Credentials;
  readonly locale?: string;
}

export interface TestBrowserOptions {
  /** https://host:port */
  readonly url: string;
  readonly caPem: string;
  /** Directory of this suite's screenshots. */
  readonly suite: string;
}

/** Longest wait for anything on a page; far beyond what it takes, also on a machine that does much besides, so that a hang ends with a sentence. */
const patienceMs = 40_000;

/** One browser for a test file; every visitor has a context of their own in it. */
export class TestBrowser {
  private readonly visitors = new Set<Visitor>();

  private constructor(
    private readonly browser: Browser,
    private readonly options: TestBrowserOptions,
  ) {}

  static async launch(options: TestBrowserOptions): Promise<TestBrowser> {
    return new TestBrowser(await launchChromium(await serverKey(options.url, options.caPem)), options);
  }

  /** Somebody new. What goes wrong on their pages fails the test at `endTest`. */
  async visit({ width = 1280, colorScheme = 'light', as, locale = 'en-GB' }: VisitOptions = {}): Promise<Visitor> {
    const context = await this.browser.newContext({ baseURL: this.options.url, viewport: { width, height: windowHeights[width] ?? 800 }, colorScheme, locale, timezoneId: 'UTC' });
    context.setDefaultTimeout(patienceMs);
    const faults = await PageFaults.of(context);
    const visitor = new Visitor(context, await context.newPage(), faults, join(screenshotRoot(), this.options.suite));
    this.visitors.add(visitor);
    if (as !== undefined) await visitor.logIn(as);
    return visitor;
  }

  /** Sends all visitors away; throws when something went wrong on their pages that the test did not expect. In `afterEach`. */
  async endTest(): Promise<void> {
    const visitors = [...this.visitors];
    this.visitors.clear();
    const faults: string[] = [];
    for (const visitor of visitors) faults.push(...(await visitor.leave()));
    if (faults.length > 0) throw new Error(`Pages told of faults that the test did not expect:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** `PARAVCL_SCREENSHOTS` names another place. */
function screenshotRoot(): string {
  return process.env['PARAVCL_SCREENSHOTS'] ?? resolve(__dirname, '..', '..', '..', '..', 'artifacts', 'screenshots');
}
