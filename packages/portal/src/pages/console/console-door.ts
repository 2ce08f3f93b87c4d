import type { ConsoleKind } from '@paravcl/shared/api/connections';
import { call } from '../../api/call';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Dial } from './console-line';

/** What shows a console: it has the socket from the moment on that the guest's end is there. */
export interface Viewer {
  /** The connection has ended, or is to end. */
  end(): void;
}

/** Brings the code that shows it, and gives what makes a viewer of a socket at once, before the next message comes. */
export type LoadViewer = () => Promise<(socket: WebSocket) => Viewer>;

/** The master waits for the guest's end within this time, and so do we. */
const openWithinMs = 30_000;

/**
 * Connects to a console of a machine: loads what shows it, asks for a ticket, shows that at the master's door in the first message, and
 * gives the socket away when the master says `open`. The viewer is made within that very event, so no byte is lost.
 */
export function consoleDoor(instanceId: string, kind: ConsoleKind, load: LoadViewer): Dial {
  return (tell) => {
    const abort = new AbortController();
    let socket: WebSocket | null = null;
    let viewer: Viewer | null = null;
    const knock = async (): Promise<void> => {
      const view = await load();
      const { ticket, path } = await call('post /instances/:instanceId/console-tickets', { params: { instanceId }, body: { kind } }, { signal: abort.signal });
      if (abort.signal.aborted) return;
      const opened = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${path}`);
      socket = opened;
      opened.binaryType = 'arraybuffer';
      const tooLate = window.setTimeout(() => opened.close(), openWithinMs);
      opened.onopen = () => opened.send(JSON.stringify({ ticket }));
      opened.onmessage = ({ data }) => {
        if (typeof data !== 'string') return;
        window.clearTimeout(tooLate);
        opened.onmessage = null;
        try {
          viewer = view(opened);
        } catch {
          // `close` follows and says that it is lost; it is tried again after a pause.
          opened.close();
          return;
        }
        tell({ type: 'opened' });
      };
      // Not `onclose`, which noVNC takes for itself. This one is first, while the last picture is still there.
      opened.addEventListener('close', ({ code, reason }) => {
        window.clearTimeout(tooLate);
        if (!abort.signal.aborted) tell({ type: 'closed', code, reason });
      });
    };
    knock().catch((error: unknown) => {
      if (abort.signal.aborted) return;
      if (error instanceof ApiProblem) tell({ type: 'noTicket', status: error.status, sentence: error.message, retryAfterSeconds: error.problem.retryAfterSeconds });
      // The code of the viewer did not come: the network, or the portal was renewed meanwhile.
      else tell({ type: 'closed', code: 1006, reason: '' });
    });
    return () => {
      abort.abort();
      viewer?.end();
      socket?.close();
    };
  };
}
