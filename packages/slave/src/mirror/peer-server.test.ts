import { createHash, createHmac, randomBytes } from 'node:crypto';
import { connect as connectPlain, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { systemClock } from '@paravcl/shared/clock';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { pskBytes, pskCiphers, secretIdLength, writePskIdentity } from '@paravcl/shared/chunks/psk';
import { indexOfManifestPart } from '@paravcl/shared/chunks/frames';
import { manifestOf, type Manifest } from '@paravcl/shared/chunks/manifest';
import { encodedPart } from '@paravcl/shared/chunks/manifest-parts';
import { newId } from '@paravcl/shared/ids';
import { pino } from 'pino';
import { HandClock } from '../../test/fixtures/hand-clock';
import { until } from '../../test/fixtures/until';
import type { LocalImage } from './local-image';
import type { WelcomedSecret } from './master-door';
import { PeerConnections } from './peer-connections';
import { PeerServer } from './peer-server';

const chunkBytes = 65_536;
const log = pino({ level: 'silent' });
const secret = randomBytes(32);
const manifest = 'b'.repeat(64);
const content = randomBytes(32 * chunkBytes);
const chunk = (index: number): Buffer => content.subarray(index * chunkBytes, (index + 1) * chunkBytes);

/** Has the first few; brings the rest when it is asked to, once the gate lets it. */
class PartImage implements Pick<LocalImage, 'id' | 'manifest' | 'has' | 'held' | 'obtain'> {
  readonly id = manifest;
  readonly manifest = manifestOf({ chunkBytes, sizeBytes: content.length }, Buffer.alloc(32 * 32, 1));
  readonly obtained: { readonly index: number; readonly urgent: boolean }[] = [];

  gate: Promise<void> = Promise.resolve();

  has(index: number): boolean {
    return index < 4;
  }

  held(index: number): Promise<Buffer | null> {
    return Promise.resolve(this.has(index) ? chunk(index) : null);
  }

  get brought(): readonly number[] {
    return this.obtained.map(({ index }) => index);
  }

  async obtain(index: number, urgent: boolean): Promise<Buffer> {
    this.obtained.push({ index, urgent });
    await this.gate;
    return chunk(index);
  }
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** As the welcome says it, from a master whose clock is so far ahead of this machine's. */
const welcomed = (of: Buffer, aheadMs = 0): WelcomedSecret => ({ secret: of.toString('base64url'), masterTimeMs: Date.now() + aheadMs });

async function serving(ownRank = 0xffff, manifestUpTo: (part: number) => Promise<Manifest | null> = () => Promise.resolve(null)): Promise<{ readonly server: PeerServer; readonly image: PartImage }> {
  const image = new PartImage();
  const find = (id: string): LocalImage | null => (id === manifest ? (image as unknown as LocalImage) : null);
  const server = await PeerServer.listen({ port: 0, images: { find, soon: (id) => Promise.resolve(find(id)) }, bringsFor: (_, __, rank) => rank > ownRank, manifestUpTo: (_, part) => manifestUpTo(part), clock: systemClock, log });
  if (server === null) throw new Error('no port is free');
  closing.push(() => server.close());
  server.welcome(welcomed(secret));
  return { server, image };
}

/** As the master names this server to somebody. */
function memberOf(server: PeerServer, of: { readonly manifest?: string; readonly expiresAtMs?: number; readonly secret?: Buffer } = {}): ChunkMember {
  const by = of.secret ?? secret;
  const secretId = createHash('sha256').update(by).digest('base64url').slice(0, secretIdLength);
  const identity = writePskIdentity({ slaveId: newId(Date.now()), manifest: of.manifest ?? manifest, expiresAtMs: of.expiresAtMs ?? Date.now() + 60_000, secretId });
  const key = createHmac('sha256', by).update(identity).digest().subarray(0, pskBytes).toString('base64url');
  return { number: 1, slaveId: newId(Date.now()), address: '127.0.0.1', port: server.port, weight: 4, identity, key };
}

function connections(onUnreachable: (why: string) => void = () => undefined): PeerConnections {
  const peers = new PeerConnections(systemClock, (_, __, why) => onUnreachable(why));
  closing.push(() => peers.stop());
  return peers;
}

const want = (index: number, rank = 0) => ({ channel: 0, index, urgent: true, insist: false, rank });

it('sends what it has to whoever the master gave a key', async () => {
  const { server } = await serving();
  const port = await connections().to(memberOf(server), manifest);
  const answers = await Promise.all([0, 1, 2, 3].map((index) => port?.ask(want(index)).answer));
  expect(answers).toEqual([0, 1, 2, 3].map((index) => ({ kind: 'chunk', encoding: 'plain', data: chunk(index) })));
  expect(server.toPeersBytes).toBe(4 * chunkBytes);
});

it('brings what it lacks only for those who stand behind it in the tree of the chunk', async () => {
  const { server, image } = await serving(2);
  const port = await connections().to(memberOf(server), manifest);
  const ask = (rank: number) => port?.ask(want(6, rank)).answer;
  expect(await ask(0)).toEqual({ kind: 'lack', why: 'absent' });
  expect(await ask(2)).toEqual({ kind: 'lack', why: 'absent' });
  expect(image.brought).toEqual([]);
  expect(await ask(3)).toEqual({ kind: 'chunk', encoding: 'plain', data: chunk(6) });
  expect(image.brought).toEqual([6]);
});

it('lets what it brings be raised by whoever waits for it', async () => {
  const { server, image } = await serving(0);
  let open: () => void = () => undefined;
  image.gate = new Promise((resolve) => (open = resolve));
  const port = await connections().to(memberOf(server), manifest);
  const ahead = { ...want(6, 1), urgent: false };
  const asked = port?.ask(ahead);
  await until('it to be brought', () => image.obtained.length === 1);
  port?.raise(asked?.number ?? 0, ahead);
  await until('it to be raised', () => image.obtained.length === 2);
  expect(image.obtained).toEqual([{ index: 6, urgent: false }, { index: 6, urgent: true }]);
  open();
  expect(await asked?.answer).toEqual({ kind: 'chunk', encoding: 'plain', data: chunk(6) });
});

it('waits with its answer for an image that is just being opened', async () => {
  const image = new PartImage();
  let open: (found: LocalImage) => void = () => undefined;
  const opening = new Promise<LocalImage>((resolve) => (open = resolve));
  const server = await PeerServer.listen({ port: 0, images: { find: () => null, soon: () => opening }, bringsFor: () => false, manifestUpTo: () => Promise.resolve(null), clock: systemClock, log });
  if (server === null) throw new Error('no port is free');
  closing.push(() => server.close());
  server.welcome(welcomed(secret));
  const port = await connections().to(memberOf(server), manifest);
  const answer = port?.ask(want(1)).answer;
  open(image as unknown as LocalImage);
  expect(await answer).toEqual({ kind: 'chunk', encoding: 'plain', data: chunk(1) });
});

it('keeps no timer of a chunk that it has said it lacks', async () => {
  const clock = new HandClock();
  const server = await PeerServer.listen({ port: 0, images: { find: () => null, soon: () => Promise.resolve(null) }, bringsFor: () => false, manifestUpTo: () => Promise.resolve(null), clock, log });
  if (server === null) throw new Error('no port is free');
  closing.push(() => server.close());
  server.welcome({ secret: secret.toString('base64url'), masterTimeMs: Date.now() });
  const port = await connections().to(memberOf(server), manifest);
  const before = clock.waiting.length;
  for (let index = 0; index < 20; index += 1) expect(await port?.ask(want(index)).answer).toEqual({ kind: 'lack', why: 'absent' });
  // One that the connection itself has, to say that it is there.
  expect(clock.waiting.length).toBeLessThanOrEqual(before + 1);
});

it('ends at once, whatever connections are open, and whether they have proved anything yet', async () => {
  const { server } = await serving();
  const port = await connections().to(memberOf(server), manifest);
  const strangers = Array.from({ length: 3 }, () => connectPlain({ port: server.port, host: '127.0.0.1' }));
  const ended = Promise.all(strangers.map((socket) => once(socket.on('error', () => undefined), 'close')));
  await Promise.all(strangers.map((socket) => once(socket, 'connect')));
  strangers[1]?.write('GET / HTTP/1.1');
  // Accepted in the order in which they came: whoever came later was answered, so these are known.
  expect(await (await connections().to(memberOf(server), manifest))?.ask(want(0)).answer).toMatchObject({ kind: 'chunk' });
  const startMs = performance.now();
  await server.close();
  await ended;
  await until('the other mirror to notice', () => port?.isOpen === false);
  expect(performance.now() - startMs).toBeLessThan(2000);
});

it('sends a chunk that is here while many are still to be brought for the same host', async () => {
  const { server, image } = await serving(0);
  let open: () => void = () => undefined;
  image.gate = new Promise((resolve) => (open = resolve));
  const port = await connections().to(memberOf(server), manifest);
  // As many as there is room for on the way out to one host, in bytes.
  const slow = Array.from({ length: 16 }, (_, at) => 4 + at).map((index) => port?.ask(want(index, 1)).answer);
  expect(await port?.ask({ ...want(0), urgent: false }).answer).toEqual({ kind: 'chunk', encoding: 'plain', data: chunk(0) });
  expect(image.brought).toHaveLength(16);
  open();
  const answers = await Promise.all(slow);
  expect(answers.every((answer, at) => answer?.kind === 'chunk' && answer.data.equals(chunk(4 + at)))).toBe(true);
  // Each was brought once.
  expect(image.brought).toHaveLength(16);
});

describe('refuses whoever comes with', () => {
  const refused = async (of: Parameters<typeof memberOf>[1]): Promise<void> => {
    const { server } = await serving();
    const onUnreachable = jest.fn();
    expect(await connections(onUnreachable).to(memberOf(server, of), manifest)).toBeNull();
    expect(onUnreachable).toHaveBeenCalledTimes(1);
  };

  it('a key that has expired', () => refused({ expiresAtMs: Date.now() - 1000 }));
  it('a key of another secret', () => refused({ secret: randomBytes(32) }));

  it('a key to which something was changed', async () => {
    const { server } = await serving();
    const member = memberOf(server);
    expect(await connections().to({ ...member, key: randomBytes(16).toString('base64url') }, manifest)).toBeNull();
    expect(await connections().to({ ...member, identity: member.identity.replace(/^./, (first) => (first === '0' ? '1' : '0')) }, manifest)).toBeNull();
  });

  it('a certificate and no key, or no TLS at all', async () => {
    const { server } = await serving();
    const plain = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(plain, 'error');
    const nullKey = connect({ port: server.port, host: '127.0.0.1', ciphers: pskCiphers, maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined, pskCallback: () => ({ psk: Buffer.alloc(16), identity: '' }) });
    await once(nullKey, 'error');
  });
});

it('goes on with keys of the secret before, for a while after the master was started anew', async () => {
  const { server } = await serving();
  const member = memberOf(server);
  server.welcome(welcomed(randomBytes(32)));
  expect(await connections().to(member, manifest)).not.toBeNull();
  server.welcome(welcomed(randomBytes(32)));
  expect(await connections().to(member, manifest)).toBeNull();
});

it('judges by the master’s clock whether a key has expired: its own may be wrong', async () => {
  const { server } = await serving();
  const day = 24 * 3_600_000;
  server.welcome(welcomed(secret, 3 * day));
  // Good for two days yet by the clock of this host, and for none by that of the master.
  expect(await connections().to(memberOf(server, { expiresAtMs: Date.now() + 2 * day }), manifest)).toBeNull();
  server.welcome(welcomed(secret, -3 * day));
  expect(await connections().to(memberOf(server, { expiresAtMs: Date.now() - 2 * day }), manifest)).not.toBeNull();
});

it('hands on the parts of the manifest of an image that is here', async () => {
  const { server, image } = await serving();
  const port = await connections().to(memberOf(server), manifest);
  const answer = await port?.ask(want(indexOfManifestPart(0))).answer;
  expect(answer).toEqual({ kind: 'chunk', encoding: 'plain', data: encodedPart(image.manifest, 0) });
  expect(await port?.ask(want(indexOfManifestPart(1))).answer).toEqual({ kind: 'lack', why: 'absent' });
});

it('hands on the parts of a manifest that is being fetched once they have come, and lacks those that do not come', async () => {
  const other = 'c'.repeat(64);
  const fetched = new PartImage().manifest;
  let come: () => void = () => undefined;
  const coming = new Promise<void>((resolve) => (come = resolve));
  const { server } = await serving(0xffff, async (part) => {
    await coming;
    return part === 0 ? fetched : null;
  });
  const port = await connections().to(memberOf(server, { manifest: other }), other);
  const answers = Promise.all([0, 1].map((part) => port?.ask(want(indexOfManifestPart(part))).answer));
  come();
  const [first, second] = await answers;
  expect(first).toEqual({ kind: 'chunk', encoding: 'plain', data: encodedPart(fetched, 0) });
  expect(second).toEqual({ kind: 'lack', why: 'absent' });
});

it('says of an image it does not have, and of chunks that no image has, that it lacks them', async () => {
  const { server } = await serving(0);
  const peers = connections();
  const other = 'c'.repeat(64);
  expect(await (await peers.to(memberOf(server, { manifest: other }), other))?.ask(want(0)).answer).toEqual({ kind: 'lack', why: 'absent' });
  expect(await (await peers.to(memberOf(server), manifest))?.ask(want(99)).answer).toEqual({ kind: 'lack', why: 'absent' });
});

it('is not there when its port is taken, and says so', async () => {
  const taken = createServer().listen(0);
  await once(taken, 'listening');
  closing.push(() => void taken.close());
  const error = jest.fn();
  const { port } = taken.address() as { port: number };
  const busy = await PeerServer.listen({ port, images: { find: () => null, soon: () => Promise.resolve(null) }, bringsFor: () => false, manifestUpTo: () => Promise.resolve(null), clock: systemClock, log: Object.assign(pino({ level: 'silent' }), { error }) });
  expect(busy).toBeNull();
  expect(error).toHaveBeenCalledWith(expect.anything(), expect.stringMatching(/mirror\.peerPort/));
});

it('is dialled no more, in its turn, for an image that left meanwhile', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  const asked = createServer((socket) => socket.destroy());
  for (const listening of [silent, asked]) {
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    closing.push(() => void listening.close());
  }
  const dialled = jest.fn();
  asked.on('connection', dialled);
  const { server } = await serving();
  const at = (listening: typeof silent, of = manifest): ChunkMember => ({ ...memberOf(server, { manifest: of }), slaveId: newId(Date.now()), port: (listening.address() as AddressInfo).port });
  const peers = connections();
  // As many as may be under way at once.
  const hanging = Array.from({ length: 8 }, () => peers.to(at(silent), manifest));
  await until('them to be under way', () => sockets.length === 8);
  const [left, stays] = ['c'.repeat(64), 'd'.repeat(64)];
  const waiting = [peers.to(at(asked, left), left), peers.to(at(asked, stays), stays)];
  peers.leave(left);
  for (const socket of sockets) socket.destroy();
  expect(await Promise.all([...hanging, ...waiting])).toEqual(Array.from({ length: 10 }, () => null));
  expect(dialled).toHaveBeenCalledTimes(1);
});
