import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageFormat } from '@paravcl/shared/domain/image';
import type { ParavclError } from '@paravcl/shared/errors';
import { composeImageRepository, type ImageRepositoryComposition } from '../../src/compose-image-repository';
import type { UnitOfWork } from '../../src/db/unit-of-work';
import { ChunkStore } from '../../src/store/chunk-store';
import { ContentReader } from '../../src/store/content-reader';
import { DirectoryBackend } from '../../src/store/directory-backend';
import { ImageConversion } from '../../src/store/image-conversion';
import { ImageIntake } from '../../src/store/image-intake';
import { ImageStore } from '../../src/store/image-store';
import { settings } from './instance-rig';

/** Stops the intake or the uploads where a test wants to look, or lets a disk fail there. */
export interface ImageHooks {
  receive?: (() => Promise<void>) | undefined;
  received?: (() => Promise<void>) | undefined;
  /** Before the intake begins; what it tells of its progress is told. */
  take?: ((onProgress: (percent: number) => void) => Promise<void>) | undefined;
  /** What an upload's intake may need is looked at; so much of it is still to come. */
  room?: ((toComeBytes: number) => Promise<void>) | undefined;
  /** A program that the master lacks for images of a format. */
  missing?: ((format: ImageFormat) => ParavclError | null) | undefined;
}

export interface ImageFiles {
  /** Of uploads. */
  readonly directory: string;
  /** From where files are imported. */
  readonly imports: string;
  readonly hooks: ImageHooks;
  /** The chunk store as it is open now. */
  readonly chunks: () => ChunkStore;
  /** What the mirrors were told is gone. */
  readonly gone: ManifestId[];
  /** What failed with nobody waiting. */
  readonly faults: unknown[];
  /** The image services over these files; nothing is recovered. */
  compose(unit: UnitOfWork, clock: Clock, largestUploadBytes?: number): ImageRepositoryComposition;
  /** As after a start of the master: what is composed from now on knows what lies on the disk, and nothing else. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

class HookedUploads extends ImageStore {
  constructor(directory: string, private readonly hooks: ImageHooks) {
    super(directory);
  }
  override async receive(...args: Parameters<ImageStore['receive']>): Promise<boolean> {
    await this.hooks.receive?.();
    const complete = await super.receive(...args);
    await this.hooks.received?.();
    return complete;
  }
}

/** Directories of a master's images, and its services over them with the real chunk store. */
export async function openImageFiles(): Promise<ImageFiles> {
  const root = mkdtempSync(join(tmpdir(), 'paravcl-images-'));
  const directory = join(root, 'images');
  const imports = mkdtempSync(join(root, 'imports-'));
  const hooks: ImageHooks = {};
  const gone: ManifestId[] = [];
  const faults: unknown[] = [];
  const openStores = async () => {
    const uploads = new HookedUploads(directory, hooks);
    await uploads.open();
    const chunks = new ChunkStore(new DirectoryBackend(join(root, 'chunks')));
    await chunks.open();
    return { uploads, intake: new ImageIntake(uploads, chunks, new ImageConversion()), reader: new ContentReader(chunks, () => undefined), chunks };
  };
  let stores = await openStores();
  return {
    directory, imports, hooks, gone, faults,
    chunks: () => stores.chunks,
    compose: (unit, clock, largestUploadBytes = 1024 ** 4) => {
      const { uploads, intake, reader } = stores;
      return composeImageRepository({
        unit, clock, uploads, reader, largestUploadBytes,
        intake: {
          take: async (image, onProgress) => {
            await hooks.take?.(onProgress);
            return intake.take(image, onProgress);
          },
          requireRoom: async (image, toComeBytes) => {
            await hooks.room?.(toComeBytes);
            await intake.requireRoom(image, toComeBytes);
          },
          missingFor: async (format) => hooks.missing?.(format) ?? intake.missingFor(format),
        },
        mirrors: { gone: (manifests) => void gone.push(...manifests) },
        defaults: settings.defaults,
        importDirectories: [imports],
        onFault: (error) => void faults.push(error),
      });
    },
    restart: async () => {
      await stores.chunks.close();
      stores = await openStores();
    },
    close: async () => {
      await stores.chunks.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A disk of these whole KiB that nobody else has. */
export function someDisk(kib = 10): Buffer {
  return randomBytes(kib * 1024);
}
