import type { ConsoleKind } from '@paravcl/shared/api/connections';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { consoleDoor, type LoadViewer } from './console-door';
import { ConsoleLine } from './console-line';
import type { LinkEvent, LinkState } from './console-link';

export interface ConsoleHold {
  readonly link: LinkState;
  readonly tryNow: () => void;
  readonly tell: (event: LinkEvent) => void;
}

/** Holds a console of a machine open for as long as the page is and the machine runs. `runs` is null until that is known. */
export function useConsoleLine(instanceId: string, kind: ConsoleKind, runs: boolean | null, load: LoadViewer): ConsoleHold {
  const client = useQueryClient();
  const [link, setLink] = useState<LinkState>({ at: 'idle' });
  const line = useRef<ConsoleLine | null>(null);
  useEffect(() => {
    setLink({ at: 'idle' });
    const made = new ConsoleLine(consoleDoor(instanceId, kind, load), (state) => {
      setLink(state);
      // What became of the machine is read at once; who has no session any more is sent to log in by the answer.
      if (state.at === 'loggedOut') void client.refetchQueries({ queryKey: ['none', 'get /me'] });
      else if (state.at !== 'open') void client.invalidateQueries({ queryKey: ['instances', 'get /instances/:instanceId'] });
    });
    line.current = made;
    return () => made.close();
  }, [client, instanceId, kind, load]);
  useEffect(() => {
    if (runs !== null) line.current?.machine(runs);
    // A new line is to be told, too.
  }, [client, instanceId, kind, load, runs]);
  const tryNow = useCallback(() => line.current?.tryNow(), []);
  const tell = useCallback((event: LinkEvent) => line.current?.hear(event), []);
  return { link, tryNow, tell };
}
