import { systemClock, type Clock } from '@paravcl/shared/clock';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';
import { manifestPartAt } from '@paravcl/shared/chunks/frames';
import { chunksOfPart, hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { encodedPart } from '@paravcl/shared/chunks/manifest-parts';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { encodeManifest, manifestOf, type Manifest } from '@paravcl/shared/chunks/manifest';
import { createHash, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { HandClock } from '../../test/fixtures/hand-clock';
import { until } from '../../test/fixtures/until';
import { ChunkUnavailable, ManifestMissing } from './chunk-source';
import { ManifestFetcher, type KnownMembers, type ManifestMaster } from './manifest-fetcher';
import type { Question } from './silence';

const chunkBytes = 4096;
const inAll = 7;
const chunks = (inAll - 1) * chunksOfPart + 100;
const lacked = (why: 'absent' | 'refused' | 'failed'): ChunkAnswer => ({ kind: 'lack', why });
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));

/** Every third chunk has a hash. */
function sampleHashes(): Buffer {
  const hashes = Buffer.alloc(chunks * hashBytes);
  for (let index = 0; index < chunks; index += 3) randomBytes(hashBytes).copy(hashes, index * hashBytes);
  return hashes;
}

/** Hosts that know nothing of an image yet, and a master that sends its manifest to the first who asks. */
class Site {
  readonly manifest: Manifest = manifestOf({ chunkBytes, sizeBytes: chunks * chunkBytes }, sampleHashes());
  readonly id = createHash('sha256').update(encodeManifest(this.manifest)).digest('hex');
  readonly hosts: readonly Host[];
  readonly askers: Host[] = [];
  /** Parts that the master sent, in their order. */
  readonly sent: number[] = [];
  /** Whether the master sends this part now. */
  mayGo: (part: number) => Promise<void> = () => Promise.resolve();
  masterSays: ((part: number) => ChunkAnswer) | null = null;

  constructor(hosts: number, clock: Clock = systemClock) {
    this.hosts = Array.from({ length: hosts }, (_, number) => new Host(this, number, clock));
  }

  chunkOf(part: number, of = this.manifest): ChunkAnswer {
    return { kind: 'chunk', encoding: 'deflate', data: deflateRawSync(encodedPart(of, part), { level: 1 }) };
  }

  async master(asker: Host, part: number, insist: boolean): Promise<ChunkAnswer> {
    await soon();
    if (this.masterSays !== null) return this.masterSays(part);
    const parent = part > 0 || insist ? undefined : this.askers[Math.floor((this.askers.length - 1) / 2)];
    if (part === 0) this.askers.push(asker);
    if (parent !== undefined) return { kind: 'redirect', members: [parent.member.number] };
    await this.mayGo(part);
    this.sent.push(part);
    return this.chunkOf(part);
  }

  isIts(manifest: Manifest | null): boolean {
    return manifest !== null && createHash('sha256').update(encodeManifest(manifest)).digest('hex') === this.id;
  }

  /** Two of its hosts: the one that asks first, and the one that is sent to it. */
  get pair(): readonly [Host, Host] {
    const [first, second] = this.hosts;
    if (first === undefined || second === undefined) throw new Error('two hosts are needed');
    return [first, second];
  }
}

class Host implements ManifestMaster, KnownMembers {
  readonly fetcher: ManifestFetcher;
  readonly member: ChunkMember;
  /** What it says in the place of a part. */
  says: ((part: number) => ChunkAnswer | null) | null = null;
  /** Parts it was asked for by others. */
  readonly askedFor: number[] = [];
  masterIsThere = true;
  readonly closings: string[] = [];

  constructor(
    private readonly site: Site,
    number: number,
    clock: Clock,
  ) {
    this.fetcher = new ManifestFetcher(this, this, this, clock);
    this.member = { number, slaveId: `00000000-0000-7000-8000-00000000000${number.toString(16)}`, address: '10.0.0.1', port: 1, weight: 4, identity: '', key: 'x'.repeat(22) };
  }

