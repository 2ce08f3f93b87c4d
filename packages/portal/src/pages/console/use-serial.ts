import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useSay } from '../../shell/toasts';
import { useSiteZone } from '../../states/site-zone';
import { useTimes } from '../../states/use-times';
import type { LoadViewer } from './console-door';
import type { SerialTerminal } from './serial-terminal';
import { SerialViewer, type SerialMemory } from './serial-viewer';

const storageKey = 'paravcl.console.screenReader';

export interface SerialHold {
  readonly host: RefObject<HTMLDivElement | null>;
  readonly terminal: RefObject<SerialTerminal | null>;
  readonly load: LoadViewer;
  /** Whether what is printed is read out by a screen reader; it costs the terminal speed. */
  readonly screenReader: boolean;
  readonly setScreenReader: (on: boolean) => void;
}

interface Words {
  readonly label: string;
  readonly copied: () => void;
  readonly gap: () => string;
  readonly missing: (bytes: number) => string;
}

/** A terminal that stays while connections to the machine come and go. */
export function useSerial(name: string): SerialHold {
  const { t } = useTranslation('console');
  const times = useTimes(useSiteZone());
  const say = useSay();
  const host = useRef<HTMLDivElement>(null);
  const terminal = useRef<SerialTerminal | null>(null);
  const viewer = useRef<SerialViewer | null>(null);
  const memory = useRef<SerialMemory>({ end: new Uint8Array() });
  const lostAt = useRef<string | null>(null);
  const [screenReader, setOn] = useState(() => localStorage.getItem(storageKey) === 'on');
  const reader = useRef(screenReader);
  // What is said in the page's words when something happens later.
  const words = useRef<Words | null>(null);
  useEffect(() => {
    words.current = {
      label: t('serialOf', { name }),
      copied: () => say(t('serial.copied')),
      gap: () => t('serial.gap', { from: times.clock(lostAt.current ?? new Date().toISOString()), to: times.clock(new Date().toISOString()) }),
      missing: (bytes) => t('serial.missing', { kib: Math.ceil(bytes / 1024) }),
    };
  }, [name, say, t, times]);
  useEffect(
    () => () => {
      terminal.current?.close();
      terminal.current = null;
      memory.current = { end: new Uint8Array() };
    },
    [],
  );
  const load = useCallback<LoadViewer>(async () => {
    const { SerialTerminal: Made } = await import('./serial-terminal');
    return (socket) => {
      if (host.current === null) throw new Error('There is no place for the terminal.');
      const shown = (terminal.current ??= new Made(host.current, {
        label: words.current?.label ?? '',
        screenReader: reader.current,
        typed: (bytes) => viewer.current?.send(Uint8Array.from(bytes)),
        copied: () => words.current?.copied(),
        missing: (bytes) => words.current?.missing(bytes) ?? '',
      }));
      const made = new SerialViewer(socket, memory.current, { write: (bytes, isOld) => shown.write(bytes, isOld), gap: () => shown.note(words.current?.gap() ?? '') });
      viewer.current = made;
      return {
        end: () => {
          made.end();
          viewer.current = null;
          lostAt.current = new Date().toISOString();
        },
      };
    };
  }, []);
  const setScreenReader = useCallback((on: boolean) => {
    localStorage.setItem(storageKey, on ? 'on' : 'off');
    reader.current = on;
    if (terminal.current !== null) terminal.current.screenReader = on;
    setOn(on);
  }, []);
  return { host, terminal, load, screenReader, setScreenReader };
}
