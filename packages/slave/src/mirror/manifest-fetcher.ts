import type { Clock } from '@paravcl/shared/clock';
import { indexOfManifestPart } from '@paravcl/shared/chunks/frames';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';
import { ChunkUnavailable, ManifestMissing } from './chunk-source';
import type { Fetcher, MasterSource, PeerSource } from './fetcher';
import { ManifestUnderWay } from './manifest-under-way';
import { answerUnlessSilent, type Question } from './silence';

/** The master as it is asked for manifests (master-door.ts). */
export interface ManifestMaster extends Pick<MasterSource, 'want' | 'opened'> {
  /** Why it does not give this image; null when it has not said so. */
  refusal(id: ManifestId): string | null;
}

/** Who else has an image. */
export type KnownMembers = Pick<Fetcher, 'introduced' | 'closed'>;

/** Asks somebody for one part; null while it cannot be asked. */
type Ask = (part: number) => Question | null;

interface Fetching {
  readonly parts: ManifestUnderWay;
  readonly manifest: Promise<Manifest>;
}

/** Somebody with a slow link, who serves others too, has a while nothing for us. */
const silentMs = 15_000;
/** Hosts that wait for each other's first part would do so for ever: then each asks the master. */
const firstPartWithinMs = 30_000;
/** As many as cover the way to whoever is asked and back. */
const partsAtOnce = 4;
/** From the last part until the library has the manifest on the disk, at most: others still ask for parts of it. */
const handedOnMs = 5000;

/**
 * Brings manifests, each at most once at a time, part by part:
 *
 * 1. The master is asked for the first part: it sends it, or names another host, so that its link carries a manifest once or twice. Whoever
 *    answered is asked for the rest, which hosts hand on while it comes to them.
 * 2. Where that ends early the master is asked for what is missing.
 * 3. When the SHA-256 over all is not the id, which is found only at the end, all is asked of the master anew.
 *
 * No manifest is used here whose SHA-256 is not its id.
 */
export class ManifestFetcher {
  private readonly underWay = new Map<ManifestId, Fetching>();

  constructor(
    private readonly master: ManifestMaster,
    private readonly peers: Pick<PeerSource, 'to'>,
    private readonly members: KnownMembers,
    private readonly clock: Clock,
  ) {}

  /** Throws ManifestMissing when the master gives nothing of this image, ChunkUnavailable when it could not be had now. */
  manifest(id: ManifestId): Promise<Manifest> {
    const known = this.underWay.get(id);
    if (known !== undefined) return known.manifest;
    this.master.opened({ id });
    const parts = new ManifestUnderWay(id);
    const manifest = this.bring(id, parts).finally(() => parts.end());
    this.underWay.set(id, { parts, manifest });
    manifest.then(
      () => this.clock.after(handedOnMs, () => this.underWay.delete(id)),
      () => {
        this.underWay.delete(id);
        this.members.closed(id);
      },
    );
    return manifest;
  }

  /** As much as there is, once this part has come, of one that is being fetched now: for other hosts. Null when it does not come. */
  upTo(id: ManifestId, part: number): Promise<Manifest | null> {
    return this.underWay.get(id)?.parts.upTo(part) ?? Promise.resolve(null);
  }

  private async bring(id: ManifestId, parts: ManifestUnderWay): Promise<Manifest> {
    const master: Ask = (part) => this.master.want(id, indexOfManifestPart(part), true, true);
    const first = await this.answerTo(this.master.want(id, indexOfManifestPart(0), true, false));
    await parts.take(first);
    for (const number of first !== 'silent' && first.kind === 'redirect' ? first.members : []) {
      const member = await this.members.introduced(id, number);
      const port = member === null ? null : await this.peers.to(member, id);
      if (port !== null) await this.takeFrom((part) => this.ofPeer(port, part), parts);
      const manifest = parts.isWhole ? parts.checked() : null;
      if (manifest !== null) return manifest;
    }
    for (;;) {
      const isAll = parts.taken === 0;
      const last = await this.takeFrom(master, parts);
      if (!parts.isWhole) throw this.fault(id, last);
      const manifest = parts.checked();
      if (manifest !== null) return manifest;
      if (isAll) throw new ChunkUnavailable(`The master sent another manifest than that of image ${id.slice(0, 12)}…: its copy is damaged. Verify the store.`);
    }
  }

  /** Takes part after part until all have come, or one does not: then answers what was said in its place. */
  private async takeFrom(ask: Ask, parts: ManifestUnderWay): Promise<ChunkAnswer | 'silent' | null> {
    const asked: { readonly question: Question | null; readonly answer: Promise<ChunkAnswer | 'silent'> }[] = [];
    let next = parts.taken;
    try {
      while (!parts.isWhole) {
        for (; asked.length < partsAtOnce && next < parts.count; next += 1) {
          const question = ask(next);
          asked.push({ question, answer: this.answerTo(question) });
        }
        const answer = await asked.shift()?.answer;
        if (answer === undefined || !(await parts.take(answer))) return answer ?? null;
      }
      return null;
    } finally {
      for (const { question } of asked) question?.cancel();
    }
  }

  private ofPeer(port: ChunkPort, part: number): Question {
    const { number, answer } = port.ask({ channel: 0, index: indexOfManifestPart(part), urgent: true, insist: false });
    const cancel = (): void => port.cancel(number);
    if (part === 0) void answer.then(this.clock.after(firstPartWithinMs, cancel));
    return { answer, port, raise: () => undefined, cancel };
  }

  private answerTo(question: Question | null): Promise<ChunkAnswer | 'silent'> {
    return question === null ? Promise.resolve('silent') : answerUnlessSilent(question, silentMs, this.clock);
  }

  private fault(id: ManifestId, last: ChunkAnswer | 'silent' | null): Error {
    const isRefused = last !== null && last !== 'silent' && last.kind === 'lack' && last.why === 'refused';
    if (isRefused) return new ManifestMissing(this.master.refusal(id) ?? 'The master gives nothing of this image to this host.');
    return new ChunkUnavailable(`The manifest of image ${id.slice(0, 12)}… could be had neither from another host nor from the master now.`);
  }
}