  get(): Promise<Manifest> {
    return this.fetcher.manifest(this.site.id);
  }

  want(_: string, index: number, _urgent: boolean, insist: boolean): Question | null {
    return this.masterIsThere ? question(this.site.master(this, manifestPartAt(index) ?? -1, insist)) : null;
  }

  refusal(): string | null {
    return 'This host may not have it.';
  }

  /** As the peer server answers. */
  private async answer(part: number): Promise<ChunkAnswer> {
    await soon();
    this.askedFor.push(part);
    const said = this.says?.(part) ?? null;
    if (said !== null) return said;
    const manifest = await this.fetcher.upTo(this.site.id, part);
    return manifest === null ? lacked('absent') : this.site.chunkOf(part, manifest);
  }

  to(member: ChunkMember): Promise<ChunkPort | null> {
    const peer = this.site.hosts[member.number];
    if (peer === undefined) return Promise.resolve(null);
    const open = new Map<number, Question>();
    const port: Pick<ChunkPort, 'ask' | 'cancel'> & { received: number } = {
      received: 0,
      ask: ({ index }) => {
        const asked = question(peer.answer(manifestPartAt(index) ?? -1));
        open.set(open.size, asked);
        return { number: open.size - 1, answer: asked.answer };
      },
      cancel: (number) => open.get(number)?.cancel(),
    };
    // Not silent, whatever it waits for.
    Object.defineProperty(port, 'received', { get: () => Math.random() });
    return Promise.resolve(port as ChunkPort);
  }

  introduced(_: string, number: number): Promise<ChunkMember | null> {
    return Promise.resolve(this.site.hosts[number]?.member ?? null);
  }

  opened(): void {
    // Asking on it is what counts here.
  }

  closed(id: string): void {
    this.closings.push(id);
  }
}

function question(given: Promise<ChunkAnswer>): Question {
  let cancel: () => void = () => undefined;
  const cancelled = new Promise<ChunkAnswer>((resolve) => (cancel = () => resolve(lacked('failed'))));
  return { answer: Promise.race([given, cancelled]), raise: () => undefined, cancel: () => cancel(), port: { received: 0, answers: 0 } };
}

const all = Array.from({ length: inAll }, (_, part) => part);
const sorted = (parts: readonly number[]): readonly number[] => [...parts].sort((one, other) => one - other);

