import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { UnitOfWork } from '../db/unit-of-work';

export const unusedContentEveryMs = 10 * 60_000;
/** One statement removes at most this many, so that it holds few locks and short. */
const batchRows = 100;

/** Disks and RAM that were kept for one instance alone go when it goes on from something else: RAM above all is large. So does what home volumes held before. */
export class UnusedContentJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly mirrors: { gone(manifests: readonly ManifestId[]): void },
  ) {}

  async run(): Promise<void> {
    const { imageContents } = this.unitOfWork.read;
    for (;;) {
      const [disks, homes] = [await imageContents.removeUnusedOfInstances(batchRows), await imageContents.removeUnusedHomes(batchRows)];
      const manifestIds = [...disks.manifestIds, ...homes.manifestIds];
      const others = new Set((await imageContents.withManifests(manifestIds)).map(({ manifestId }) => manifestId));
      const gone = manifestIds.filter((id) => !others.has(id));
      if (gone.length > 0) this.mirrors.gone(gone);
      if (disks.removed < batchRows && homes.removed < batchRows) return;
    }
  }
}
