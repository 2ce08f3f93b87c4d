import { encodeChunkFrame, indexOfManifestPart, manifestPartAt } from '@paravcl/shared/chunks/frames';
import { emptyPattern } from '@paravcl/shared/chunks/access-pattern';
import { chunkCount, decodeManifest, defaultChunkBytes, encodeManifest, manifestOf, type Manifest } from '@paravcl/shared/chunks/manifest';
import { chunksOfPart, hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { encodedPart } from '@paravcl/shared/chunks/manifest-parts';
import { mirrorHelloSigningInput, type ImageHolding } from '@paravcl/shared/chunks/mirror-messages';
import { newId } from '@paravcl/shared/ids';
import { createHash, randomBytes, sign } from 'node:crypto';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { newIdentity, type DoubleIdentity } from './agent-double';
import { eventually } from './eventually';
import { HandClock } from './hand-clock';
import { bytesOf, type MirrorDouble, type SaidHello } from './mirror-double';
import { startMirrorServer, zeroAt, type MirrorServer, type MirrorServerOptions, type SampleImage } from './mirror-server';

let server: MirrorServer;
const start = async (options: MirrorServerOptions = {}): Promise<void> => {
  server = await startMirrorServer(options);
};
afterEach(() => server.close());

const bits = (image: SampleImage, indexes: readonly number[]): string => {
  const all = Buffer.alloc(Math.ceil(chunkCount(image.manifest) / 8));
  for (const index of indexes) all[index >> 3] = (all[index >> 3] ?? 0) | (1 << (index & 7));
  return deflateRawSync(all).toString('base64');
};
/** One of two parts, with bytes in the first chunk of each. */
async function largeImage(): Promise<{ readonly id: string; readonly encoded: Buffer }> {
  const hashes = Buffer.alloc((chunksOfPart + 5) * hashBytes);
  const session = server.store.begin();
  for (const index of [0, chunksOfPart]) {
    const chunk = randomBytes(defaultChunkBytes);
    const hash = createHash('sha256').update(chunk).digest();
    await session.put(hash, chunk);
    hash.copy(hashes, index * hashBytes);
  }
  const manifest = manifestOf({ chunkBytes: defaultChunkBytes, sizeBytes: (chunksOfPart + 5) * defaultChunkBytes }, hashes);
  const id = await session.putManifest(manifest);
  session.release();
  server.books.patterns.set(id, emptyPattern);
  return { id, encoded: encodeManifest(manifest) };
}

const holding = (image: SampleImage): ImageHolding => ({ manifest: image.id, presentChunks: 1, totalChunks: chunkCount(image.manifest), presentBootChunks: 0, totalBootChunks: 2, complete: false });

describe('hello', () => {
  test.each(['approved', 'draining'] as const)('the mirror of a slave that is %s is welcome, and nothing is written of it', async (admission) => {
    await start();
    const mirror = await server.mirror(admission);
    const { peerSecret } = await mirror.connect();
    expect(Buffer.from(peerSecret, 'base64url')).toHaveLength(32);
    expect(server.mirrors.standings().get(mirror.slaveId)).toEqual({ slaveId: mirror.slaveId, connected: true, images: [], poolFull: false });
    await mirror.end();
    await eventually('its end to be known', () => server.mirrors.standings().get(mirror.slaveId)?.connected === false);
    expect(await mirror.connect()).toMatchObject({ peerSecret });
    expect(await server.unit.read.slaves.find(mirror.slaveId)).toMatchObject({ liveness: 'lost', address: null, lastSeenAt: null });
    expect(await server.db('events').where({ subject_id: mirror.slaveId })).toEqual([]);
  });

  test.each(['pending', 'quarantined', 'retired'] as const)('one of a slave that is %s is refused', async (admission) => {
    await start();
    const mirror = await server.mirror(admission);
    await mirror.greet();
    expect(await mirror.expect('refused')).toMatchObject({ code: 'not-approved' });
    await mirror.closed();
    expect(server.mirrors.size).toBe(0);
  });

  interface Claim {
    readonly code: string;
    readonly shows?: Partial<DoubleIdentity>;
    readonly says?: Partial<SaidHello>;
  }
  const { publicKey, privateKey } = newIdentity();
  test.each<[string, Claim]>([
    ['one of an unknown host', { code: 'unknown-slave', says: { slaveId: newId(1), publicKey, signature: '' } }],
    ['one with another key', { code: 'bad-signature', shows: { publicKey, privateKey } }],
    ['one with a signature that is not of its key', { code: 'bad-signature', says: { signature: Buffer.alloc(64).toString('base64url') } }],
    ['one on another machine', { code: 'not-approved', shows: { machineId: '0'.repeat(32) } }],
    ['one with a protocol that is not spoken', { code: 'protocol-version', says: { protocol: 99 } }],
  ])('%s is refused, and the slave’s own mirror does not notice', async (_, { code, shows, says }) => {
    await start();
    const mirror = await server.mirror();
    await mirror.connect();
    const other = server.copy(mirror, shows);
    await other.dial();
    const { nonce } = await other.expect('challenge');
    const hello = other.hello(nonce, says);
    const slaveId = says?.slaveId;
    other.say(slaveId === undefined ? hello : { ...hello, signature: sign(null, mirrorHelloSigningInput(nonce, slaveId), privateKey).toString('base64url') });
    expect(await other.expect('refused')).toMatchObject({ code });
    await other.closed();
    expect(mirror.closedWith).toBeNull();
    expect(server.mirrors.size).toBe(1);
  });

  test('with a strict address check one from another address is refused', async () => {
    await start({ addressCheck: 'strict' });
    const mirror = await server.mirror();
    await server.db('slaves').where({ id: mirror.slaveId }).update({ enrolled_address: '10.1.0.7' });
    await mirror.greet();
    expect(await mirror.expect('refused')).toMatchObject({ code: 'not-approved', sentence: expect.stringContaining('10.1.0.7 is enrolled') as string });
    await mirror.closed();
  });

  test('a hello signed for another connection is refused', async () => {
    await start();
    const mirror = await server.mirror();
    await mirror.dial();
    const { nonce } = await mirror.expect('challenge');
    await mirror.end();
    await mirror.dial();
    await mirror.expect('challenge');
    mirror.say(mirror.hello(nonce));
    expect(await mirror.expect('refused')).toMatchObject({ code: 'bad-signature' });
    await mirror.closed();
  });

  test('a newer connection takes over, and the older is told', async () => {
    await start();
    const image = await server.image(8);
    const [mirror] = (await server.sharing(1, image)) as [MirrorDouble];
    mirror.ignore('members');
    const again = server.copy(mirror).ignore('members');
    await again.connect();
    expect(await mirror.expect('refused')).toMatchObject({ code: 'newer-session' });
    await again.open(1, image.id);
    expect(bytesOf(await again.ask(0)).equals(image.chunk(0))).toBe(true);
    await mirror.closed();
    expect(server.mirrors.standings().get(mirror.slaveId)?.connected).toBe(true);
  });

  test('a slave that is let in no more loses its mirror at once, and nobody is sent there', async () => {
    await start();
    const image = await server.image(8);
    const [gone, other] = (await server.sharing(2, image)) as [MirrorDouble, MirrorDouble];
    gone.ignore('members');
    bytesOf(await gone.ask(1));
    server.mirrors.shutOut(gone.slaveId, 'It is quarantined.');
    expect(await gone.expect('refused')).toMatchObject({ code: 'not-approved', sentence: 'It is quarantined.' });
    await gone.closed();
    bytesOf(await other.ask(1));
    const known = new Map<number, string>();
    await eventually('the other to be told', () => other.takeMembers(known).size === 1 && known.has(1));
  });
});

describe('the door', () => {
  test('browsers, other paths and other upgrades are turned away', async () => {
    await start();
    const mirror = await server.mirror();
    await expect(mirror.dial({ origin: 'https://evil.example' })).rejects.toThrow('status 403');
    await expect(mirror.dial({ upgrade: 'websocket' })).rejects.toThrow('status 400');
  });

  test('an address has a limited number of connections that say nothing, and makes room by leaving', async () => {
    await start({ limits: { maxUnprovenPerAddress: 2 } });
    const [one, two, three] = [await server.mirror(), await server.mirror(), await server.mirror()];
    await one.dial();
    await two.dial();
    await expect(three.dial()).rejects.toThrow('status 503');
    for (const mirror of [one, two]) await mirror.expect('challenge');
    await one.end();
    await eventually('room', () => server.gateway.size === 1);
    await three.connect();
  });

  test('an address whose hellos prove no key has to wait', async () => {
    await start({ limits: { maxStrangersPerMinute: 1 } });
    const mirror = await server.mirror();
    const stranger = server.copy(mirror, newIdentity());
    await stranger.greet();
    await stranger.expect('refused');
    await expect(mirror.dial()).rejects.toThrow('status 429');
  });

  test('who says no hello is cut off', async () => {
    await start({ limits: { handshakeMs: 50 } });
    const mirror = await server.mirror();
    await mirror.dial();
    await mirror.expect('challenge');
    await mirror.closed();
  });

  test('when the master stops its mirrors are cut off and nobody comes in', async () => {
    await start();
    const mirror = await server.mirror();
    await mirror.connect();
    server.gateway.close();
    await mirror.closed();
    await expect(mirror.dial()).rejects.toThrow('status 503');
  });
});

describe('images', () => {
  test('a manifest is sent in parts to the first who opens the image; the next is named that one, and gets here what it could not get there', async () => {
    await start();
    const image = await largeImage();
    const [first, second, third] = (await server.sharing(3, image)) as [MirrorDouble, MirrorDouble, MirrorDouble];
    for (const mirror of [first, second, third]) mirror.ignore('members');
    const parts = [bytesOf(await first.ask(indexOfManifestPart(0))), bytesOf(await first.ask(indexOfManifestPart(1)))];
    expect(Buffer.concat(parts).equals(image.encoded)).toBe(true);
    expect(await second.ask(indexOfManifestPart(0))).toEqual({ kind: 'redirect', members: [0] });
    expect(bytesOf(await second.ask(indexOfManifestPart(1))).equals(parts[1] ?? Buffer.alloc(0))).toBe(true);
    expect(bytesOf(await third.ask(indexOfManifestPart(0), { insist: true })).equals(parts[0] ?? Buffer.alloc(0))).toBe(true);
    // It has two parts.
    expect(await third.ask(indexOfManifestPart(2))).toEqual({ kind: 'lack', why: 'failed' });
    await third.closed();
  });

  test('what a slave may not have it is given neither as chunks nor as a manifest, and once it may it only asks again', async () => {
    await start();
    const image = await server.image(8);
    const [mirror] = (await server.sharing(1, await server.image(8))) as [MirrorDouble];
    mirror.ignore('members');
    const [other] = (await server.sharing(1, image)) as [MirrorDouble];
    server.books.keptFrom.set(mirror.slaveId, new Set([image.id]));
    mirror.say({ type: 'open', channel: 2, manifest: image.id, have: '' });
    expect(await mirror.expect('not-opened')).toMatchObject({ channel: 2, sentence: expect.stringContaining('this host may not have it') as string });
    for (const index of [1, indexOfManifestPart(0), indexOfManifestPart(1)]) expect(await mirror.ask(index, { channel: 2 })).toEqual({ kind: 'lack', why: 'refused' });
    // Nobody is named to it, nor it to anybody.
    expect([...other.takeMembers().values()]).toEqual([other.slaveId]);
    server.books.keptFrom.clear();
    mirror.say({ type: 'close', channel: 2 });
    await mirror.open(2, image.id);
    expect(bytesOf(await mirror.ask(1, { channel: 2 })).equals(image.chunk(1))).toBe(true);
    other.ignore('members');
  });

  test('every chunk is what the manifest says; what is not there, zeros and what is not given out is lacked', async () => {
    await start();
    const image = await server.image(12);
    const [mirror] = (await server.sharing(1, image)) as [MirrorDouble];
    mirror.takeMembers();
    const encodings = new Set<string>();
    for (let index = 0; index < 12; index += 1) {
      const answer = await mirror.ask(index);
      if (index === zeroAt) expect(answer).toEqual({ kind: 'lack', why: 'absent' });
      else expect(bytesOf(answer).equals(image.chunk(index))).toBe(true);
      if (answer.kind === 'chunk') encodings.add(answer.encoding);
    }
    expect([...encodings].sort()).toEqual(['deflate', 'plain']);
    expect(server.sent.chunks).toBe(11);
    server.books.patterns.delete(image.id);
    mirror.say({ type: 'open', channel: 2, manifest: image.id, have: '' });
    expect(await mirror.ask(1, { channel: 2 })).toEqual({ kind: 'lack', why: 'refused' });
    expect(await mirror.expect('not-opened')).toMatchObject({ channel: 2 });
    // Still refused, and no reason to hang up.
    expect(await mirror.ask(2, { channel: 2 })).toEqual({ kind: 'lack', why: 'refused' });
  });

  test('of many who ask for the same chunks each is sent by the master once; the others are named those who have it', async () => {
    await start();
    const image = await server.image(60);
    const mirrors = await server.sharing(8, image);
    for (const mirror of mirrors) mirror.ignore('members');
    const wanted = Array.from({ length: 60 }, (_, index) => index).filter((index) => index !== zeroAt);
    const having = new Map<number, Set<string>>(wanted.map((index) => [index, new Set()]));
    const answers = await Promise.all(
      mirrors.map(async (mirror, at) => {
        // Each begins elsewhere, as guests do.
        const own = [...wanted.slice(at * 7), ...wanted.slice(0, at * 7)];
        return Promise.all(own.map(async (index) => {
          const answer = await mirror.ask(index, { urgent: index % 2 === 0 });
          if (answer.kind === 'chunk') having.get(index)?.add(mirror.slaveId);
          return { mirror, index, answer };
        }));
      }),
    );
    expect([...having.values()].map(({ size }) => size)).toEqual(wanted.map(() => 1));
    expect(server.sent.chunks).toBe(wanted.length);
    for (const { mirror, index, answer } of answers.flat()) {
      if (answer.kind === 'chunk') expect(bytesOf(answer).equals(image.chunk(index))).toBe(true);
      else if (answer.kind === 'lack') throw new Error(`chunk ${index} was lacked`);
      else {
        const named = answer.members.map((number) => mirrors[number]?.slaveId);
        expect(named).toEqual([...(having.get(index) ?? [])]);
        expect(named).not.toContain(mirror.slaveId);
      }
    }
  });

  test('who insists is sent the bytes; who had them at first, or was sent them, is named until it is gone', async () => {
    await start();
    const image = await server.image(8);
    const [asker] = (await server.sharing(1, image)) as [MirrorDouble];
    const holder = await server.mirror();
    await holder.connect();
    await holder.open(1, image.id, bits(image, [5]));
    await eventually('the holder to be known', () => asker.takeMembers().size > 0);
    holder.ignore('members');
    asker.ignore('members');
    expect(await asker.ask(5)).toEqual({ kind: 'redirect', members: [1] });
    expect(bytesOf(await asker.ask(5, { insist: true })).equals(image.chunk(5))).toBe(true);
    bytesOf(await holder.ask(6));
    expect(await asker.ask(6)).toEqual({ kind: 'redirect', members: [1] });
    // It says again what it has: that, and no more.
    holder.say({ type: 'open', channel: 1, manifest: image.id, have: 'all' });
    // Heard in turn.
    await holder.open(2, (await server.image(4)).id);
    expect(await asker.ask(7)).toEqual({ kind: 'redirect', members: [1] });
    await holder.end();
    await eventually('its end to be known', () => server.mirrors.size === 1);
    bytesOf(await asker.ask(7));
  });

  test('what the store has lost is lacked, and counts as sent to nobody', async () => {
    await start();
    const image = await server.image(8);
    const [one, two] = (await server.sharing(2, image)) as [MirrorDouble, MirrorDouble];
    for (const mirror of [one, two]) mirror.ignore('members').takeMembers();
    jest.spyOn(server.store, 'read').mockResolvedValueOnce(null).mockRejectedValueOnce(new Error('the disk is broken'));
    expect(await one.ask(1)).toEqual({ kind: 'lack', why: 'absent' });
    expect(await two.ask(1)).toEqual({ kind: 'lack', why: 'absent' });
    bytesOf(await one.ask(1));
    expect(await two.ask(1)).toMatchObject({ kind: 'redirect' });
  });

  test('an image more than a mirror may have open is not opened, asked for or closed in vain, and the others stay', async () => {
    await start({ limits: { maxChannels: 2 } });
    const [image, second, third] = [await server.image(8), await server.image(8), await server.image(8)];
    const [mirror] = (await server.sharing(1, image)) as [MirrorDouble];
    mirror.ignore('members');
    await mirror.open(2, second.id);
    mirror.say({ type: 'open', channel: 3, manifest: third.id, have: '' });
    expect(await mirror.ask(1, { channel: 3 })).toEqual({ kind: 'lack', why: 'refused' });
    expect(await mirror.expect('not-opened')).toMatchObject({ channel: 3, sentence: expect.stringMatching(/^This mirror has 2 images open, the most/) as string });
    mirror.say({ type: 'close', channel: 3 });
    bytesOf(await mirror.ask(1));
    // With room again it is opened, under the same number or another.
    mirror.say({ type: 'close', channel: 2 });
    await mirror.open(3, third.id);
    expect(bytesOf(await mirror.ask(1, { channel: 3 })).equals(third.chunk(1))).toBe(true);
    expect(mirror.closedWith).toBeNull();
  });

  test('members are told as they come and go, together when they come together, and to nobody whom it does not concern', async () => {
    await start();
    const [image, other] = [await server.image(8), await server.image(8)];
    const [alone] = (await server.sharing(1, other)) as [MirrorDouble];
    await eventually('its first word', () => alone.takeMembers().size === 1);
    const [first] = (await server.sharing(1, image)) as [MirrorDouble];
    await eventually('its first word', () => first.takeMembers().size === 1);
    const rest = await Promise.all(Array.from({ length: 6 }, async () => {
      const mirror = await server.mirror();
      await mirror.connect();
      return mirror;
    }));
    for (const mirror of rest) mirror.say({ type: 'open', channel: 1, manifest: image.id, have: '' });
    for (const mirror of rest) mirror.ignore('pattern');
    const known = new Map<number, string>();
    let messages = 0;
    await eventually('all to be told', () => {
      messages += first.untaken.length;
      return first.takeMembers(known).size === 6;
    });
    expect(messages).toBeLessThanOrEqual(2);
    expect(new Set(known.values())).toEqual(new Set(rest.map(({ slaveId }) => slaveId)));
    for (const mirror of rest) mirror.ignore('members');
    const [leaver] = rest as [MirrorDouble];
    await leaver.end();
    await eventually('its end to be told', () => first.takeMembers(known).size === 5);
    expect([...known.values()]).not.toContain(leaver.slaveId);
    // Whom it does not concern: the end of the test would tell of a message more.
    expect(alone.untaken).toEqual([]);
  });

  test('one that gave wrong bytes is named to nobody again, of any image, and the operators are told once', async () => {
    await start();
    const [image, other] = [await server.image(8), await server.image(8)];
    const [liar, one, two] = (await server.sharing(3, image)) as [MirrorDouble, MirrorDouble, MirrorDouble];
    for (const mirror of [liar, one, two]) mirror.ignore('members').takeMembers();
    for (const mirror of [liar, one]) await mirror.open(2, other.id);
    bytesOf(await liar.ask(1));
    bytesOf(await liar.ask(1, { channel: 2 }));
    expect(await one.ask(1)).toMatchObject({ kind: 'redirect' });
    for (const mirror of [one, two]) mirror.say({ type: 'peer-fault', manifest: image.id, slaveId: liar.slaveId, fault: 'wrong-bytes', index: 1 });
    await eventually('the operators to be told', () => server.books.liars.length === 1);
    expect(server.books.liars).toEqual([{ slaveId: liar.slaveId, manifest: image.id, toldBy: expect.any(String) as string }]);
    bytesOf(await one.ask(1));
    bytesOf(await one.ask(1, { channel: 2 }));
    await liar.end();
    const again = server.copy(liar).ignore('members');
    await again.connect();
    await again.open(1, image.id, 'all');
    bytesOf(await one.ask(2));
    expect(server.books.liars).toHaveLength(1);
  });

  test('one that two others cannot reach is not named for a while', async () => {
    await start();
    const image = await server.image(8);
    const [far, one, two] = (await server.sharing(3, image)) as [MirrorDouble, MirrorDouble, MirrorDouble];
    for (const mirror of [far, one, two]) mirror.ignore('members').takeMembers();
    bytesOf(await far.ask(1));
    for (const mirror of [one, two]) expect(await mirror.ask(1)).toMatchObject({ kind: 'redirect' });
    one.say({ type: 'peer-fault', manifest: image.id, slaveId: far.slaveId, fault: 'unreachable', index: 1 });
    expect(await one.ask(1)).toMatchObject({ kind: 'redirect' });
    two.say({ type: 'peer-fault', manifest: image.id, slaveId: far.slaveId, fault: 'silent', index: 1 });
    await eventually('it to be avoided', () => server.registry.faults.isAvoided(far.slaveId));
    bytesOf(await one.ask(1));
    expect(server.books.liars).toEqual([]);
  });
});

describe('the fleet', () => {
  test('what a mirror holds is known, and stays known when it is gone', async () => {
    await start();
    const image = await server.image(8);
    let changes = 0;
    server.mirrors.onChange(() => (changes += 1));
    const mirror = await server.mirror();
    await mirror.connect();
    mirror.say({ type: 'holdings', images: [holding(image)], poolFull: true });
    await eventually('its holdings', () => server.mirrors.standings().get(mirror.slaveId)?.poolFull);
    await mirror.end();
    await eventually('its end', () => server.mirrors.standings().get(mirror.slaveId)?.connected === false);
    expect(server.mirrors.standings().get(mirror.slaveId)).toEqual({ slaveId: mirror.slaveId, connected: false, images: [holding(image)], poolFull: true });
    expect(changes).toBe(3);
  });

  test('what is wanted ahead is told when it changed, and at each welcome', async () => {
    await start();
    const image = await server.image(8);
    const mirror = await server.mirror();
    await mirror.connect();
    const wanted = [{ manifest: image.id, what: 'boot-set' as const }];
    server.mirrors.setPreCopy(mirror.slaveId, wanted);
    expect(await mirror.expect('pre-copy')).toEqual({ type: 'pre-copy', images: wanted });
    server.mirrors.setPreCopy(mirror.slaveId, wanted);
    server.mirrors.setPreCopy(mirror.slaveId, []);
    expect(await mirror.expect('pre-copy')).toEqual({ type: 'pre-copy', images: [] });
    await mirror.end();
    server.mirrors.setPreCopy(mirror.slaveId, wanted);
    await mirror.connect();
    expect(await mirror.expect('pre-copy')).toEqual({ type: 'pre-copy', images: wanted });
  });

  test('a new pattern goes to all who have the image open; a deleted version is told to everybody', async () => {
    await start();
    const image = await server.image(8);
    const [opener] = (await server.sharing(1, image)) as [MirrorDouble];
    opener.ignore('members').takeMembers();
    const other = await server.mirror();
    await other.connect();
    const pattern = { revision: 2, boot: [4, 2], application: [], shutdown: [] };
    server.mirrors.patternChanged(image.id, pattern);
    expect(await opener.expect('pattern')).toEqual({ type: 'pattern', channel: 1, pattern });
    server.mirrors.gone([image.id]);
    for (const mirror of [opener, other]) expect(await mirror.expect('gone')).toEqual({ type: 'gone', manifests: [image.id] });
  });

  test('recordings are written down; a fault of the books costs the recording and not the connection', async () => {
    await start();
    const image = await server.image(8);
    const mirror = await server.mirror();
    await mirror.connect();
    const recording = { boot: [1, 2], application: [3], shutdown: [] };
    server.books.fault = new Error('the database is away');
    for (const instanceId of [newId(1), newId(2)]) mirror.say({ type: 'recorded', manifest: image.id, instanceId, recording });
    await eventually('both recordings', () => server.books.recordings.length === 2);
    expect(server.books.recordings[1]).toMatchObject({ manifest: image.id, slaveId: mirror.slaveId, recording });
    await mirror.ignore('members').open(1, image.id);
  });

  test('a recording that comes too late is no fault: it is told in a sentence, without an error', async () => {
    await start();
    const image = await server.image(8);
    const mirror = await server.mirror();
    await mirror.connect();
    server.books.late = 'It was on lab-pc-07, and is no guest there any more.';
    mirror.say({ type: 'recorded', manifest: image.id, instanceId: newId(1), recording: { boot: [1], application: [], shutdown: [] } });
    await eventually('the sentence', () => server.infos.includes('It was on lab-pc-07, and is no guest there any more.'));
    expect(server.warnings).toEqual([]);
  });

  test('while it cannot be known whether an image is given out the mirror dials again', async () => {
    await start();
    const image = await server.image(8);
    const mirror = await server.mirror();
    await mirror.connect();
    server.books.fault = new Error('the database is away');
    mirror.say({ type: 'open', channel: 1, manifest: image.id, have: '' });
    await mirror.closed();
    await mirror.connect();
    await mirror.open(1, image.id);
    await eventually('its members', () => mirror.takeMembers().size === 1);
  });

  test('a chunk that the store has lost comes back from a mirror, and wrong bytes are caught', async () => {
    await start();
    const image = await server.image(8);
    expect(await server.mirrors.fetchFromMirrors(image.id, 1)).toBeNull();
    const holders: MirrorDouble[] = [];
    for (let at = 0; at < 3; at += 1) {
      const mirror = (await server.mirror()).ignore('members');
      await mirror.connect();
      await mirror.open(1, image.id, 'all');
      holders.push(mirror);
    }
    const [liar, lacking, good] = holders as [MirrorDouble, MirrorDouble, MirrorDouble];
    liar.held = () => randomBytes(defaultChunkBytes);
    lacking.held = () => null;
    good.held = (index) => image.chunk(index);
    expect((await server.mirrors.fetchFromMirrors(image.id, 1))?.equals(image.chunk(1))).toBe(true);
    expect(server.books.liars).toEqual([{ slaveId: liar.slaveId, manifest: image.id, toldBy: null }]);
    // The second said that it has it not: it is not asked for it again.
    lacking.held = () => {
      throw new Error('asked again');
    };
    expect((await server.mirrors.fetchFromMirrors(image.id, 1))?.equals(image.chunk(1))).toBe(true);
    expect(await server.mirrors.fetchFromMirrors(image.id, zeroAt)).toBeNull();
    expect(await server.mirrors.fetchFromMirrors(image.id, 99)).toBeNull();
  });
});

describe('a chunk that rots in the store of the master', () => {
  /** Changes a byte of the chunk where it lies; a chunk that cannot be deflated lies there as it is. */
  const rot = (chunk: Buffer): void => {
    const packs = join(server.storeDirectory, 'packs');
    for (const name of readdirSync(packs)) {
      const bytes = readFileSync(join(packs, name));
      const at = bytes.indexOf(chunk);
      if (at === -1) continue;
      bytes[at + 100] = (bytes[at + 100] ?? 0) ^ 1;
      writeFileSync(join(packs, name), bytes);
      return;
    }
    throw new Error('The chunk is in no pack.');
  };

  test('comes back from a mirror that has it once one says that it was sent wrong bytes, and the operators are told', async () => {
    await start();
    const image = await server.image(8);
    const [asker] = (await server.sharing(1, image)) as [MirrorDouble];
    const holder = (await server.mirror()).ignore('members');
    await holder.connect();
    holder.held = (index) => image.chunk(index);
    await holder.open(1, image.id, bits(image, [1, 2]));
    asker.ignore('members').takeMembers();
    rot(image.chunk(1));
    expect(bytesOf(await asker.ask(1, { insist: true })).equals(image.chunk(1))).toBe(false);
    asker.say({ type: 'master-fault', manifest: image.id, index: 1 });
    // A word that is not true.
    asker.say({ type: 'master-fault', manifest: image.id, index: 2 });
    await eventually('the operators to be told', () => server.books.damage.length === 1);
    expect(server.books.damage).toEqual([{ damaged: 1, mended: 1, manifests: [image.id] }]);
    expect(bytesOf(await asker.ask(1, { insist: true })).equals(image.chunk(1))).toBe(true);
    expect(server.books.liars).toEqual([]);
  });

  test('also when it is a pack that is missing, and nobody had to say so', async () => {
    await start();
    const image = await server.image(8);
    const holder = (await server.mirror()).ignore('members');
    await holder.connect();
    holder.held = (index) => image.chunk(index);
    await holder.open(1, image.id, bits(image, [1]));
    const [asker] = (await server.sharing(1, image)) as [MirrorDouble];
    asker.ignore('members').takeMembers();
    await server.store.close();
    for (const name of readdirSync(join(server.storeDirectory, 'packs'))) unlinkSync(join(server.storeDirectory, 'packs', name));
    expect(await asker.ask(1, { insist: true })).toEqual({ kind: 'lack', why: 'absent' });
    await eventually('the operators to be told', () => server.books.damage.length === 1);
    expect(bytesOf(await asker.ask(1, { insist: true })).equals(image.chunk(1))).toBe(true);
  });
});

describe('a manifest that the store of the master has lost', () => {
  const handsOn = (mirror: MirrorDouble, manifest: Manifest): MirrorDouble => {
    mirror.held = (index) => {
      const part = manifestPartAt(index);
      return part === null || part >= manifest.parts.length ? null : encodedPart(manifest, part);
    };
    return mirror.ignore('members');
  };
  const connected = async (manifest: Manifest): Promise<MirrorDouble> => {
    const mirror = handsOn(await server.mirror(), manifest);
    await mirror.connect();
    return mirror;
  };
  const ways: readonly [string, (path: string) => void][] = [
    ['is gone', (path) => unlinkSync(path)],
    ['is damaged', (path) => writeFileSync(path, readFileSync(path).fill(7, 100, 200))],
    ['is cut short', (path) => writeFileSync(path, readFileSync(path).subarray(0, 40))],
  ];

  test.each(ways)('and that %s comes back from the first mirror that opens the image and has it, part by part, and the operators are told', async (_, lose) => {
    await start();
    const { id, encoded } = await largeImage();
    const path = join(server.storeDirectory, 'manifests', id);
    lose(path);
    const lacking = await connected(manifestOf({ chunkBytes: defaultChunkBytes, sizeBytes: defaultChunkBytes }, Buffer.alloc(hashBytes, 1)));
    await expect(lacking.open(1, id)).rejects.toThrow('The list of chunks of this image is lost');
    const holder = await connected(decodeManifest(encoded));
    // As mirrors do: asked for again until it is given.
    await eventually('the image to be given', () => holder.open(1, id, 'all').then(() => true, () => holder.say({ type: 'close', channel: 1 })));
    expect(readFileSync(path)).toEqual(encoded);
    expect(server.books.manifestsBack).toEqual([{ manifest: id, slaveId: holder.slaveId }]);
    lacking.say({ type: 'close', channel: 1 });
    await lacking.open(1, id);
    expect(server.books.manifestsBack).toHaveLength(1);
  });

  test('comes back also when the mirror has so much to say that it is not read for a while', async () => {
    await start();
    const { id, encoded } = await largeImage();
    const others = await Promise.all(Array.from({ length: 40 }, () => server.image(2)));
    unlinkSync(join(server.storeDirectory, 'manifests', id));
    const holder = (await connected(decodeManifest(encoded))).ignore('pattern', 'not-opened');
    [id, ...others.map((other) => other.id)].forEach((manifest, channel) => holder.say({ type: 'open', channel, manifest, have: 'all' }));
    await eventually('the manifest to come back', () => server.books.manifestsBack.length === 1);
  });

  test('is written anew by a repair while a mirror has the image open', async () => {
    await start();
    const { id, encoded } = await largeImage();
    expect(server.mirrors.openManifest(id)).toBeNull();
    await (await connected(decodeManifest(encoded))).open(1, id);
    const open = server.mirrors.openManifest(id);
    expect(open === null ? null : encodeManifest(open)).toEqual(encoded);
  });
});

describe('what no honest mirror does ends its connection, and nothing else', () => {
  const control = (message: unknown): Buffer => Buffer.concat(encodeChunkFrame({ type: 'control', message: typeof message === 'string' ? message : JSON.stringify(message) }));
  const frame = (length: number, type: number): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length);
    head.writeUInt8(type, 4);
    return head;
  };
  const want = (channel: number, index: number): Buffer => Buffer.concat(encodeChunkFrame({ type: 'want', request: 1000, channel, index, urgent: true, insist: false, rank: 0 }));

  test('whatever it is', async () => {
    await start();
    const [image, other] = [await server.image(8), await server.image(8)];
    const [honest] = (await server.sharing(1, image)) as [MirrorDouble];
    honest.ignore('members').takeMembers();
    const hostile: readonly (readonly [string, Buffer])[] = [
      ['garbage', randomBytes(5000)],
      ['a frame of 4 GiB', frame(0xffffffff, 2)],
      ['a frame of nothing', frame(0, 0)],
      ['a type that is none', frame(10, 77)],
      ['a frame of 250 MiB', Buffer.concat([frame(250 * 1024 * 1024, 6), Buffer.alloc(10)])],
      ['a want that is too short', Buffer.concat([frame(3, 1), Buffer.alloc(2)])],
      ['a message that is no JSON', control('{"type":')],
      ['a message of no known type', control({ type: 'obey' })],
      ['a second hello', control(honest.hello('x'.repeat(43)))],
      ['a channel that is not open', want(9, 0)],
      ['an index past the end', want(1, 8)],
      ['an index far past the end', want(1, 0xfffffffe)],
      ['a channel for two images', control({ type: 'open', channel: 1, manifest: other.id, have: '' })],
      ['the end of a channel that is not open', control({ type: 'close', channel: 9 })],
      ['bits that are none', control({ type: 'open', channel: 2, manifest: other.id, have: 'AAAA' })],
      ['far more bits than chunks', control({ type: 'open', channel: 2, manifest: other.id, have: deflateRawSync(Buffer.alloc(50_000_000)).toString('base64') })],
      ['too many wants', Buffer.concat(Array.from({ length: 20_000 }, (_, at) => Buffer.concat(encodeChunkFrame({ type: 'want', request: at + 1, channel: 1, index: 0, urgent: false, insist: true, rank: 0 }))))],
    ];
    for (const [what, bytes] of hostile) {
      const mirror = (await server.mirror()).ignore('members', 'not-opened', 'pattern');
      await mirror.connect();
      mirror.say({ type: 'open', channel: 1, manifest: image.id, have: '' });
      if (what === 'too many wants') mirror.socket.pause();
      mirror.socket.on('error', () => undefined);
      mirror.socket.write(bytes);
      await eventually(`the end of the connection that sent ${what}`, () => {
        if (mirror.socket.isPaused()) mirror.socket.resume();
        return mirror.closedWith;
      });
      expect(honest.closedWith).toBeNull();
    }
    await eventually('all of them to be gone', () => server.mirrors.size === 1);
    bytesOf(await honest.ask(1));
    expect(server.gateway.bytesOnTheirWay).toBeLessThanOrEqual(defaultChunkBytes);
  });

  test('before its hello it is not listened to for long', async () => {
    await start();
    for (const bytes of [frame(1000, 1), Buffer.concat([frame(1_000_000, 0), Buffer.alloc(100_000)]), control({ type: 'holdings', images: [], poolFull: false })]) {
      const mirror = await server.mirror();
      await mirror.dial();
      await mirror.expect('challenge');
      mirror.socket.on('error', () => undefined);
      mirror.socket.write(Buffer.concat([bytes, Buffer.alloc(20_000)]));
      await mirror.closed();
    }
    expect(server.mirrors.size).toBe(0);
  });

  test('an image that is opened twice is open once', async () => {
    await start();
    const image = await server.image(8);
    const [mirror] = (await server.sharing(1, image)) as [MirrorDouble];
    mirror.ignore('members').takeMembers();
    await expect(mirror.open(2, image.id)).rejects.toThrow('open already');
    bytesOf(await mirror.ask(1));
    mirror.say({ type: 'close', channel: 2 });
    mirror.say({ type: 'close', channel: 1 });
    mirror.say({ type: 'open', channel: 1, manifest: image.id, have: '' });
    bytesOf(await mirror.ask(1));
    await mirror.expect('pattern');
  });
});

