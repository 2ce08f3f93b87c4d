import type { Clock } from '@paravcl/shared/clock';
import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import type { PeerFault } from '@paravcl/shared/chunks/mirror-messages';
import { BitRoom } from './held-chunks';
import { PeerFaults } from './peer-faults';
import type { PeerKeys } from './peer-keys';
import { SharedImage, type ImageMember, type MirrorPresence, type SpreadParts } from './shared-image';

/** Bits of who has which chunk: 2,000 mirrors with ten images of 10 GiB each. Beyond it chunks are sent more than once. */
const mostBitBytes = 400 * 1024 * 1024;

/** A mirror's hold on an image it has open. */
export interface OpenImage {
  readonly image: SharedImage;
  readonly member: ImageMember;
}

/** Which images are open on which mirrors, and who of them is avoided. An image that nobody has open costs nothing. */
export class ImageSpreadRegistry {
  private readonly images = new Map<ManifestId, SharedImage>();
  private readonly parts: SpreadParts;
  readonly faults: PeerFaults;

  constructor(parts: { readonly clock: Clock; readonly keys: PeerKeys }) {
    this.faults = new PeerFaults(parts.clock, (slaveId) => {
      for (const image of this.images.values()) if (image.has(slaveId)) image.changed();
    });
    this.parts = { ...parts, faults: this.faults, room: new BitRoom(mostBitBytes) };
  }

  /** Null when it is open there already, or on more mirrors than there are numbers. */
  open(id: ManifestId, manifest: Manifest, presence: MirrorPresence, channel: number): OpenImage | null {
    const image = this.images.get(id) ?? new SharedImage(id, manifest, this.parts);
    this.images.set(id, image);
    const member = image.has(presence.slaveId) ? null : image.join(presence, channel);
    return member === null ? null : { image, member };
  }

  close({ image, member }: OpenImage): void {
    image.leave(member);
    if (!image.isOpen && this.images.get(image.id) === image) this.images.delete(image.id);
  }

  find(id: ManifestId): SharedImage | null {
    return this.images.get(id) ?? null;
  }

  patternChanged(id: ManifestId, pattern: AccessPattern): void {
    this.images.get(id)?.tellPattern(pattern);
  }

  /** A mirror tells of another. True when it is news that this one gives wrong bytes. */
  report(reporterId: string, accusedId: string, id: ManifestId, fault: PeerFault): boolean {
    const image = this.images.get(id);
    const reporter = image?.find(reporterId) ?? null;
    // Only who has the image open can have asked for it, and only one that it was told of.
    if (image === undefined || reporter?.wasToldOf(accusedId) !== true) return false;
    return this.faults.report({ reporterId, accusedId, fault, reporterVolunteers: reporter.presence.volunteer, witnesses: image.size - (image.has(accusedId) ? 1 : 0) });
  }
}
