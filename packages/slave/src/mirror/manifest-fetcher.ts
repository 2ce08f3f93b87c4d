import type { Clock } from '@paravcl/shared/clock';
import { manifestIndex, maxManifestFrameBytes } from '@paravcl/shared/chunks/frames';
import { decodeManifest, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { createHash } from 'node:crypto';
import { inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';
import type { Fetcher, MasterSource, PeerSource } from './fetcher';
import { answerUnlessSilent } from './silence';

const inflate = promisify(inflateRaw);

/** The master as it is asked for manifests (master-door.ts). */
export interface ManifestMaster extends Pick<MasterSource, 'want' | 'opened'> {
  manifest(id: ManifestId): Promise<Manifest>;
}

/** Who else has an image. */
export type KnownMembers = Pick<Fetcher, 'introduced' | 'closed'>;

/** A manifest comes through several hosts, and is all that a host waits for. */
const silentMs = 15_000;

/** Brings manifests, each at most once at a time. None leaves here whose SHA-256 is not its id. */
export class ManifestFetcher {
  private readonly manifests = new Map<ManifestId, Promise<Manifest>>();

  constructor(
    private readonly master: ManifestMaster,
    private readonly peers: Pick<PeerSource, 'to'>,
    private readonly members: KnownMembers,
    private readonly clock: Clock,
  ) {}

  /** From whom the master names, so that its link carries it once or twice; from the master itself when that fails. */
  manifest(id: ManifestId): Promise<Manifest> {
    const under = this.manifests.get(id);
    if (under !== undefined) return under;
    this.master.opened({ id });
    const manifest = this.handedOn(id)
      .then((found) => found ?? this.master.manifest(id))
      .catch((error: unknown) => {
        this.members.closed(id);
        throw error;
      })
      .finally(() => this.manifests.delete(id));
    this.manifests.set(id, manifest);
    return manifest;
  }

  /** One that is being fetched now, for those who ask this host for it; null of others. */
  underWay(id: ManifestId): Promise<Manifest> | null {
    return this.manifests.get(id) ?? null;
  }

  private async handedOn(id: ManifestId): Promise<Manifest | null> {
    const question = this.master.want(id, manifestIndex, true, false);
    const answer = question === null ? 'silent' : await answerUnlessSilent(question, silentMs, this.clock);
    if (answer === 'silent' || answer.kind === 'lack') return null;
    if (answer.kind === 'chunk') return manifestOf(id, answer);
    for (const number of answer.members) {
      const member = await this.members.introduced(id, number);
      const port = member === null ? null : await this.peers.to(member, id);
      if (port === null) continue;
      const { number: request, answer: given } = port.ask({ channel: 0, index: manifestIndex, urgent: true, insist: false });
      const found = await answerUnlessSilent({ answer: given, port, raise: () => undefined, cancel: () => port.cancel(request) }, silentMs, this.clock);
      const manifest = found === 'silent' || found.kind !== 'chunk' ? null : await manifestOf(id, found);
      if (manifest !== null) return manifest;
    }
    return null;
  }
}

/** Null when it is not the one with this id. */
async function manifestOf(id: ManifestId, { encoding, data }: Extract<ChunkAnswer, { kind: 'chunk' }>): Promise<Manifest | null> {
  const encoded = encoding === 'plain' ? Buffer.from(data) : await inflate(data, { maxOutputLength: maxManifestFrameBytes }).catch(() => null);
  return encoded !== null && createHash('sha256').update(encoded).digest('hex') === id ? decodeManifest(encoded) : null;
}