describe('one that does not read', () => {
  test('takes a bounded part of the memory, and others are served', async () => {
    const limits = { out: { bytes: 3 * 1024 * 1024, bytesPerConnection: 1024 * 1024 } };
    await start({ limits });
    const image = await server.image(400);
    const [asleep, awake] = (await server.sharing(2, image)) as [MirrorDouble, MirrorDouble];
    for (const mirror of [asleep, awake]) mirror.ignore('members').takeMembers();
    asleep.socket.pause();
    const unread = Array.from({ length: 3000 }, (_, at) => asleep.ask((at % 396) + 4, { insist: true, urgent: false }));
    await eventually('its share to be full', () => server.gateway.bytesOnTheirWay > limits.out.bytesPerConnection - 2 * defaultChunkBytes);
    for (let index = 4; index < 200; index += 1) {
      expect(bytesOf(await awake.ask(index, { insist: true })).equals(image.chunk(index))).toBe(true);
      expect(server.gateway.bytesOnTheirWay).toBeLessThanOrEqual(limits.out.bytesPerConnection + defaultChunkBytes);
    }
    expect(server.sent.bytes).toBeLessThan(3000 * defaultChunkBytes);
    asleep.socket.resume();
    for (const [at, answer] of (await Promise.all(unread)).entries()) if (at % 100 === 0) expect(bytesOf(answer).equals(image.chunk((at % 396) + 4))).toBe(true);
    await eventually('nothing to be on its way', () => server.gateway.bytesOnTheirWay === 0);
  });

  test('is cut off after a while, and counts no more', async () => {
    const clock = new HandClock();
    await start({ clock });
    const image = await server.image(400);
    const [asleep] = (await server.sharing(1, image)) as [MirrorDouble];
    asleep.ignore('members').takeMembers();
    asleep.socket.pause();
    for (let at = 0; at < 3000; at += 1) void asleep.ask((at % 396) + 4, { insist: true, urgent: false });
    await eventually('chunks on their way', () => server.gateway.bytesOnTheirWay > 512 * 1024);
    await eventually('its end', () => {
      clock.advance(20_000);
      return server.mirrors.size === 0;
    });
    expect(server.gateway.bytesOnTheirWay).toBe(0);
    asleep.socket.resume();
    await asleep.closed();
  });
});
