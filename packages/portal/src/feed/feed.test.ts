import { feedCloseCodes } from '@paravcl/shared/api/sockets';
import { Feed } from './feed';

/** Sockets that the feed has dialled, newest last. */
let dialled: FakeSocket[];

class FakeSocket {
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (event: { code: number }) => void = () => undefined;
  constructor() {
    dialled.push(this);
  }
  close(): void {
    this.onclose({ code: 1000 });
  }
}

beforeEach(() => {
  dialled = [];
  jest.useFakeTimers();
  Object.assign(globalThis, { window: { addEventListener: () => undefined, removeEventListener: () => undefined, setTimeout, clearTimeout }, location: { origin: 'https://lab.example' }, WebSocket: FakeSocket });
});
afterEach(() => {
  jest.useRealTimers();
  for (const name of ['window', 'location']) Reflect.deleteProperty(globalThis, name);
});

const newest = (): FakeSocket => {
  const socket = dialled.at(-1);
  if (socket === undefined) throw new Error('The feed has not dialled.');
  return socket;
};

describe('the feed', () => {
  it('is lost with its session, says so, and is dialled again: another tab may have logged in', () => {
    const states: string[] = [];
    let loggedOut = 0;
    let ready = 0;
    const feed = new Feed({ state: (state) => states.push(state), changed: () => undefined, ready: () => (ready += 1), loggedOut: () => (loggedOut += 1) });
    newest().onmessage({ data: JSON.stringify({ type: 'ready' }) });
    newest().onclose({ code: feedCloseCodes.loggedOut });
    expect([states, loggedOut, dialled.length]).toEqual([['connecting', 'live', 'lost'], 1, 1]);
    jest.advanceTimersByTime(1000);
    expect(dialled.length).toBe(2);
    newest().onmessage({ data: JSON.stringify({ type: 'ready' }) });
    expect([states.at(-1), ready]).toEqual(['live', 2]);
    feed.close();
  });

  it('is not dialled again by who leaves when the session ends', () => {
    const feed = new Feed({ state: () => undefined, changed: () => undefined, ready: () => undefined, loggedOut: () => feed.close() });
    newest().onclose({ code: feedCloseCodes.loggedOut });
    jest.advanceTimersByTime(60_000);
    expect(dialled.length).toBe(1);
  });
});
