import { systemClock } from '@paravcl/shared/clock';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { chunkCount, chunkLength, manifestOf } from '@paravcl/shared/chunks/manifest';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { pino } from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { ChunkUnavailable, type KnownImage } from './chunk-source';
import { Fetcher, type MasterSource, type PeerSource } from './fetcher';
import { PeerConnections } from './peer-connections';
import type { Question } from './silence';

const chunkBytes = 4096;

/** An image of random chunks with its bytes. */
function imageOf(chunks: number): { readonly image: KnownImage; readonly content: Buffer } {
  const content = randomBytes(chunks * chunkBytes - 100);
  const hashes = Buffer.concat(Array.from({ length: chunks }, (_, index) => createHash('sha256').update(content.subarray(index * chunkBytes, (index + 1) * chunkBytes)).digest()));
  return { image: { id: 'a'.repeat(64), manifest: manifestOf({ chunkBytes, sizeBytes: content.length }, hashes) }, content };
}

/** Hosts and a master in one process, over connections that answer in their own time and can lie, be silent or be gone. */
class Site {
  readonly hosts: Host[] = [];
  readonly sentByMaster: number[] = [];
  private readonly holders = new Map<number, Set<number>>();
  masterIsThere = true;
  /** Chunks of which the master's own copy is damaged. */
  readonly rotten = new Set<number>();

  constructor(
    readonly image: KnownImage,
    readonly content: Buffer,
    hosts: number,
  ) {
    for (let number = 0; number < hosts; number += 1) this.hosts.push(new Host(this, number));
    this.tellMembers();
  }

  bytes(index: number): Buffer {
    return this.content.subarray(index * chunkBytes, index * chunkBytes + chunkLength(this.image.manifest, index));
  }

  tellMembers(of = this.hosts): void {
    for (const host of this.hosts) {
      host.fetcher.members(this.image.id, { self: host.number, set: of.map(({ member }) => member), gone: [] }, true);
    }
  }

  /** The master's side: the bytes to the first who asks, members who were sent them to the others. */
  async master(asker: Host, index: number, insist: boolean): Promise<ChunkAnswer> {
    await soon();
    const holders = this.holders.get(index) ?? new Set<number>();
    this.holders.set(index, holders);
    const others = [...holders].filter((number) => number !== asker.number && this.hosts[number]?.isThere === true);
    if (!insist && others.length > 0) return { kind: 'redirect', members: others.slice(0, 3) };
    holders.add(asker.number);
    this.sentByMaster.push(index);
    return { kind: 'chunk', encoding: 'deflate', data: deflateRawSync(this.rotten.has(index) ? randomBytes(this.bytes(index).length) : this.bytes(index)) };
  }
}

class Host implements MasterSource, PeerSource {
  readonly fetcher = new Fetcher(this, this, systemClock, pino({ level: 'silent' }));
  readonly kept = new Map<number, Buffer>();
  readonly faults: string[] = [];
  readonly wrongOfMaster: number[] = [];
  onWrongOfMaster: () => void = () => undefined;
  readonly member: ChunkMember;
  isThere = true;
  lies = false;
  isSilent = false;

  constructor(
    private readonly site: Site,
    readonly number: number,
  ) {
    this.member = { number, slaveId: `00000000-0000-7000-8000-00000000000${number.toString(16)}`, address: '10.0.0.1', port: 1, weight: 4, identity: '', key: 'x'.repeat(22) };
  }

  async get(index: number, urgent = true): Promise<Buffer> {
    const bytes = this.kept.get(index) ?? (await this.fetcher.fetch(this.site.image, index, urgent));
    this.kept.set(index, bytes);
    return bytes;
  }

  /** As the peer server answers. */
  async answer(index: number, rank = 0): Promise<ChunkAnswer> {
    await soon();
    if (this.isSilent) return new Promise(() => undefined);
    if (this.lies) return { kind: 'chunk', encoding: 'plain', data: randomBytes(chunkLength(this.site.image.manifest, index)) };
    const kept = this.kept.get(index);
    if (kept !== undefined) return { kind: 'chunk', encoding: 'plain', data: kept };
    if (!this.fetcher.bringsFor(this.site.image.id, index, rank)) return { kind: 'lack', why: 'absent' };
    return { kind: 'chunk', encoding: 'plain', data: await this.get(index) };
  }

  want(_: string, index: number, _urgent: boolean, insist: boolean): Question | null {
    if (!this.site.masterIsThere) return null;
    return { answer: this.site.master(this, index, insist), raise: () => undefined, cancel: () => undefined, port: { received: 0, answers: 0 } };
  }

  isWorthAsking(member: ChunkMember): boolean {
    return this.site.hosts[member.number]?.isThere === true;
  }

