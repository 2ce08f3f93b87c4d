import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { imageFamilyRoutes } from './http/image-family-routes';
import { imageRoutes } from './http/image-routes';
import { templateRoutes } from './http/template-routes';
import { ImageChecking } from './services/image-checking';
import { ImageContent } from './services/image-content';
import { ImageFamilyService } from './services/image-family-service';
import { ImageHolds } from './services/image-holds';
import { ImageImport } from './services/image-import';
import { ImageService } from './services/image-service';
import type { InstanceSettings } from './services/instance-settings';
import { TemplateService } from './services/template-service';
import type { ContentReader } from './store/content-reader';
import type { ImageIntake } from './store/image-intake';
import type { ImageStore } from './store/image-store';

export interface ImageRepositoryFoundation {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly uploads: ImageStore;
  readonly intake: Pick<ImageIntake, 'take' | 'requireRoom' | 'missingFor'>;
  readonly reader: Pick<ContentReader, 'open'>;
  readonly mirrors: { gone(manifests: readonly ManifestId[]): void };
  readonly defaults: InstanceSettings['defaults'];
  readonly largestUploadBytes: number;
  readonly importDirectories: readonly string[];
  readonly onFault: (error: unknown) => void;
}

/** Images, their families, and templates of them. */
export interface ImageRepositoryComposition {
  readonly images: ImageService;
  readonly families: ImageFamilyService;
  readonly templates: TemplateService;
  /** For agents and people who fetch an image whole. */
  readonly contents: ImageContent;
  readonly routes: readonly BoundRoute[];
}

export function composeImageRepository(foundation: ImageRepositoryFoundation): ImageRepositoryComposition {
  const { unit, clock, uploads, intake, reader, mirrors, defaults, largestUploadBytes, importDirectories, onFault } = foundation;
  const images = new ImageService({
    unitOfWork: unit,
    clock,
    uploads,
    checking: new ImageChecking({ unitOfWork: unit, clock, intake, uploads }),
    missingFor: (format) => intake.missingFor(format),
    imports: new ImageImport(unit, uploads, importDirectories),
    holds: new ImageHolds(),
    mirrors,
    alsoSent: async () => [...(await unit.read.snapshots.pendingImageIds()), ...(await unit.read.homes.returnIds())],
    largestBytes: largestUploadBytes,
    onFault,
  });
  const families = new ImageFamilyService({ unitOfWork: unit, clock, images });
  const templates = new TemplateService({ unitOfWork: unit, clock, defaults });
  const contents = new ImageContent(unit, reader, uploads);
  return { images, families, templates, contents, routes: [...imageRoutes(images, contents), ...imageFamilyRoutes(families), ...templateRoutes(templates)] };
}
