import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Readable } from 'node:stream';

export interface ContentReader {
  /** The raw content from `offset` on. Throws `not-found`, or `invalid-input` for an offset past the end. */
  open(manifestId: ManifestId, offset: number): Promise<{ readonly sizeBytes: number; readonly stream: Readable }>;
}
