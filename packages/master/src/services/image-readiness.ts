import type { ImageSlaves, SlaveImages } from '@paravcl/shared/api/image-readiness';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding } from '@paravcl/shared/chunks/mirror-messages';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { holdingSentence, wantedSentence } from '../core/explain-readiness';
import { isThere, type Wanted } from '../core/pre-copy';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { SlaveRecord } from '../repositories/slave-record';
import { maySeeImage, runsSite } from './image-access';
import type { MirrorFleet } from './mirror-fleet';
import { authorise } from './policy';
import type { PreCopyService } from './pre-copy-service';

export interface ImageReadinessDeps {
  readonly unitOfWork: Pick<UnitOfWork, 'read'>;
  readonly fleet: Pick<MirrorFleet, 'standings'>;
  readonly preCopy: Pick<PreCopyService, 'wantedOn' | 'wantedOf'>;
  readonly clock: Clock;
  /** IANA zone in which times are told. */
  readonly timeZone: string;
}

type Standing = Pick<SlaveImages['items'][number], 'holding' | 'ready' | 'wanted' | 'sentence'>;

/** What is on the hosts, as their mirrors said last, and what pre-copy wants there. */
export class ImageReadiness {
  constructor(private readonly deps: ImageReadinessDeps) {}

  /** Throws `not-found` for a slave that the principal may not see. */
  async onSlave(principal: Principal, slaveId: string): Promise<SlaveImages> {
    const { unitOfWork: { read }, fleet, preCopy } = this.deps;
    const slave = await read.slaves.find(slaveId);
    if (slave === null) throw new ParavclError('not-found', `There is no host ${slaveId}, or it is not yours to see.`);
    authorise(principal, 'slave.see', 'slave.see', { ownerUserId: slave.ownerUserId, groupId: null }, `host ${slaveId}`);
    const standing = fleet.standings().get(slaveId);
    const held = new Map(standing?.images.map((image) => [image.manifest, image]));
    const wanted = new Map(preCopy.wantedOn(slaveId).map((one) => [one.manifest, one]));
    const named = [...new Set([...wanted.keys(), ...held.keys()])];
    const versions = (await read.imageContents.withManifests(named)).filter((image) => maySeeImage(principal, image));
    // Of what others keep to themselves its owner is not even told the manifest.
    const manifests = runsSite(principal) ? named : named.filter((manifest) => versions.some(({ manifestId }) => manifestId === manifest));
    const items = manifests.map((manifest) => ({
      manifest,
      images: versions.filter((image) => image.manifestId === manifest).map(namedVersion),
      ...this.standing(held.get(manifest), wanted.get(manifest)),
    }));
    return { connected: standing?.connected === true, poolFull: standing?.poolFull === true, sentence: slaveSentence(slave, standing?.connected, standing?.poolFull === true, held.size), items };
  }

  /** Throws `not-found` for an image that is none, `image-not-ready` while its content is not in the store. */
  async ofImage(imageId: string): Promise<ImageSlaves> {
    const { unitOfWork: { read }, fleet, preCopy } = this.deps;
    const image = await read.images.find(imageId);
    if (image === null) throw new ParavclError('not-found', `There is no image, kernel or ramdisk ${imageId}.`);
    const { manifestId } = image;
    if (manifestId === null) throw new ParavclError('image-not-ready', `${image.name} (${image.friendlyId}) has no content in the store yet, so no host has it. Upload it to the end, or wait for its check.`);
    const held = holdersOf(manifestId, fleet);
    const wanted = preCopy.wantedOf(manifestId);
    const slaves = [...(await read.fleet.findAll([...new Set([...held.keys(), ...wanted.keys()])])).values()].sort(byName);
    const items = slaves.map(({ id, name }) => ({ slaveId: id, name, connected: fleet.standings().get(id)?.connected === true, ...this.standing(held.get(id), wanted.get(id)) }));
    return { sentence: imageSentence(image, items), items };
  }

  private standing(holding: ImageHolding | undefined, wanted: Wanted | undefined): Standing {
    const { clock, timeZone } = this.deps;
    const ready = isThere(holding, false);
    return {
      holding: holding === undefined ? null : shown(holding),
      ready,
      wanted: wanted === undefined ? null : { what: wanted.what, dueAt: new Date(wanted.dueAt).toISOString() },
      sentence: [holding === undefined ? 'Nothing of it is here.' : holdingSentence(holding), ...(wanted === undefined ? [] : [wantedSentence(wanted, isThere(holding, wanted.what === 'all'), timeZone, clock.now())])].join(' '),
    };
  }
}

function shown({ presentChunks, totalChunks, presentBootChunks, totalBootChunks, complete }: ImageHolding): NonNullable<Standing['holding']> {
  return { presentChunks, totalChunks, presentBootChunks, totalBootChunks, complete };
}

function namedVersion({ id, friendlyId, kind, name, version }: ImageRecord): SlaveImages['items'][number]['images'][number] {
  return { id, friendlyId, kind, name, version };
}

function holdersOf(manifest: ManifestId, fleet: Pick<MirrorFleet, 'standings'>): ReadonlyMap<string, ImageHolding> {
  return new Map([...fleet.standings()].flatMap(([slaveId, { images }]) => images.filter((image) => image.manifest === manifest).map((image) => [slaveId, image] as const)));
}

function byName(a: SlaveRecord, b: SlaveRecord): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1;
}

function slaveSentence({ name }: SlaveRecord, connected: boolean | undefined, poolFull: boolean, images: number): string {
  if (connected === undefined) return `The mirror of ${name} has not been connected since the master’s start: what is there is not known.`;
  const has = images === 0 ? 'no image yet' : images === 1 ? 'something of 1 image' : `something of ${images} images`;
  const full = poolFull ? ' Its pool is full: nothing is brought ahead until there is room. Make room on that host, or raise the limit of its cache.' : '';
  return connected ? `${name} has ${has}.${full}` : `The mirror of ${name} is not connected; when it was, it had ${has}.${full}`;
}

function imageSentence({ name, friendlyId }: ImageRecord, items: ImageSlaves['items']): string {
  const ready = items.filter((one) => one.ready).length;
  if (items.length === 0) return `No host has anything of ${name} (${friendlyId}) yet; each fetches what its guests read.`;
  if (items.length === 1) return `${name} (${friendlyId}) is ${ready === 1 ? '' : 'not '}ready on the one host that has some of it or is to have it.`;
  return `${name} (${friendlyId}) is ready on ${ready} of the ${items.length} hosts that have some of it or are to have it.`;
}
