import * as contracts from '@paravcl/shared/api/images';
import { ParavclError } from '@paravcl/shared/errors';
import type { ContentRange, ImageService } from '../services/image-service';
import { bind, type BoundRoute } from './binding';

/** The contracts of each noun. */
const nouns = [
  ['disk', contracts.listImages, contracts.createImage, contracts.getImage, contracts.putImageContent, contracts.deleteImage],
  ['kernel', contracts.listKernels, contracts.createKernel, contracts.getKernel, contracts.putKernelContent, contracts.deleteKernel],
  ['ramdisk', contracts.listRamdisks, contracts.createRamdisk, contracts.getRamdisk, contracts.putRamdiskContent, contracts.deleteRamdisk],
] as const;

/** `/images`, `/kernels`, `/ramdisks`: three nouns, one service. */
export function imageRoutes(images: ImageService): readonly BoundRoute[] {
  return nouns.flatMap(([kind, list, create, get, putContent, remove]) => [
    bind(list, async ({ query }) => {
      const { items, next } = await images.list(kind, query);
      return { body: { items: [...items], next } };
    }),
    bind(create, async ({ principal, body }) => ({ body: await images.create(principal, kind, body) })),
    bind(get, async ({ params }) => ({ body: await images.get(kind, params.imageId) })),
    bind(putContent, async ({ principal, params, query, body, request }) => ({
      body: await images.receive(principal, kind, params.imageId, body, contentRange(request.get('content-range'), query.offset)),
    })),
    bind(remove, async ({ principal, params }) => {
      await images.delete(principal, kind, params.imageId);
      return { body: undefined };
    }),
  ]);
}

/** `Content-Range: bytes 0-999/5000` (RFC 9110 §14.4, as uploads use it), or `?offset=`, or the whole. */
export function contentRange(header: string | undefined, offset: number | undefined): ContentRange {
  if (header === undefined) return { offset: offset ?? 0, partial: false };
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header.trim());
  const [first, last, total] = (match ?? []).slice(1).map(Number);
  if (first === undefined || last === undefined || total === undefined || first > last || last >= total) {
    throw new ParavclError('invalid-input', 'Content-Range must read "bytes first-last/total".', { field: 'Content-Range', limit: 'bytes first-last/total' });
  }
  if (offset !== undefined && offset !== first) {
    throw new ParavclError('invalid-input', 'offset and Content-Range say different things. Send one of them.', { field: 'offset', limit: String(first) });
  }
  return { offset: first, partial: last + 1 < total };
}
