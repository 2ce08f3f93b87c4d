const storageKey = 'paravcl.reloaded';
/** A page that fails again within this time after a reload is not reloaded a second time: it would never end. */
const onceInMs = 60_000;

let reloading = false;

/** Whether a reload at this moment would be the first in a while. */
export function mayReload(lastAt: string | null, now: number): boolean {
  const last = Number(lastAt);
  return lastAt === null || !Number.isFinite(last) || now - last > onceInMs;
}

/** Whether the page is about to be loaded anew, so that its failure is nothing to tell of. */
export const isReloading = (): boolean => reloading;

/** After an upgrade of the master, pages that were not opened yet have other names: the portal is loaded anew, once. */
export function reloadAfterUpgrade(): void {
  window.addEventListener('vite:preloadError', () => {
    if (reloading || !mayReload(sessionStorage.getItem(storageKey), Date.now())) return;
    reloading = true;
    sessionStorage.setItem(storageKey, String(Date.now()));
    location.reload();
  });
}
