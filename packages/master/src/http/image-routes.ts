import * as contracts from '@paravcl/shared/api/images';
import type { ImageFormat, ImageKind } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { ImageContent } from '../services/image-content';
import type { ContentRange, ImageService } from '../services/image-service';
import { bind, type BoundRoute, type StreamedPart } from './binding';
import { parseByteRange } from './byte-range';

/** The contracts of each noun. */
const nouns = [
  ['disk', contracts.listImages, contracts.createImage, contracts.getImage, contracts.editImage, contracts.putImageContent, contracts.getImageContent, contracts.deleteImage],
  ['kernel', contracts.listKernels, contracts.createKernel, contracts.getKernel, contracts.editKernel, contracts.putKernelContent, contracts.getKernelContent, contracts.deleteKernel],
  ['ramdisk', contracts.listRamdisks, contracts.createRamdisk, contracts.getRamdisk, contracts.editRamdisk, contracts.putRamdiskContent, contracts.getRamdiskContent, contracts.deleteRamdisk],
] as const;

/** `/images`, `/kernels`, `/ramdisks`: three nouns, one service. */
export function imageRoutes(images: ImageService, contents: Pick<ImageContent, 'download'>): readonly BoundRoute[] {
  return [
    bind(contracts.importImage, async ({ principal, body }) => ({ body: await images.import(principal, body) })),
    ...nouns.flatMap(([kind, list, create, get, edit, putContent, getContent, remove]) => [
      bind(list, async ({ principal, query }) => {
        const { items, next } = await images.list(principal, kind, query);
        return { body: { items: [...items], next } };
      }),
      bind(create, async ({ principal, body }) => ({ body: await images.create(principal, kind, body) })),
      bind(get, async ({ principal, params }) => ({ body: await images.get(principal, kind, params.imageId) })),
      bind(edit, async ({ principal, params, body }) => ({ body: await images.edit(principal, kind, params.imageId, body) })),
      bind(putContent, async ({ principal, params, query, body, request }) => ({
        body: await images.receive(principal, kind, params.imageId, body, contentRange(request.get('content-range'), query.offset, request.get('content-length'))).catch((error: unknown) => {
          throw error === request.errored ? brokenOff(error) : error;
        }),
      })),
      bind(getContent, async ({ principal, params, query, request }) => download(contents, principal, { kind, imageId: params.imageId, format: query.format }, request.get('range'))),
      bind(remove, async ({ principal, params }) => {
        await images.delete(principal, kind, params.imageId);
        return { body: undefined };
      }),
    ]),
  ];
}

/** An everyday event, and nobody is there any more to be told: no fault of ours. */
function brokenOff(cause: unknown): ParavclError {
  return new ParavclError('content-mismatch', 'The connection ended before the content did. What came is kept: go on at the `receivedBytes` of the image.', {}, { cause });
}

interface WantedContent {
  readonly kind: ImageKind;
  readonly imageId: string;
  readonly format: ImageFormat;
}

/** The content is immutable, so its SHA-256 is its entity tag; of one content there is one qcow2 file. */
async function download(contents: Pick<ImageContent, 'download'>, principal: Principal, { kind, imageId, format }: WantedContent, header: string | undefined): Promise<{ readonly body: StreamedPart; readonly headers: Record<string, string> }> {
  const range = parseByteRange(header);
  const first = range?.first ?? 0;
  const { sizeBytes, sha256, stream } = await contents.download(principal, kind, imageId, first, format);
  if (first >= sizeBytes) {
    stream.destroy();
    throw new ParavclError('invalid-input', `The content has ${sizeBytes} bytes: there is nothing from byte ${first} on.`, { field: 'Range', limit: `below ${sizeBytes}` });
  }
  return { body: { stream, first, last: Math.min(range?.last ?? sizeBytes - 1, sizeBytes - 1), sizeBytes, partial: range !== null }, headers: { ETag: format === 'raw' ? `"${sha256}"` : `"${sha256}.${format}"` } };
}

/** `Content-Range: bytes 0-999/5000` (RFC 9110 §14.4, as uploads use it), or `?offset=`, or the whole. */
export function contentRange(header: string | undefined, offset: number | undefined, contentLength: string | undefined): ContentRange {
  if (header === undefined) return { offset: offset ?? 0, partial: false };
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header.trim());
  const [first, last, total] = (match ?? []).slice(1).map(Number);
  if (first === undefined || last === undefined || total === undefined || first > last || last >= total) {
    throw new ParavclError('invalid-input', 'Content-Range must read "bytes first-last/total".', { field: 'Content-Range', limit: 'bytes first-last/total' });
  }
  const named = last + 1 - first;
  if (contentLength !== undefined && Number(contentLength) !== named) {
    throw new ParavclError('invalid-input', `Content-Range names ${named} bytes, and ${contentLength} are sent. Nothing of them was taken.`, { field: 'Content-Range', limit: `${named} bytes` });
  }
  if (offset !== undefined && offset !== first) {
    throw new ParavclError('invalid-input', 'offset and Content-Range say different things. Send one of them.', { field: 'offset', limit: String(first) });
  }
  return { offset: first, partial: last + 1 < total };
}
