import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MasterClient, type Fetch } from './master-client';
import { NoAnswer } from './no-answer';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** As the command line asks, for what needs no certificate. */
const fetch: Fetch = (address, { method, headers, signal }) => new Promise((_, reject) => request(address, { method, headers, signal }).on('error', reject).end());

describe('a master that says nothing', () => {
  let silent: Server;
  let origin: string;
  beforeAll(async () => {
    silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    origin = `http://127.0.0.1:${String((silent.address() as AddressInfo).port)}`;
  });
  afterAll(() => {
    silent.closeAllConnections();
    silent.close();
  });

  it('is given up after the limit, whatever was collected meanwhile', async () => {
    const collecting = setInterval(collect, 20);
    try {
      const fault: unknown = await new MasterClient(fetch, origin, 500).call('get /me', {}).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(NoAnswer);
      expect(fault).toMatchObject({ reason: 'unreachable', cause: { name: 'TimeoutError' } });
    } finally {
      clearInterval(collecting);
    }
  }, 10_000);

  it('is given up when the caller says so, with the caller’s own reason', async () => {
    const stop = new AbortController();
    const asked = once(silent, 'request');
    const answer = new MasterClient(fetch, origin).call('get /me', {}, { signal: stop.signal }).catch((error: unknown) => error);
    await asked;
    collect();
    stop.abort();
    expect(await answer).toMatchObject({ name: 'AbortError' });
    expect(await new MasterClient(fetch, origin).call('get /me', {}, { signal: stop.signal }).catch((error: unknown) => error)).toMatchObject({ name: 'AbortError' });
  }, 10_000);
});
