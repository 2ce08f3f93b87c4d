import { AwsClient } from 'aws4fetch';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { checkKey, ObjectMissing, type ObjectBackend, type StoredObject } from './object-backend';

export interface S3Access {
  /** https://host[:port], with the bucket's name as first part of the path ("path style"), which every server of this kind knows. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** A request whose answer has not come by then is given up: a pack of 32 MiB takes 30 s at 10 Mbit/s. */
const patienceMs = 120_000;
const attempts = 4;
const firstPauseMs = 200;

/** The object store refused, or could not be reached; `status` 0 for the latter. */
export class S3Fault extends Error {
  override readonly name = 'S3Fault';
  constructor(
    message: string,
    readonly status: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Objects in a bucket of an S3-compatible store. One PUT makes an object, whole and durable, or does not make it; so
 * there is nothing to clear away after a crash. Requests are signed (SigV4) with the hash of their content.
 */
export class S3Backend implements ObjectBackend {
  readonly directory = null;
  private readonly client: AwsClient;
  private readonly bucketUrl: string;

  constructor(
    { endpoint, bucket, region, accessKeyId, secretKey }: S3Access,
    private readonly pauseMs = firstPauseMs,
    /** Objects in one answer of a list; servers give at most 1000. */
    private readonly listedAtOnce = 1000,
  ) {
    this.client = new AwsClient({ accessKeyId, secretAccessKey: secretKey, service: 's3', region, retries: 0 });
    this.bucketUrl = `${endpoint.replace(/\/+$/, '')}/${bucket}`;
  }

  /** Whether the bucket can be reached and listed; throws S3Fault when not. */
  async open(): Promise<void> {
    await this.page('packs/', undefined, 1);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async put(key: string, pieces: readonly Buffer[]): Promise<void> {
    const body = Buffer.concat(pieces);
    const sha256 = createHash('sha256').update(body).digest('hex');
    await this.ask('PUT', this.url(key), { body, headers: { 'x-amz-content-sha256': sha256, 'content-type': 'application/octet-stream' } });
  }

  async read(key: string, offset: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    const { status, body } = await this.ask('GET', this.url(key), { headers: { range: `bytes=${offset}-${offset + length - 1}` } });
    // A server that ignores ranges sends the whole.
    const bytes = status === 200 ? body.subarray(offset, offset + length) : body;
    if (bytes.length !== length) throw new RangeError(`${key} ends before byte ${offset + length}.`);
    return bytes;
  }

  /** Nothing is kept open here: every read asks for the key. */
  readAnew(key: string, offset: number, length: number): Promise<Buffer> {
    return this.read(key, offset, length);
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const found: StoredObject[] = [];
    let next: string | undefined;
    do {
      const page = await this.page(prefix, next, this.listedAtOnce);
      found.push(...page.objects);
      next = page.next;
    } while (next !== undefined);
    return found;
  }

  async delete(key: string): Promise<void> {
    await this.ask('DELETE', this.url(key), {}).catch((error: unknown) => {
      if (!(error instanceof ObjectMissing)) throw error;
    });
  }

  private url(key: string): string {
    checkKey(key);
    return `${this.bucketUrl}/${key}`;
  }

  private async page(prefix: string, token: string | undefined, most: number): Promise<{ readonly objects: readonly StoredObject[]; readonly next: string | undefined }> {
    const query = new URLSearchParams({ 'list-type': '2', prefix, 'max-keys': String(most), ...(token === undefined ? {} : { 'continuation-token': token }) });
    const { body } = await this.ask('GET', `${this.bucketUrl}?${query.toString()}`, {});
    return readListing(body.toString('utf8'));
  }

  /** What the server cannot do now it is asked for again: everything here may be done twice. */
  private async ask(method: string, url: string, request: { readonly body?: Buffer; readonly headers?: Record<string, string> }): Promise<{ readonly status: number; readonly body: Buffer }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.askOnce(method, url, request);
      } catch (error) {
        const heals = error instanceof S3Fault && (error.status === 0 || error.status === 429 || error.status >= 500);
        if (!heals || attempt === attempts) throw error;
        await pause(this.pauseMs * 2 ** (attempt - 1));
      }
    }
  }

  private async askOnce(method: string, url: string, request: { readonly body?: Buffer; readonly headers?: Record<string, string> }): Promise<{ readonly status: number; readonly body: Buffer }> {
    const { pathname, host } = new URL(url);
    let response: Response;
    let body: Buffer;
    try {
      response = await this.client.fetch(url, { method, headers: request.headers ?? {}, body: request.body ?? null, signal: AbortSignal.timeout(patienceMs) });
      body = Buffer.from(await response.arrayBuffer());
    } catch (error) {
      // fetch says "fetch failed", and why in its cause.
      const { message, cause } = error as { readonly message: string; readonly cause?: { readonly message?: string } };
      throw new S3Fault(`The object store ${host} could not be reached (${method} ${pathname}): ${cause?.message ?? message}.`, 0, { cause: error });
    }
    if (response.ok) return { status: response.status, body };
    if (response.status === 404 && /<Code>NoSuchKey</.test(body.toString('utf8'))) throw new ObjectMissing(pathname);
    if (response.status === 416) throw new RangeError(`${pathname} is shorter than what was to be read of it.`);
    throw new S3Fault(`The object store ${host} refused ${method} ${pathname}: ${String(response.status)} ${textOf(body.toString('utf8'), 'Code') ?? response.statusText}. Check endpoint, bucket, region and key in images.store.`, response.status);
  }
}

/** ListObjectsV2 as every server answers it: flat elements, and keys of ours need no unescaping. */
function readListing(xml: string): { readonly objects: readonly StoredObject[]; readonly next: string | undefined } {
  const objects = [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, content = '']) => {
    const [key, bytes] = [textOf(content, 'Key'), Number(textOf(content, 'Size'))];
    if (key === undefined || !Number.isSafeInteger(bytes)) throw new S3Fault('The object store sent a list that cannot be read.', 200);
    return { key, bytes };
  });
  const truncated = textOf(xml, 'IsTruncated') === 'true';
  const next = textOf(xml, 'NextContinuationToken')?.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
  if (truncated && next === undefined) throw new S3Fault('The object store sent a part of a list without saying how it goes on.', 200);
  return { objects, next: truncated ? next : undefined };
}

function textOf(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
}
