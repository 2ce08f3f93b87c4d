import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import type { LoadViewer } from './console-door';
import type { RemoteScreen } from './remote-screen';
import { rememberedSettings, type ScreenSettings } from './screen-settings';

export interface ScreenHold {
  /** Where the screen is shown. */
  readonly host: RefObject<HTMLDivElement | null>;
  /** The one that is connected, if any. */
  readonly screen: RefObject<RemoteScreen | null>;
  readonly settings: ScreenSettings;
  readonly setSettings: (settings: ScreenSettings) => void;
  readonly load: LoadViewer;
  /** What was to be seen when the link was lost, until there is a picture again. */
  readonly lastPicture: string | null;
  /** The last text that was copied in the machine, if it tells of that. */
  readonly copied: string | null;
  readonly unusable: { readonly sentence: string | null } | null;
}

/** A place for a machine's screen, and what is known of the one that is there now. */
export function useScreen(): ScreenHold {
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<RemoteScreen | null>(null);
  const [settings, setSettings] = useState(rememberedSettings);
  const [lastPicture, setLastPicture] = useState<string | null>(null);
  const [copied, setCopied] = useState<string | null>(null);
  const [unusable, setUnusable] = useState<{ readonly sentence: string | null } | null>(null);
  const chosen = useRef(settings);
  useEffect(() => {
    chosen.current = settings;
    screen.current?.apply(settings);
  }, [settings]);
  const load = useCallback<LoadViewer>(async () => {
    const { RemoteScreen: Made } = await import('./remote-screen');
    return (socket) => {
      if (host.current === null) throw new Error('There is no place for the screen.');
      screen.current = new Made(host.current, socket, chosen.current, {
        connected: () => setLastPicture(null),
        unusable: (sentence) => setUnusable({ sentence }),
        copied: setCopied,
        ended: (picture) => {
          screen.current = null;
          if (picture !== null) setLastPicture(picture);
        },
      });
      return screen.current;
    };
  }, []);
  return { host, screen, settings, setSettings, load, lastPicture, copied, unusable };
}
