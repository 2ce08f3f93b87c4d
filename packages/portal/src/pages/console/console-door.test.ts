import { consoleDoor } from './console-door';
import type { LinkEvent } from './console-link';

let sockets: FakeSocket[];

class FakeSocket extends EventTarget {
  onopen: () => void = () => undefined;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: string[] = [];
  constructor(readonly address: string) {
    super();
    sockets.push(this);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code: 1005, reason: '' }));
  }
}

beforeEach(() => {
  sockets = [];
  const answer = { ticket: 't', path: '/api/v1/console' };
  Object.assign(globalThis, {
    window: { setTimeout: () => 0, clearTimeout: () => undefined },
    location: { origin: 'https://lab.example' },
    WebSocket: FakeSocket,
    fetch: () => Promise.resolve(new Response(JSON.stringify(answer), { status: 201, headers: { 'content-type': 'application/json' } })),
  });
});

const dialled = async (view: () => { end: () => void }): Promise<{ readonly told: LinkEvent[]; readonly socket: FakeSocket }> => {
  const told: LinkEvent[] = [];
  consoleDoor('i', 'screen', () => Promise.resolve(view))((event) => told.push(event));
  for (let turn = 0; turn < 100 && sockets.length === 0; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const [socket] = sockets;
  if (socket === undefined) throw new Error('It has not knocked.');
  socket.onopen();
  return { told, socket };
};

describe('the door to a console', () => {
  it('is open when the master says so, after the ticket was shown', async () => {
    const { told, socket } = await dialled(() => ({ end: () => undefined }));
    expect(socket.sent).toEqual(['{"ticket":"t"}']);
    expect(told).toEqual([]);
    socket.onmessage?.({ data: '{"type":"open"}' });
    expect(told).toEqual([{ type: 'opened' }]);
  });

  it('is closed when what shows the console cannot be made, so that it is tried again', async () => {
    const { told, socket } = await dialled(() => {
      throw new Error('There is no place for the screen.');
    });
    socket.onmessage?.({ data: '{"type":"open"}' });
    expect(told).toEqual([{ type: 'closed', code: 1005, reason: '' }]);
  });
});
