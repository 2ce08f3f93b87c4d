const storageKey = 'paravcl.logged-in';

/** Whether somebody was logged in here and did not log out: their session has ended when the master knows of none. */
export const wasLoggedIn = (): boolean => localStorage.getItem(storageKey) !== null;

/** Keeps in this browser that somebody has logged in, or that they left of their own will. */
export function noteSession(loggedIn: boolean): void {
  if (loggedIn) localStorage.setItem(storageKey, 'yes');
  else localStorage.removeItem(storageKey);
}
