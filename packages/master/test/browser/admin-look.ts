import type { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import type { PortalSite } from './portal-site';

/** Windows in which every page of those who run the lab is looked at once: the narrowest, by day and by night, and the widest. */
export const looks = [[360, 'light'], [360, 'dark'], [1920, 'light']] as const;

/** A page of the administrator's, once it is there. */
export async function openAsAdmin(browser: TestBrowser, site: PortalSite, path: string, heading: string | RegExp): Promise<Visitor> {
  const visitor = await browser.visit({ as: site.admin });
  await visitor.open(path, heading);
  return visitor;
}

/** Throws when something of the page as it is keeps people out or reaches over its side; keeps a picture of it. */
export async function look(visitor: Visitor, name: string): Promise<void> {
  await visitor.page.locator('.pv-loading').waitFor({ state: 'detached' });
  await visitor.checkAccessibility();
  // Of the window, and of the part of it that scrolls.
  const over = [await visitor.sidewaysOverflow(), await visitor.page.evaluate("Math.max(...[...document.querySelectorAll('main')].map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth))")];
  expect([name, ...over]).toEqual([name, 0, 0]);
  await visitor.screenshot(name);
}
