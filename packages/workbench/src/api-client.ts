import { randomUUID } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { problemSchema } from '@paravcl/shared/api/problem';
import type { RouteContract } from '@paravcl/shared/api/route';
import { ParavclError } from '@paravcl/shared/errors';
import { parseJson } from '@paravcl/shared/parse-json';
import type { z } from 'zod';

type Input<S> = S extends z.ZodType ? z.input<S> : undefined;

/** What one call of a contract takes; `upload` is the raw content of a `stream` body. */
export interface CallInput<R extends RouteContract> {
  readonly params?: Input<R['params']>;
  readonly query?: Input<R['query']>;
  readonly body?: Input<R['body']>;
  readonly upload?: { readonly content: Readable; readonly sizeBytes: number };
  /** Of a POST; without it every call has one of its own. */
  readonly idempotencyKey?: string;
  /** Gives up when it fires: the outcome is unknown then. */
  readonly signal?: AbortSignal;
}

export type CallOutput<R extends RouteContract> = R['answer']['schema'] extends z.ZodType
  ? z.output<R['answer']['schema']>
  : R['answer']['contentType'] extends string
    ? Buffer
    : undefined;

/** Where a master is and whom to trust for it. */
export interface MasterAddress {
  /** https://host:port */
  readonly url: string;
  /** PEM of the CA that signed its certificate. */
  readonly caPem: string;
}

/**
 * A REST client over the shared route contracts: types in, parsed answers out, problems thrown as
 * ParavclError with the code the master gave. Sends an Idempotency-Key with every POST.
 */
export class ApiClient {
  constructor(
    private readonly master: MasterAddress,
    private readonly token: string | null = null,
  ) {}

  /** The same master, as the holder of a session token. */
  as(token: string): ApiClient {
    return new ApiClient(this.master, token);
  }

  async call<R extends RouteContract>(contract: R, input: CallInput<R> = {}): Promise<CallOutput<R>> {
    const url = new URL(`/api/v1${fillPath(contract.path, input.params)}`, this.master.url);
    for (const [name, value] of Object.entries((input.query ?? {}) as Record<string, unknown>)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const json = input.body === undefined ? undefined : JSON.stringify(input.body);
    const { status, body } = await this.send(contract, url, json, input);
    if (status >= 400) throw problemOf(status, body, `${contract.method.toUpperCase()} ${url.pathname}`);
    const { schema, contentType } = contract.answer;
    if (schema !== undefined) return schema.parse(parseJson(body.toString('utf8'))) as CallOutput<R>;
    return (contentType === undefined ? undefined : body) as CallOutput<R>;
  }

  private send(
    contract: RouteContract,
    url: URL,
    json: string | undefined,
    { upload, idempotencyKey, signal }: Pick<CallInput<RouteContract>, 'upload' | 'idempotencyKey' | 'signal'>,
  ): Promise<{ status: number; body: Buffer }> {
    const headers: Record<string, string> = { accept: 'application/json, application/problem+json, */*' };
    if (this.token !== null) headers['authorization'] = `Bearer ${this.token}`;
    if (contract.method === 'post') headers['idempotency-key'] = idempotencyKey ?? randomUUID();
    if (json !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(Buffer.byteLength(json));
    } else if (upload !== undefined) {
      headers['content-type'] = 'application/octet-stream';
      headers['content-length'] = String(upload.sizeBytes);
    }
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, { method: contract.method.toUpperCase(), headers, ca: this.master.caPem, ...(signal === undefined ? {} : { signal }) }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      });
      request.on('error', reject);
      if (upload === undefined) request.end(json);
      else pipeline(upload.content, request).catch(reject);
    });
  }
}

function fillPath(path: string, params: unknown): string {
  const values = (params ?? {}) as Record<string, unknown>;
  return path.replace(/:(\w+)/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`${path} needs the parameter ${name}`);
    return encodeURIComponent(String(value));
  });
}

function problemOf(status: number, body: Buffer, what: string): Error {
  const problem = problemSchema.safeParse(safeJson(body.toString('utf8')));
  if (!problem.success) return new Error(`${what} was answered with status ${status} and no problem document`);
  const { code, detail, field, limit, retryAfterSeconds, offers, decisionId } = problem.data;
  return new ParavclError(code, detail, {
    ...(field === undefined ? {} : { field }),
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(offers === undefined ? {} : { offers }),
    ...(decisionId === undefined ? {} : { decisionId }),
  });
}

function safeJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
