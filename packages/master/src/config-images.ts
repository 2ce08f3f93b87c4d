import { z } from 'zod';
import { absolutePath, count } from './config-values';

/** Where the chunks of images are kept, where files may be imported from, and what is brought to hosts before it is needed. */

const s3Store = z.strictObject({
  backend: z.literal('s3'),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be the https:// address of the object store, without the bucket' }),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket: 3 to 63 small letters, digits, dots and hyphens'),
  region: z.string().regex(/^[a-z0-9-]{1,50}$/, 'must be the name of a region').default('us-east-1'),
  accessKeyId: z.string().min(1).max(200),
  /** A file with the secret key and nothing else. */
  secretKeyFile: absolutePath,
});

const store = z.discriminatedUnion('backend', [
  /** In the state directory. */
  z.strictObject({ backend: z.literal('directory') }),
  s3Store,
], 'must be {backend: directory} or {backend: s3, endpoint: …, bucket: …, accessKeyId: …, secretKeyFile: …}');

export const imageOptions = z
  .strictObject({
    store: store.default({ backend: 'directory' }),
    /** Below these an administrator may import files of the master's machine; none: nobody may. */
    importDirectories: z.array(absolutePath).max(50).default([]),
    preCopy: z
      .strictObject({
        enabled: z.boolean().default(true),
        /** What guests read while they boot, or the whole image. */
        what: z.enum(['boot-set', 'all']).default('boot-set'),
        /** Before the start of what needs it. */
        leadMinutes: count(1, 10_080).default(120),
      })
      .prefault({}),
    sweep: z
      .strictObject({
        everyHours: count(1, 720).default(24),
        /** For how long a deleted image's content stays all the same: a restored database may name it again. */
        graceHours: count(0, 8760).default(24),
      })
      .prefault({}),
    snapshots: z
      .strictObject({
        /** Disks that one student may keep in snapshots. */
        perStudent: count(0, 10_000).default(20),
        /** For a snapshot to be in the store; after it nothing of it is kept. */
        deadlineMinutes: count(1, 1440).default(60),
      })
      .prefault({}),
  })
  .prefault({});

export type ImageOptions = z.output<typeof imageOptions>;
export type ImageStoreOptions = ImageOptions['store'];
