import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { ImageRef } from '@paravcl/shared/protocol/desired-instance';
import { agentImagePath } from '@paravcl/shared/protocol/version';
import { DiskStoreError, type ImageSource } from '../disks/disk-store';

export interface ImageSourceOptions {
  readonly masterUrl: string;
  readonly ca?: readonly string[];
  /** Token of the present session; null while there is none. */
  contentToken(): string | null;
}

/** A transfer that brings no byte for so long is given up; the next attempt goes on where it ended. */
const idleMs = 10_000;

/** Images over HTTPS from the master, from any offset. The token travels in a header, never in the URL. */
export class MasterImageSource implements ImageSource {
  constructor(private readonly options: ImageSourceOptions) {}

  async open(image: ImageRef, offsetBytes: number): Promise<AsyncIterable<Uint8Array>> {
    const token = this.options.contentToken();
    if (token === null) throw new DiskStoreError('fetch-failed', 'There is no connection to the master to fetch the image from.');
    const response = await this.get(image, token, offsetBytes);
    const status = response.statusCode ?? 0;
    const startsRight = offsetBytes === 0 ? status === 200 || status === 206 : status === 206 && rangeStart(response) === offsetBytes;
    if (startsRight) return response as AsyncIterable<Uint8Array>;
    response.destroy();
    if (status === 404 || status === 410) throw new DiskStoreError('image-missing', `The master has no content of image ${image.imageId}.`);
    if (status === 416 || (status === 200 && offsetBytes > 0)) {
      throw new DiskStoreError('image-corrupt', `The master cannot go on at byte ${offsetBytes} of image ${image.imageId}.`);
    }
    throw new DiskStoreError('fetch-failed', `The master answered status ${status} for image ${image.imageId}.`);
  }

  private get(image: ImageRef, token: string, offsetBytes: number): Promise<IncomingMessage> {
    const { masterUrl, ca } = this.options;
    return new Promise((resolve, reject) => {
      const call = request(new URL(agentImagePath(image.imageId), masterUrl), {
        headers: {
          authorization: `Bearer ${token}`,
          'accept-encoding': 'identity',
          ...(offsetBytes > 0 ? { range: `bytes=${offsetBytes}-` } : {}),
        },
        agent: false,
        ...(ca === undefined ? {} : { ca: [...ca] }),
      });
      call.setTimeout(idleMs, () => call.destroy(new Error(`no byte for ${idleMs / 1000} s`)));
      call.on('response', resolve);
      call.on('error', reject);
      call.end();
    });
  }
}

/** `bytes 500-999/1000` → 500; null when the header is absent or malformed. */
function rangeStart(response: IncomingMessage): number | null {
  const match = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  return match?.[1] === undefined ? null : Number(match[1]);
}
