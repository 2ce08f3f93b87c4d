import type { BrowserContext, Page } from 'playwright-core';

/** Called by pages; the name is long so that no page of ours has it. */
const reportName = 'paravclTestReportsViolation';

/**
 * Everything that a page says went wrong, one line each:
 *   console …    an error on its console
 *   page …       an error that nothing caught
 *   csp …        something its content security policy forbids
 *   request …    a request without an answer
 *   answer …     an answer of 400 or more
 */
export class PageFaults {
  private readonly seen: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Watches every page of a context, also those that pages open. Before the first page. */
  static async of(context: BrowserContext): Promise<PageFaults> {
    const faults = new PageFaults();
    await context.exposeBinding(reportName, (_source, violation: unknown) => void faults.seen.push(`csp ${String(violation)}`));
    await context.addInitScript(`addEventListener('securitypolicyviolation', (event) => ${reportName}(event.effectiveDirective + ' forbids ' + event.blockedURI + (event.sample === '' ? '' : ': ' + event.sample)));`);
    context.on('page', (page) => faults.watch(page));
    return faults;
  }

  /** From now on a fault that matches is none. */
  expect(...patterns: readonly RegExp[]): void {
    this.expected.push(...patterns);
  }

  /** What went wrong so far and was not expected. */
  unexpected(): readonly string[] {
    return this.seen.filter((fault) => !this.expected.some((pattern) => pattern.test(fault)));
  }

  private watch(page: Page): void {
    page.on('pageerror', (error) => this.seen.push(`page ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      const text = message.text();
      // Answers and violations are told by themselves, with more.
      if (message.type() === 'error' && !/^Failed to load resource|Content Security Policy/.test(text)) this.seen.push(`console ${text} (${message.location().url})`);
    });
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'no reason';
      // What a page ended itself, as when it is left, is no fault.
      if (why !== 'net::ERR_ABORTED') this.seen.push(`request ${request.method()} ${request.url()}: ${why}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) this.seen.push(`answer ${String(response.status())} ${response.request().method()} ${response.url()}`);
    });
  }
}
