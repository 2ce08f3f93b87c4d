import { useEffect, useState } from 'react';

interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

/** Full screen, and the way back. Where the browser can, the keys that it keeps for itself (Alt+Tab, Esc) go to the machine meanwhile. */
export function useFullscreen(): { readonly isFull: boolean; readonly isPossible: boolean; readonly toggle: () => void } {
  const [isFull, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const keyboard = (navigator as { readonly keyboard?: KeyboardLock }).keyboard;
    const changed = (): void => {
      const full = document.fullscreenElement !== null;
      setFull(full);
      if (full) void keyboard?.lock().catch(() => undefined);
      else keyboard?.unlock();
    };
    document.addEventListener('fullscreenchange', changed);
    return () => {
      document.removeEventListener('fullscreenchange', changed);
      if (document.fullscreenElement !== null) void document.exitFullscreen().catch(() => undefined);
    };
  }, []);
  const toggle = (): void => {
    if (isFull) void document.exitFullscreen().catch(() => undefined);
    else void document.documentElement.requestFullscreen().catch(() => undefined);
  };
  return { isFull, isPossible: document.fullscreenEnabled, toggle };
}
