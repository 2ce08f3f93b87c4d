import type { Principal } from '@paravcl/shared/domain/people';
import type { IncomingMessage } from 'node:http';
import { fabricCaller, type FabricCallerDeps } from './fabric-caller';

const ada = { userId: 'ada', userName: 'ada', role: 'admin' } as unknown as Principal;
const deps: FabricCallerDeps = {
  apiTokens: { principalOf: () => Promise.resolve(ada) },
  isAllowed: () => true,
  behindProxy: false,
  isOfGuests: (address) => Promise.resolve(address !== '10.0.0.7'),
  user: 'ada',
  principalOfUser: () => Promise.resolve(ada),
  isOwnName: () => true,
};
const from = (remoteAddress: string, headers: object = {}): IncomingMessage => ({ socket: { remoteAddress }, httpVersionMajor: 1, httpVersionMinor: 1, headers: { host: 'lab.example', ...headers } }) as unknown as IncomingMessage;

test('where guests come from a token is needed, although the address is allowed', async () => {
  for (const address of ['10.0.0.8', '::ffff:10.0.0.8', 'fd00::8']) {
    expect(await fabricCaller(from(address), deps)).toEqual({ status: 403, sentence: expect.stringMatching(/is a host of the pool or a guest's/) as string });
    expect(await fabricCaller(from(address, { authorization: 'Bearer pva_1' }), deps)).toMatchObject({ principal: ada });
  }
  for (const address of ['10.0.0.7', '127.0.0.1', '::1']) expect(await fabricCaller(from(address), deps)).toMatchObject({ principal: ada });
});

test('what proxies add makes a token necessary, whichever proxy it is, and what programs send does not', async () => {
  for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-port', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'x-original-host', 'x-envoy-external-address', 'x-azure-clientip', 'cf-connecting-ip', 'true-client-ip', 'cdn-loop']) {
    expect([name, await fabricCaller(from('127.0.0.1', { [name]: '127.0.0.1' }), deps)]).toEqual([name, { status: 401, sentence: expect.stringContaining(`came through a proxy (${name})`) as string }]);
    expect(await fabricCaller(from('127.0.0.1', { [name]: '127.0.0.1', authorization: 'Bearer pva_1' }), deps)).toMatchObject({ principal: ada });
  }
  for (const name of ['user-agent', 'accept', 'accept-encoding', 'connection', 'content-type', 'content-length']) expect(await fabricCaller(from('127.0.0.1', { [name]: 'curl/7.88.1' }), deps)).toMatchObject({ principal: ada });
});

test('what comes by HTTP/1.0 makes a token necessary, as nginx sends it on and programs do not', async () => {
  const old = (headers: object = {}): IncomingMessage => Object.assign(from('127.0.0.1', headers), { httpVersionMinor: 0 });
  expect(await fabricCaller(old(), deps)).toEqual({ status: 401, sentence: expect.stringContaining('This came by HTTP/1.0, as proxies send it, so nobody knows from where.') as string });
  expect(await fabricCaller(old({ authorization: 'Bearer pva_1' }), deps)).toMatchObject({ principal: ada });
});
