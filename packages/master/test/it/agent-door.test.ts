import { newId } from '@paravcl/shared/ids';
import type { ImageState } from '@paravcl/shared/domain/image';
import { agentImagePath } from '@paravcl/shared/protocol/version';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { newIdentity, type AgentDouble } from './agent-double';
import { eventually } from './eventually';
import { startLinkServer, type LinkServer, type LinkServerOptions } from './link-server';

let server: LinkServer;
const agents: AgentDouble[] = [];
const start = async (options: LinkServerOptions): Promise<void> => {
  server = await startLinkServer(options);
};
const tracked = (agent: AgentDouble): AgentDouble => {
  agents.push(agent);
  return agent;
};
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.end();
  await server.close();
});

/** What a descriptor of ours is of; empty when it was closed meanwhile. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/** As if it had enrolled from another address. */
const movedTo = (agent: AgentDouble, address: string) => server.db('slaves').where({ id: agent.slaveId }).update({ enrolled_address: address, address });

describe('the address of a slave', () => {
  test('strict: another one quarantines', async () => {
    await start({ addressCheck: 'strict' });
    const agent = tracked(await server.enrolled());
    await movedTo(agent, '10.1.0.7');
    await agent.greet();
    expect((await agent.expect('refused')).payload).toMatchObject({ code: 'quarantined', sentence: expect.stringContaining('from address 127.0.0.1; 10.1.0.7 is enrolled') as string });
    await agent.closed();
    await server.slaves.approve(server.admin, agent.slaveId, { acceptIdentity: true }, '127.0.0.1');
    await agent.connect();
  });

  test('warn: another one is written down, once', async () => {
    await start({ addressCheck: 'warn' });
    const agent = tracked(await server.enrolled());
    await movedTo(agent, '10.1.0.7');
    for (let count = 0; count < 3; count++) {
      await agent.connect();
      await agent.end();
    }
    const changes = await server.db('events').where({ kind: 'slave.address-changed' });
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({ sentence: 'lab-pc-07: It came back from address 127.0.0.1; before it was 10.1.0.7.' });
    expect(await server.unit.read.slaves.find(agent.slaveId)).toMatchObject({ address: '127.0.0.1', enrolledAddress: '10.1.0.7', admission: 'approved' });
  });

  test('off: another one is no news', async () => {
    await start({ addressCheck: 'off' });
    const agent = tracked(await server.enrolled());
    await movedTo(agent, '10.1.0.7');
    await agent.connect();
    expect(await server.eventsOf(agent.slaveId)).toEqual(['slave.enrolled', 'slave.online']);
  });
});

