import { answerOf } from '@paravcl/shared/client/answer-of';
import type { Fetch } from '@paravcl/shared/client/master-client';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where a master is, whom to trust for it, and who asks. */
export interface MasterAccess {
  /** https://host:port */
  readonly origin: string;
  /** PEM of the only CA that may have signed its certificate; null: those the system trusts. */
  readonly caPem: string | null;
  /** Of a bearer session, or an API token. */
  readonly token: string | null;
}

export interface Upload {
  readonly content: Readable;
  readonly sizeBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** How many bytes of this upload were handed on so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** No byte moved for this long: the connection is dead. */
const stillMs = 60_000;
/** No answer of a master is larger. */
const mostAnswerBytes = 32 * 1024 * 1024;

/** HTTPS to one master. */
export class Transport {
  constructor(readonly access: MasterAccess) {}

  /** For `MasterClient`. */
  readonly fetch: Fetch = async (address, { method, headers, body, signal }) => {
    const response = await this.send(address, { method, headers: { ...headers, ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }) }, signal }, (out) => {
      out.end(body);
      return Promise.resolve();
    });
    return answered(response);
  };

  /** Sends a stream as the body of `PUT path` (below `/api/v1`); answers the JSON that comes back. Throws ApiProblem or NoAnswer as the client does, and what `signal` was aborted with. */
  async put(path: string, { content, sizeBytes, headers = {}, signal, onProgress = () => undefined }: Upload): Promise<unknown> {
    let bytes = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        onProgress(bytes);
        done(null, chunk);
      },
    });
    try {
      const response = await this.send(
        `${this.access.origin}/api/v1${path}`,
        { method: 'PUT', headers: { Accept: 'application/json', 'Content-Type': 'application/octet-stream', 'Content-Length': String(sizeBytes), ...headers }, ...(signal === undefined ? {} : { signal }) },
        (out) => pipeline(content, counted, out),
      );
      return await answerOf(await answered(response));
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Error && (error.name === 'ApiProblem' || error.name === 'NoAnswer')) throw error;
      throw new NoAnswer('unreachable', 0, { cause: error });
    }
  }

  /** What a WebSocket of the package `ws` to this master is opened with. */
  socketOptions(): { readonly ca?: string; readonly servername?: string; readonly headers: Record<string, string> } {
    return { ...this.tls(), headers: this.authorization() };
  }

  /** `wss://host:port/path` */
  socketAddress(path: string): string {
    return new URL(path, this.access.origin.replace(/^https:/, 'wss:')).href;
  }

  private tls(): { readonly ca?: string; readonly servername?: string } {
    const { hostname } = new URL(this.access.origin);
    return { ...(this.access.caPem === null ? {} : { ca: this.access.caPem }), ...(isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? { servername: hostname } : {}) };
  }

  private authorization(): Record<string, string> {
    return this.access.token === null ? {} : { Authorization: `Bearer ${this.access.token}` };
  }

  private send(address: string, options: Pick<RequestOptions, 'method' | 'signal'> & { readonly headers: Record<string, string> }, write: (out: ReturnType<typeof request>) => Promise<void>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const out = request(address, { ...options, ...this.tls(), headers: { ...this.authorization(), ...options.headers } });
      out.setTimeout(stillMs, () => out.destroy(new Error(`Nothing moved for ${String(stillMs / 1000)} s.`)));
      // A master may refuse an upload before it has all of it: then its answer counts, not that the rest could not be sent.
      let early = false;
      out.once('response', (response) => {
        early = true;
        resolve(response);
      });
      out.on('error', (error) => early || reject(error));
      write(out).catch((error: unknown) => {
        if (!early) setTimeout(() => early || reject(error instanceof Error ? error : new Error(String(error))), 500);
      });
    });
  }
}

/** The whole of an answer. Throws NoAnswer where it is larger than any. */
export async function answered(response: IncomingMessage): Promise<Pick<Response, 'ok' | 'status' | 'headers' | 'text'>> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    bytes += (part as Buffer).length;
    if (bytes > mostAnswerBytes) throw new NoAnswer('strange');
    parts.push(part as Buffer);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  const status = response.statusCode ?? 0;
  const text = Buffer.concat(parts).toString('utf8');
  return { ok: status >= 200 && status < 300, status, headers, text: () => Promise.resolve(text) };
}