  to(member: ChunkMember): Promise<ChunkPort | null> {
    const peer = this.site.hosts[member.number];
    if (peer?.isThere !== true) return Promise.resolve(null);
    const port: Pick<ChunkPort, 'ask' | 'raise' | 'cancel' | 'received' | 'answers'> = {
      ask: ({ index, rank }) => ({ number: 1, answer: peer.answer(index, rank) }),
      raise: () => undefined,
      cancel: () => undefined,
      received: 0,
      answers: 0,
    };
    return Promise.resolve(port as ChunkPort);
  }

  isHeard(): boolean {
    return this.site.masterIsThere;
  }

  giveUp(): void {
    throw new Error('the master is never silent here');
  }

  rest(): void {
    // A silent one would be asked for every chunk again; the real connections rest too.
  }

  leave(): void {
    throw new Error('nothing is closed here');
  }

  fault(_: string, slaveId: string, fault: string): void {
    this.faults.push(`${slaveId} ${fault}`);
  }

  wrongBytes(_: string, index: number): void {
    this.wrongOfMaster.push(index);
    this.onWrongOfMaster();
  }

  opened(): void {
    throw new Error('nothing is opened here');
  }

  closed(): void {
    throw new Error('nothing is closed here');
  }
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));

const chunks = 40;
function site(hosts: number): Site {
  const { image, content } = imageOf(chunks);
  return new Site(image, content, hosts);
}

async function readAll(host: Host, { content, image }: Site): Promise<void> {
  const read = await Promise.all(Array.from({ length: chunkCount(image.manifest) }, (_, index) => host.get(index)));
  expect(Buffer.concat(read).equals(content)).toBe(true);
}

describe('many hosts that read the same image at once', () => {
  it('have each chunk sent by the master once', async () => {
    const all = site(8);
    await Promise.all(all.hosts.map((host) => readAll(host, all)));
    expect([...all.sentByMaster].sort((a, b) => a - b)).toEqual(Array.from({ length: chunks }, (_, index) => index));
  });

  it('have it sent once also when they begin while each believes others to be members', async () => {
    const all = site(8);
    all.hosts.forEach((host, at) => {
      host.fetcher.members(all.image.id, { self: host.number, set: all.hosts.filter((_, other) => other === at || (other + at) % 3 !== 0).map(({ member }) => member), gone: [] }, true);
    });
    const reading = Promise.all(all.hosts.map((host) => readAll(host, all)));
    setTimeout(() => all.tellMembers(), 30);
    await reading;
    expect(all.sentByMaster.length).toBeLessThanOrEqual(chunks * 1.1);
  });

  it('read on when one of them is gone', async () => {
    const all = site(5);
    const [first, ...others] = all.hosts;
    if (first !== undefined) first.isThere = false;
    await Promise.all(others.map((host) => readAll(host, all)));
    expect(all.sentByMaster.length).toBeLessThanOrEqual(chunks * 1.3);
  });

  it('take no byte from one that lies: whoever asked it reports it, and asks it no more', async () => {
    const all = site(4);
    const [liar, ...others] = all.hosts;
    if (liar !== undefined) liar.lies = true;
    await Promise.all(others.map((host) => readAll(host, all)));
    // Of four hosts two are next to it in the trees; the last never asks it.
    expect(others.map(({ faults }) => faults.length > 0)).toEqual([true, true, false]);
    for (const { faults } of others.slice(0, 2)) expect(new Set(faults)).toEqual(new Set([`${liar?.member.slaveId ?? ''} wrong-bytes`]));
  });

  it('ask somebody else when one of them falls silent', async () => {
    const all = site(3);
    const [silent, ...others] = all.hosts;
    if (silent !== undefined) silent.isSilent = true;
    await Promise.all(others.map((host) => readAll(host, all)));
    expect(new Set(others.flatMap(({ faults }) => faults))).toEqual(new Set([`${silent?.member.slaveId ?? ''} silent`]));
  }, 30_000);

  it('read on without the master while one of them has it all', async () => {
    const all = site(4);
    const [whole, ...others] = all.hosts;
    if (whole !== undefined) await readAll(whole, all);
    all.masterIsThere = false;
    await Promise.all(others.map((host) => readAll(host, all)));
  });
});

it('tells the master of wrong bytes that came from it, and takes the chunk from a host that has it', async () => {
  const all = site(2);
  const [whole, reader] = all.hosts as [Host, Host];
  for (let index = 0; index < chunks; index += 1) whole.kept.set(index, all.bytes(index));
  // It is told of nobody yet: so the master is asked first, for everything.
  reader.fetcher.members(all.image.id, { self: reader.number, set: [], gone: [] }, true);
  all.rotten.add(5);
  reader.onWrongOfMaster = () => all.tellMembers();
  expect((await reader.get(5)).equals(all.bytes(5))).toBe(true);
  await reader.get(6);
  expect(new Set(reader.wrongOfMaster)).toEqual(new Set([5]));
  expect(reader.faults).toEqual([]);
});