describe('limits of the door', () => {
  test('no more unproven connections from one address than allowed; who proves itself or leaves makes room', async () => {
    await start({ limits: { maxUnprovenPerAddress: 2 } });
    const [first, second, third] = [tracked(await server.enrolled()), tracked(server.agent()), tracked(server.agent())];
    for (const agent of [first, second]) {
      await agent.dial();
      await agent.expect('challenge');
    }
    await expect(third.dial()).rejects.toThrow('status 503');
    await second.end();
    await eventually('room', () => server.gateway.size === 1);
    await third.dial();
    await third.expect('challenge');
  });

  test('when as many are inside unproven as allowed the others wait at the door, and come in in their order', async () => {
    await start({ limits: { maxUnproven: 1 } });
    const [first, second, third] = [tracked(await server.enrolled('approved', 'pc-1')), tracked(await server.enrolled('approved', 'pc-2')), tracked(await server.enrolled('approved', 'pc-3'))];
    await first.dial();
    const nonce = (await first.expect('challenge')).payload.nonce;
    const came: string[] = [];
    const waits = [
      ['leaver', tracked(server.agent())],
      ['second', second],
      ['third', third],
    ] as const;
    const dials: Promise<void>[] = [];
    for (const [name, agent] of waits) {
      const before = await server.connections();
      dials.push(agent.dial().then(() => void came.push(name), () => void came.push(`${name} gave up`)));
      await eventually('its connection', async () => (await server.connections()) > before);
      // Its upgrade is asked for and not answered.
      await eventually('its place at the door', () => server.gateway.atTheDoor === dials.length);
    }
    expect(came).toEqual([]);
    await waits[0][1].end();
    await eventually('the leaver to be gone', () => server.gateway.atTheDoor === 2);
    first.send({ type: 'hello', payload: first.hello(nonce) });
    await first.expect('welcome');
    await dials[1];
    expect(came).toEqual(['leaver gave up', 'second']);
    expect(server.gateway.atTheDoor).toBe(1);
    await second.expect('challenge');
    await second.end();
    await dials[2];
    await third.expect('challenge');
    expect(came).toEqual(['leaver gave up', 'second', 'third']);
  });

  test('no more connections than allowed, proven or not', async () => {
    await start({ limits: { maxConnections: 1 } });
    const agent = tracked(await server.enrolled());
    await agent.connect();
    await expect(tracked(server.agent()).dial()).rejects.toThrow('status 503');
  });

  test('an agent that does not read what it is sent is cut off before it fills the memory', async () => {
    await start({ limits: { maxBufferedBytes: 2 * 1024 * 1024 } });
    const agent = tracked(await server.enrolled());
    await agent.connect();
    agent.freeze();
    const instances = Array.from({ length: 2_000 }, () => ({ instanceId: newId(1), generation: 1, desired: 'deleted' as const, spec: null }));
    // The kernel's buffers take some; ours take no more than their limit.
    await eventually('the end of the session', () => {
      server.sessions.pushDesired(agent.slaveId, instances);
      return !server.sessions.isConnected(agent.slaveId);
    });
    agent.ignore('desired').thaw();
    await agent.closed();
  });

  test('an address whose hellos prove no key has to wait; a slave that is connected from there does not notice', async () => {
    await start({ limits: { maxStrangersPerMinute: 2 } });
    const agent = tracked(await server.enrolled());
    await agent.connect();
    const stranger = tracked(agent.copy(newIdentity()));
    for (let attempt = 1; attempt <= 2; attempt++) {
      await stranger.greet();
      await stranger.expect('refused');
      await stranger.closed();
    }
    await expect(stranger.dial()).rejects.toThrow('status 429');
    expect(server.sessions.isConnected(agent.slaveId)).toBe(true);
    agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: 7, ramAvailableMiB: 1, poolAvailableMiB: 1 } });
    await eventually('its heartbeat', () => server.pulse.latest(agent.slaveId)?.describe.load1 === 7);
    await agent.end();
    server.clock.advance(60_000);
    await stranger.greet();
    await stranger.expect('refused');
  });

  test('the link is at its path alone', async () => {
    await start({});
    expect(await server.ask('GET', '/agent/v1/link', null)).toMatchObject({ status: 404 });
  });
});

