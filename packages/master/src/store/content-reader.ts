import { chunkCount, chunkHash, chunkLength, isZeroChunk, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageFormat } from '@paravcl/shared/domain/image';
import { ParavclError } from '@paravcl/shared/errors';
import { Readable } from 'node:stream';
import type { ChunkStore } from './chunk-store';
import { StoreDamaged } from './manifest-shelf';
import { Qcow2Layout } from './qcow2-layout';

/** Pieces read ahead of the one that is being sent. */
const ahead = 4;

/** A content as a file, in pieces of one length but for the last. */
interface PiecedFile {
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  from(piece: number): Generator<() => Promise<Buffer>>;
}

/** The content of images, put together from their chunks, each checked: raw, or as a qcow2 file without a backing file. */
export class ContentReader {
  /** @param onDamage told of each chunk that could not be given, which a stream that breaks off does not say. */
  constructor(
    private readonly store: Pick<ChunkStore, 'manifest' | 'readChecked'>,
    private readonly onDamage: (manifestId: ManifestId, index: number, error: unknown) => void,
  ) {}

  /**
   * From `offset` of the file on. Throws `not-found`, `invalid-input` for an offset past the end, `store-damaged` when nothing can be given; the stream
   * fails at a later chunk that is missing or damaged.
   */
  async open(manifestId: ManifestId, offset: number, format: ImageFormat = 'raw'): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
    const stored = await this.store.manifest(manifestId).catch(sayDamaged);
    if (stored === null) throw new ParavclError('not-found', `There is no content ${manifestId}.`);
    const file = format === 'raw' ? this.raw(manifestId, stored.manifest) : this.qcow2(manifestId, stored.manifest);
    const { sizeBytes } = file;
    if (offset < 0 || offset > sizeBytes) throw new ParavclError('invalid-input', `The image has ${sizeBytes} bytes${format === 'raw' ? '' : ` as ${format}`}.`, { field: 'offset', limit: `0 to ${sizeBytes}` });
    const pieces = piecesOf(file, offset);
    // Before there is an answer: then damage can still be told.
    const first = await pieces.next().catch(sayDamaged);
    return { sizeBytes, stream: Readable.from(begunWith(first, pieces), { objectMode: false }) };
  }

  private raw(id: ManifestId, manifest: Manifest): PiecedFile {
    const chunks = chunkCount(manifest);
    const chunk = (index: number): Promise<Buffer> => this.chunk(id, manifest, index);
    return {
      sizeBytes: manifest.sizeBytes,
      pieceBytes: manifest.chunkBytes,
      *from(first) {
        for (let index = first; index < chunks; index += 1) yield () => chunk(index);
      },
    };
  }

  private qcow2(id: ManifestId, manifest: Manifest): PiecedFile {
    const layout = new Qcow2Layout(manifest);
    // The last chunk of a disk may be shorter than its cluster.
    const cluster = async (index: number): Promise<Buffer> => {
      const bytes = await this.chunk(id, manifest, index);
      return bytes.length === layout.clusterBytes ? bytes : Buffer.concat([bytes], layout.clusterBytes);
    };
    return {
      sizeBytes: layout.sizeBytes,
      pieceBytes: layout.clusterBytes,
      *from(first) {
        for (let number = first; number < layout.tableClusters; number += 1) yield () => Promise.resolve(layout.tableCluster(number));
        for (const index of layout.dataChunks(Math.max(0, first - layout.tableClusters))) yield () => cluster(index);
      },
    };
  }

  private async chunk(id: ManifestId, manifest: Manifest, index: number): Promise<Buffer> {
    const length = chunkLength(manifest, index);
    if (isZeroChunk(manifest, index)) return Buffer.alloc(length);
    try {
      const bytes = await this.store.readChecked(chunkHash(manifest, index));
      if (bytes?.length !== length) throw new StoreDamaged(`Chunk ${index} of an image is missing in the store. Verify the store with repair: mirrors may have it.`);
      return bytes;
    } catch (error) {
      this.onDamage(id, index, error);
      throw error;
    }
  }
}

async function* piecesOf({ pieceBytes, from }: PiecedFile, offset: number): AsyncGenerator<Buffer> {
  const first = Math.floor(offset / pieceBytes);
  const reading: Promise<Buffer>[] = [];
  const next = from(first);
  for (let skip = offset - first * pieceBytes; ; skip = 0) {
    while (reading.length < ahead) {
      const { done, value } = next.next();
      if (done === true) break;
      const bytes = value();
      // Told when it is this one's turn; a reader that leaves before never hears of it.
      bytes.catch(() => undefined);
      reading.push(bytes);
    }
    const bytes = await reading.shift();
    if (bytes === undefined) return;
    // An empty piece would pass for the end of the stream.
    if (bytes.length > skip) yield bytes.subarray(skip);
  }
}

async function* begunWith(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

function sayDamaged(error: unknown): never {
  throw error instanceof StoreDamaged ? new ParavclError('store-damaged', error.message) : error;
}
