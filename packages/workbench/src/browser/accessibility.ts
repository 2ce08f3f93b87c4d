import axe, { type AxeResults, type Result } from 'axe-core';
import type { Page } from 'playwright-core';

export interface AccessibilityOptions {
  /** Rules that are not looked at, each with its reason beside the call. */
  readonly except?: readonly string[];
}

/** Until all that moves to an end has come there; what turns for ever is not waited for. */
const atRest = `Promise.all(
  document.getAnimations()
    .filter(({ playState, effect }) => playState === 'running' && Number.isFinite(effect?.getComputedTiming().endTime))
    .map(({ finished }) => finished.catch(() => undefined)),
).then(() => undefined)`;

/**
 * Runs axe-core over the page as it is now, and throws with all it found of serious or critical impact: the rule, where, and
 * what to do. Colours that are changing are looked at once they have changed: half-way they may have no contrast.
 */
export async function checkAccessibility(page: Page, { except = [] }: AccessibilityOptions = {}): Promise<void> {
  await page.evaluate(atRest);
  // Evaluated as the debugger does, which no content security policy forbids; it loads nothing.
  await page.evaluate(axe.source);
  const options = { resultTypes: ['violations'], preload: false, rules: Object.fromEntries(except.map((rule) => [rule, { enabled: false }])) };
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as AxeResults;
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  if (grave.length > 0) throw new Error(`${page.url()} keeps people out:\n${grave.map(tell).join('\n')}`);
}

function tell({ id, impact, help, helpUrl, nodes }: Result): string {
  const places = nodes.map(({ target, failureSummary }) => `    ${target.join(' ')}: ${(failureSummary ?? '').replace(/\s*\n\s*/g, ' ')}`);
  return [`  ${impact ?? ''} ${id}: ${help} (${helpUrl})`, ...places].join('\n');
}