describe('image content', () => {
  const bytes = randomBytes(300_000);
  const imageId = newId(1);
  const sha256 = 'a'.repeat(64);
  const opened: Readable[] = [];
  let state: ImageState = 'ready';
  const images = {
    find: (id: string) => Promise.resolve(id === imageId ? { state, sizeBytes: bytes.length } : null),
    openRead: (_id: string, offset: number) => {
      if (offset >= bytes.length) return Promise.reject(new Error('nothing is read past the end'));
      const stream = Readable.from([bytes.subarray(offset, offset + 1000), bytes.subarray(offset + 1000)].filter((part) => part.length > 0));
      opened.push(stream);
      return Promise.resolve({ sizeBytes: bytes.length, sha256, stream });
    },
  };
  const get = (contentToken: string, headers: Record<string, string> = {}, id = imageId) =>
    server.ask('GET', agentImagePath(id), null, undefined, { authorization: `Bearer ${contentToken}`, ...headers });

  test('an approved slave gets the whole, and the rest from an offset', async () => {
    await start({ images });
    const agent = tracked(await server.enrolled());
    const { contentToken } = (await agent.connect()).payload;
    const whole = await get(contentToken);
    expect(whole).toMatchObject({ status: 200, headers: { 'content-length': '300000', etag: `"${sha256}"`, 'accept-ranges': 'bytes' } });
    expect(whole.bytes.equals(bytes)).toBe(true);
    const rest = await get(contentToken, { range: 'bytes=299000-' });
    expect(rest).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 299000-299999/300000', 'content-length': '1000' } });
    expect(rest.bytes.equals(bytes.subarray(299_000))).toBe(true);
    const part = await get(contentToken, { range: 'bytes=10-1500' });
    expect(part).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 10-1500/300000' } });
    expect(part.bytes.equals(bytes.subarray(10, 1501))).toBe(true);
    expect(await get(contentToken, { range: 'bytes=300000-' })).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */300000' } });
    expect(await get(contentToken, {}, newId(2))).toMatchObject({ status: 404 });
    expect(await get(contentToken, {}, 'etc%2Fpasswd')).toMatchObject({ status: 404 });
    expect(await get(contentToken, { range: 'bytes=300001-' })).toMatchObject({ status: 416 });
    for (const unready of ['uploading', 'checking', 'deleting'] as const) {
      state = unready;
      expect(await get(contentToken)).toMatchObject({ status: 409, body: { code: 'image-not-ready' } });
    }
    state = 'ready';
    await eventually('every file to be closed', () => opened.every((stream) => stream.destroyed));
  });

  test('a slave to which the image is not granted hears the same as of one that is none', async () => {
    const asked: (readonly [string, string])[] = [];
    await start({
      images: {
        openRead: images.openRead,
        find: (id, slaveId) => {
          asked.push([id, slaveId]);
          return Promise.resolve(null);
        },
      },
    });
    const agent = tracked(await server.enrolled());
    const { contentToken } = (await agent.connect()).payload;
    const refused = await get(contentToken);
    expect(refused).toMatchObject({ status: 404, body: { code: 'not-found', detail: 'There is no such image.' } });
    expect(asked).toEqual([[imageId, agent.slaveId]]);
  });

  test('an agent that is gone before the first byte leaves no open file, and is no fault of the master', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'paravcl-content-'));
    const path = join(directory, 'content');
    writeFileSync(path, bytes);
    let asked = false;
    let gone = (): void => undefined;
    const agentGone = new Promise<void>((resolve) => (gone = resolve));
    let opened = false;
    await start({
      images: {
        find: images.find,
        openRead: async () => {
          asked = true;
          await agentGone;
          const stream = createReadStream(path);
          await once(stream, 'open');
          opened = true;
          return { sizeBytes: bytes.length, sha256, stream };
        },
      },
    });
    const agent = tracked(await server.enrolled());
    const { contentToken } = (await agent.connect()).payload;
    const before = await server.connections();
    const request = httpsRequest(`${server.url}${agentImagePath(imageId)}`, { ca: server.ca, agent: false, headers: { authorization: `Bearer ${contentToken}` } });
    request.on('error', () => undefined).end();
    await eventually('the request', () => asked);
    request.destroy();
    // Connections of the enrolment may end meanwhile too.
    await eventually('the end of its connection', async () => (await server.connections()) <= before);
    gone();
    await eventually('the file to be opened', () => opened);
    await eventually('the file to be closed', () => readdirSync('/proc/self/fd').every((fd) => linkOf(fd) !== path));
    rmSync(directory, { recursive: true });
  });

  test('a wrong token, an ended session and a slave that is not approved get nothing', async () => {
    await start({ images });
    expect(await server.ask('GET', agentImagePath(imageId), null)).toMatchObject({ status: 401 });
    expect(await get('A'.repeat(43))).toMatchObject({ status: 401 });
    const waiting = tracked(await server.enrolled('pending'));
    expect(await get((await waiting.connect()).payload.contentToken)).toMatchObject({ status: 403 });

    const agent = tracked(await server.enrolled());
    const older = (await agent.connect()).payload.contentToken;
    const again = tracked(agent.copy());
    const { contentToken } = (await again.connect()).payload;
    await agent.expect('refused');
    expect(await get(older)).toMatchObject({ status: 401 });
    expect(await get(contentToken)).toMatchObject({ status: 200 });
    await again.end();
    await eventually('the end of the session', () => !server.sessions.isConnected(agent.slaveId));
    expect(await get(contentToken)).toMatchObject({ status: 401 });
  });

  test('retiring a slave ends its access at once', async () => {
    await start({ images });
    const agent = tracked(await server.enrolled());
    const { contentToken } = (await agent.connect()).payload;
    await server.slaves.retire(server.admin, agent.slaveId, false, '127.0.0.1');
    expect(await get(contentToken)).toMatchObject({ status: 401 });
    await agent.expect('admission');
    await agent.expect('refused');
  });
});
