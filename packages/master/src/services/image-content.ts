import type { ImageFormat, ImageKind, ImageState } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { Readable } from 'node:stream';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { ContentReader } from '../store/content-reader';
import { maySeeImage } from './image-access';
import { isGranted } from './image-grants';
import { imageNouns, missingImage } from './image-nouns';
import { authorise } from './policy';

export interface OpenedContent {
  readonly sizeBytes: number;
  /** Of the whole of it; of a snapshot, which nobody hashed as a whole, the id of its manifest. */
  readonly sha256: string;
  readonly stream: Readable;
}

/** Where the file of an image of an earlier release is read from, until its content is in the chunk store. */
export interface EarlierContent {
  openRead(imageId: string, offsetBytes: number): Promise<OpenedContent>;
}

/** The whole content of images, for agents that fetch it as one file and for people who download it. */
export class ImageContent {
  constructor(
    private readonly unitOfWork: Pick<UnitOfWork, 'read'>,
    private readonly reader: Pick<ContentReader, 'open'>,
    private readonly earlier: EarlierContent,
  ) {}

  /** What the books say of it; null when there is none, or when it is not for this slave, by the rule for its mirror (core/image-grant). */
  async findFor(slaveId: string, imageId: string): Promise<{ readonly state: ImageState; readonly sizeBytes: number } | null> {
    const { read } = this.unitOfWork;
    const [image, slave] = await Promise.all([read.images.find(imageId), read.slaves.find(slaveId)]);
    if (image === null || slave === null) return null;
    const sameContent = image.manifestId === null ? [] : await read.imageContents.givenOutWith(image.manifestId);
    if (!(await isGranted(read, slave, [image, ...sameContent]))) return null;
    return { state: image.state, sizeBytes: image.contentBytes ?? image.sizeBytes };
  }

  /** From this offset on. Throws `not-found`, or `invalid-input` for an offset past the end. */
  async openRead(imageId: string, offsetBytes: number): Promise<OpenedContent> {
    const image = await this.unitOfWork.read.images.find(imageId);
    if (image === null) throw new ParavclError('not-found', `There is no image ${imageId}.`);
    return this.open(image, offsetBytes);
  }

  /** For a person; `format` of the file it is to be, a disk alone may be a qcow2. Throws `not-found`, `forbidden`, `image-not-ready`, or `invalid-input` for an offset past the end. */
  async download(principal: Principal, kind: ImageKind, imageId: string, offsetBytes: number, format: ImageFormat = 'raw'): Promise<OpenedContent> {
    const image = await this.unitOfWork.read.images.find(imageId);
    if (image?.kind !== kind || !maySeeImage(principal, image)) throw missingImage(kind, imageId);
    authorise(principal, 'image.download', 'image.see', { ownerUserId: image.createdByUserId, groupId: null }, `${imageNouns[kind]} ${image.friendlyId}`);
    if (image.state !== 'ready' && image.state !== 'deprecated') throw new ParavclError('image-not-ready', `${image.name} is ${image.state}: it has no checked content to give.`);
    return this.open(image, offsetBytes, format);
  }

  private async open({ id, name, manifestId, contentSha256 }: ImageRecord, offsetBytes: number, format: ImageFormat = 'raw'): Promise<OpenedContent> {
    if (manifestId !== null) return { ...(await this.reader.open(manifestId, offsetBytes, format)), sha256: contentSha256 ?? manifestId };
    if (format !== 'raw') throw new ParavclError('image-not-ready', `${name} is of an earlier release and not in the chunk store yet. It is given as ${format} once its manifest is there; download it raw meanwhile.`);
    return this.earlier.openRead(id, offsetBytes);
  }
}