describe('the manifest of an image', () => {
  it('is handed on from host to host, so that the master sends each part once', async () => {
    const site = new Site(9);
    const found = await Promise.all(site.hosts.map((host) => host.get()));
    for (const manifest of found) expect(site.isIts(manifest)).toBe(true);
    expect(sorted(site.sent)).toEqual(all);
  });

  it('is handed on while it comes: who asks has the first parts before the last was sent', async () => {
    const site = new Site(2);
    const [first, second] = site.pair;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    site.mayGo = (part) => (part === inAll - 1 ? gate : Promise.resolve());
    const both = [first.get()];
    await until('the first host to be named to others', () => site.askers.length === 1);
    both.push(second.get());
    await until('all but the last part to have come to the second host', async () => (await Promise.race([second.fetcher.upTo(site.id, inAll - 2), soon().then(() => null)])) !== null);
    expect(site.sent).not.toContain(inAll - 1);
    letGo();
    for (const manifest of await Promise.all(both)) expect(site.isIts(manifest)).toBe(true);
    expect(sorted(site.sent)).toEqual(all);
  });

  it('goes on at the master where another host ends', async () => {
    const site = new Site(2);
    const [first, second] = site.pair;
    await first.get();
    first.says = (part) => (part >= 3 ? lacked('failed') : null);
    expect(site.isIts(await second.get())).toBe(true);
    expect(sorted(site.sent.slice(inAll))).toEqual([3, 4, 5, 6]);
  });

  it('comes from the master after all when another host hands on a wrong one', async () => {
    const site = new Site(2);
    const [first, second] = site.pair;
    await first.get();
    const other = manifestOf(site.manifest, sampleHashes());
    first.says = (part) => (part === 2 ? site.chunkOf(part, other) : null);
    expect(site.isIts(await second.get())).toBe(true);
    expect(sorted(site.sent.slice(inAll))).toEqual(all);
  });

  it('comes from the master where another host sends what can be no part', async () => {
    const site = new Site(2);
    const [first, second] = site.pair;
    await first.get();
    first.says = (part) => (part === 2 ? { kind: 'chunk', encoding: 'deflate', data: deflateRawSync(Buffer.alloc(64 * 1024 * 1024)) } : null);
    expect(site.isIts(await second.get())).toBe(true);
    expect(sorted(site.sent.slice(inAll))).toEqual([2, 3, 4, 5, 6]);
  });

  it('comes from the master when two hosts wait for each other', async () => {
    const clock = new HandClock();
    const site = new Site(2, clock);
    const [first, second] = site.pair;
    const [one, other] = [first.member.number, second.member.number];
    let redirects = 2;
    site.masterSays = (part) => {
      if (redirects === 0) return site.chunkOf(part);
      redirects -= 1;
      return { kind: 'redirect', members: [redirects === 1 ? other : one] };
    };
    const both = Promise.all([first.get(), second.get()]);
    await until('both to wait for the other', () => first.askedFor.length === 1 && second.askedFor.length === 1);
    await clock.advance(29_000);
    expect(redirects).toBe(0);
    await clock.advance(1000);
    for (const manifest of await both) expect(site.isIts(manifest)).toBe(true);
  });

  it('is fetched once for all who want it here, and handed on a while longer, until the library has it', async () => {
    const clock = new HandClock();
    const site = new Site(1, clock);
    const [host] = site.hosts;
    const found = await Promise.all([host?.get(), host?.get()]);
    expect(found[0]).toBe(found[1]);
    expect(sorted(site.sent)).toEqual(all);
    expect(site.isIts((await host?.fetcher.upTo(site.id, inAll - 1)) ?? null)).toBe(true);
    expect(await host?.fetcher.upTo(site.id, inAll)).toBeNull();
    await clock.advance(5000);
    expect(await host?.fetcher.upTo(site.id, 0)).toBeNull();
  });
});

describe('a manifest that cannot be had', () => {
  it('is missing, in the master’s own words, when the master gives nothing of the image', async () => {
    const site = new Site(1);
    site.masterSays = () => lacked('refused');
    await expect(site.hosts[0]?.get()).rejects.toThrow(new ManifestMissing('This host may not have it.'));
    expect(site.hosts[0]?.closings).toEqual([site.id]);
  });

  it('is to be asked for again while the master is away, fails, or sends another', async () => {
    const site = new Site(1);
    const [host] = site.hosts;
    if (host === undefined) throw new Error('a host is needed');
    host.masterIsThere = false;
    await expect(host.get()).rejects.toThrow(ChunkUnavailable);
    host.masterIsThere = true;
    site.masterSays = () => lacked('failed');
    await expect(host.get()).rejects.toThrow(/neither from another host nor from the master/);
    const other = manifestOf(site.manifest, sampleHashes());
    site.masterSays = (part) => site.chunkOf(part, other);
    await expect(host.get()).rejects.toThrow(/its copy is damaged/);
    site.masterSays = null;
    expect(site.isIts(await host.get())).toBe(true);
  });

  it('ends the wait of those who asked this host for it', async () => {
    const site = new Site(1);
    const [host] = site.hosts;
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    site.mayGo = (part) => (part === 3 ? stopped.then(() => Promise.reject(new Error('the master is gone'))) : Promise.resolve());
    const master = site.master.bind(site);
    site.master = (...args) => master(...args).catch(() => lacked('failed'));
    const fetched = host?.get();
    const asked = host?.fetcher.upTo(site.id, 3);
    stop();
    await expect(fetched).rejects.toThrow(ChunkUnavailable);
    expect(await asked).toBeNull();
  });
});