it('is told that nobody can give it, when nobody can', async () => {
  const all = site(2);
  all.masterIsThere = false;
  await expect(all.hosts[0]?.get(0)).rejects.toThrow(ChunkUnavailable);
});

it('shares one transfer among all who ask for the same chunk, and raises it when one of them waits', async () => {
  const all = site(1);
  const [only] = all.hosts;
  const raised = jest.fn();
  const ask = only?.want.bind(only);
  if (only !== undefined && ask !== undefined) only.want = (...args) => ({ ...(ask(...args) as Question), raise: raised });
  const background = only?.fetcher.fetch(all.image, 3, false);
  await Promise.resolve().then(() => Promise.resolve());
  const urgent = only?.fetcher.fetch(all.image, 3, true);
  expect((await background)?.equals(all.bytes(3))).toBe(true);
  expect(await urgent).toBe(await background);
  expect(all.sentByMaster).toEqual([3]);
  expect(raised).toHaveBeenCalledTimes(1);
});

describe('while hosts are off', () => {
  const of = imageOf(chunks);
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  /** One host of eight; all the others accept connections and never speak, and the master answers at once. */
  async function alone(masterSays: (insist: boolean) => ChunkAnswer | null = () => null) {
    const clock = new HandClock();
    const sockets: Socket[] = [];
    const off = createServer((socket) => void sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(off, 'listening');
    const unreachable: number[] = [];
    const peers = new PeerConnections(clock, ({ number }) => void unreachable.push(number));
    closing.push(() => {
      peers.stop();
      for (const socket of sockets) socket.destroy();
      off.close();
    });
    const master: Pick<MasterSource, 'want' | 'fault'> = {
      want: (_, index, __, insist) => ({
        answer: Promise.resolve(masterSays(insist) ?? { kind: 'chunk', encoding: 'plain', data: of.content.subarray(index * chunkBytes, (index + 1) * chunkBytes) }),
        raise: () => undefined,
        cancel: () => undefined,
        port: { received: 0, answers: 0 },
      }),
      fault: () => undefined,
    };
    const fetcher = new Fetcher(master as MasterSource, peers, clock, pino({ level: 'silent' }));
    const member = (number: number): ChunkMember => ({ number, slaveId: `00000000-0000-7000-8000-00000000000${number}`, address: '127.0.0.1', port: (off.address() as AddressInfo).port, weight: 4, identity: 'it', key: 'x'.repeat(22) });
    fetcher.members(of.image.id, { self: 3, set: [0, 1, 2, 3, 4, 5, 6, 7].map(member), gone: [] }, true);
    /** How long it took, by the clock. */
    const secondsFor = async (index: number, urgent: boolean, raisedAfter: number | null = null): Promise<number> => {
      let isOver = false;
      const startMs = clock.monotonicMs();
      void fetcher.fetch(of.image, index, urgent).then((bytes) => (isOver = bytes.length > 0));
      for (let half = 0; !isOver; half += 1) {
        await turn();
        if (half === raisedAfter) void fetcher.fetch(of.image, index, true);
        if (half > 100) throw new Error('It does not come.');
        await clock.advance(500);
      }
      return (clock.monotonicMs() - startMs) / 1000;
    };
    return { clock, unreachable, secondsFor };
  }

  it('one that waits for a chunk asks the next after 2 s, and the dials go on', async () => {
    const { clock, secondsFor, unreachable } = await alone();
    // Of the tree of chunk 0 host 3 asks host 1, then the owner, host 0.
    expect(await secondsFor(0, true)).toBeLessThan(5);
    expect(unreachable).toEqual([]);
    await clock.advance(10_000);
    expect([...unreachable].sort()).toEqual([0, 1]);
    // The next look for idle connections.
    expect(clock.waiting).toHaveLength(1);
  });

  it('the hosts that the master names are waited for no longer either', async () => {
    const { secondsFor } = await alone((insist) => (insist ? null : { kind: 'redirect', members: [5, 6] }));
    expect(await secondsFor(0, true)).toBeLessThan(10);
  });

  it('what is fetched ahead waits for the dials, until somebody waits for it', async () => {
    const ahead = await alone();
    expect(await ahead.secondsFor(0, false)).toBeGreaterThanOrEqual(20);
    const raised = await alone();
    // Raised after a second, it goes on after two more; the owner is given two again.
    expect(await raised.secondsFor(0, false, 2)).toBeLessThan(6);
  });
});
