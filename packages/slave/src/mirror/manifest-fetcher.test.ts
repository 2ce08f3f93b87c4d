import { systemClock } from '@paravcl/shared/clock';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { decodeManifest, encodeManifest, manifestOf, type Manifest } from '@paravcl/shared/chunks/manifest';
import { createHash, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { ManifestFetcher, type KnownMembers, type ManifestMaster } from './manifest-fetcher';
import type { Question } from './silence';

const chunkBytes = 4096;
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));

/** Hosts that know nothing of an image yet, and a master that sends its manifest to the first who asks. */
class Site {
  readonly encoded: Buffer;
  readonly id: string;
  readonly hosts: Host[] = [];
  readonly askers: Host[] = [];
  readonly sent = { count: 0, whole: 0 };

  constructor(chunks: number, hosts: number) {
    this.encoded = encodeManifest(manifestOf({ chunkBytes, sizeBytes: chunks * chunkBytes }, randomBytes(chunks * 32)));
    this.id = createHash('sha256').update(this.encoded).digest('hex');
    for (let number = 0; number < hosts; number += 1) this.hosts.push(new Host(this, number));
  }
}

class Host implements ManifestMaster, KnownMembers {
  readonly fetcher = new ManifestFetcher(this, this, this, systemClock);
  readonly member: ChunkMember;
  lies = false;

  constructor(
    private readonly site: Site,
    number: number,
  ) {
    this.member = { number, slaveId: `00000000-0000-7000-8000-00000000000${number.toString(16)}`, address: '10.0.0.1', port: 1, weight: 4, identity: '', key: 'x'.repeat(22) };
  }

  want(): Question {
    const { askers, encoded, sent } = this.site;
    const parent = askers[Math.floor((askers.length - 1) / 2)];
    askers.push(this);
    if (parent === undefined) sent.count += 1;
    const answer: ChunkAnswer = parent === undefined ? { kind: 'chunk', encoding: 'deflate', data: deflateRawSync(encoded) } : { kind: 'redirect', members: [parent.member.number] };
    return { answer: soon().then(() => answer), raise: () => undefined, cancel: () => undefined, port: { received: 0 } };
  }

  manifest(): Promise<Manifest> {
    this.site.sent.whole += 1;
    return Promise.resolve(decodeManifest(this.site.encoded));
  }

  /** As the peer server answers. */
  async answer(): Promise<ChunkAnswer> {
    await soon();
    const { encoded, id } = this.site;
    if (this.lies) return { kind: 'chunk', encoding: 'plain', data: randomBytes(encoded.length) };
    const manifest = await (this.fetcher.underWay(id) ?? Promise.resolve(decodeManifest(encoded)));
    return { kind: 'chunk', encoding: 'plain', data: encodeManifest(manifest) };
  }

  to(member: ChunkMember): Promise<ChunkPort | null> {
    const peer = this.site.hosts[member.number];
    if (peer === undefined) return Promise.resolve(null);
    const port: Pick<ChunkPort, 'ask' | 'cancel' | 'received'> = { ask: () => ({ number: 1, answer: peer.answer() }), cancel: () => undefined, received: 0 };
    return Promise.resolve(port as ChunkPort);
  }

  introduced(_: string, number: number): Promise<ChunkMember | null> {
    return Promise.resolve(this.site.hosts[number]?.member ?? null);
  }

  opened(): void {
    // Asking on it is what counts here.
  }

  closed(): void {
    throw new Error('every manifest is found here');
  }
}

describe('the manifest of an image', () => {
  it('is handed on from host to host, so that the master sends it once', async () => {
    const { hosts, id, encoded, sent } = new Site(40, 9);
    const found = await Promise.all(hosts.map((host) => host.fetcher.manifest(id)));
    for (const manifest of found) expect(encodeManifest(manifest)).toEqual(encoded);
    expect(sent).toEqual({ count: 1, whole: 0 });
  });

  it('comes from the master after all when another host hands on a wrong one', async () => {
    const { hosts, id, encoded, sent } = new Site(40, 3);
    const [first, second] = hosts;
    if (first === undefined || second === undefined) throw new Error('two hosts are needed');
    first.lies = true;
    await first.fetcher.manifest(id);
    expect(encodeManifest(await second.fetcher.manifest(id))).toEqual(encoded);
    expect(sent).toEqual({ count: 1, whole: 1 });
  });
});
