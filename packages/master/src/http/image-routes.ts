import * as contracts from '@paravcl/shared/api/images';
import type { ImageKind } from '@paravcl/shared/domain/image';
import { ParavclError } from '@paravcl/shared/errors';
import type { ContentRange, ImageService } from '../services/image-service';
import { bind, type BoundRoute } from './binding';

/** `/images`, `/kernels`, `/ramdisks`: three nouns, one service. */
export function imageRoutes(images: ImageService): readonly BoundRoute[] {
  return [
    bind(contracts.listImages, async ({ query }) => ({ body: mutable(await images.list('disk', query)) })),
    bind(contracts.createImage, async ({ principal, body }) => ({ body: await images.create(principal, 'disk', body) })),
    bind(contracts.getImage, async ({ params }) => ({ body: await images.get('disk', params.imageId) })),
    bind(contracts.putImageContent, async ({ principal, params, query, body, request }) => ({
      body: await images.receive(principal, 'disk', params.imageId, body, contentRange(request.get('content-range'), query.offset)),
    })),
    bind(contracts.deleteImage, async ({ principal, params }) => deleted(images, principal, 'disk', params.imageId)),

    bind(contracts.listKernels, async ({ query }) => ({ body: mutable(await images.list('kernel', query)) })),
    bind(contracts.createKernel, async ({ principal, body }) => ({ body: await images.create(principal, 'kernel', body) })),
    bind(contracts.getKernel, async ({ params }) => ({ body: await images.get('kernel', params.imageId) })),
    bind(contracts.putKernelContent, async ({ principal, params, query, body, request }) => ({
      body: await images.receive(principal, 'kernel', params.imageId, body, contentRange(request.get('content-range'), query.offset)),
    })),
    bind(contracts.deleteKernel, async ({ principal, params }) => deleted(images, principal, 'kernel', params.imageId)),

    bind(contracts.listRamdisks, async ({ query }) => ({ body: mutable(await images.list('ramdisk', query)) })),
    bind(contracts.createRamdisk, async ({ principal, body }) => ({ body: await images.create(principal, 'ramdisk', body) })),
    bind(contracts.getRamdisk, async ({ params }) => ({ body: await images.get('ramdisk', params.imageId) })),
    bind(contracts.putRamdiskContent, async ({ principal, params, query, body, request }) => ({
      body: await images.receive(principal, 'ramdisk', params.imageId, body, contentRange(request.get('content-range'), query.offset)),
    })),
    bind(contracts.deleteRamdisk, async ({ principal, params }) => deleted(images, principal, 'ramdisk', params.imageId)),
  ];
}

async function deleted(images: ImageService, principal: Parameters<ImageService['delete']>[0], kind: ImageKind, id: string): Promise<{ readonly body: undefined }> {
  await images.delete(principal, kind, id);
  return { body: undefined };
}

function mutable<T>(page: { readonly items: readonly T[]; readonly next: string | null }): { items: T[]; next: string | null } {
  return { items: [...page.items], next: page.next };
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
