import { accessPatternSchema, recordingSchema } from '@paravcl/shared/chunks/access-pattern';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import { idSchema } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { z } from 'zod';

const bodySchema = z.object({
  /** The first ones of different instances, in the order in which they came. */
  recordings: z.array(z.object({ instanceId: idSchema, slaveId: idSchema, recording: recordingSchema })).readonly(),
  /** Merged from them. */
  pattern: accessPatternSchema,
});

/** What first boots of a version read, and the pattern that was merged from them. */
export type StoredPattern = Readonly<z.infer<typeof bodySchema>>;

/** What guests of image versions read as they boot and work. */
export class PatternRepository {
  constructor(private readonly db: Knex) {}

  /** Null while nobody has recorded a boot of it. */
  async find(imageId: string): Promise<StoredPattern | null> {
    const row = (await this.db('image_patterns').where({ image_id: imageId }).first('body')) as { readonly body: string } | undefined;
    return row === undefined ? null : bodySchema.parse(parseJson(row.body));
  }

  /** Of these manifests, those of which it is known what a boot reads. */
  async bootKnown(manifestIds: readonly ManifestId[]): Promise<ReadonlySet<ManifestId>> {
    const found = this.db('images').join('image_patterns', 'image_patterns.image_id', 'images.id').whereIn('images.manifest_id', [...manifestIds]).where('image_patterns.boot_bytes', '>', 0);
    return new Set((await found.distinct().pluck('images.manifest_id')) as ManifestId[]);
  }

  /** @param bootBytes what its boot phase costs: lists of images show it without reading the rest */
  async save(imageId: string, stored: StoredPattern, bootBytes: number, now: EpochMs): Promise<void> {
    await this.db('image_patterns')
      .insert({
        image_id: imageId,
        revision: stored.pattern.revision,
        recordings: stored.recordings.length,
        boot_bytes: bootBytes,
        body: JSON.stringify(stored),
        changed_at: new Date(now),
      })
      .onConflict('image_id')
      .merge(['revision', 'recordings', 'boot_bytes', 'body', 'changed_at']);
  }
}
