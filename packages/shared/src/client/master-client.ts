import { addressOf, type AddressParts } from './address-of';
import { answerOf } from './answer-of';
import { ApiProblem } from './api-problem';
import { NoAnswer } from './no-answer';
import type { Answered, Asked, RouteKey } from './routes';
import { withinTime } from './time-limit';

interface Sent {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** How a client reaches its master: `fetch`, with whatever certificates, cookies or tokens go with it. */
export type Fetch = (address: string, request: Sent) => Promise<Pick<Response, 'ok' | 'status' | 'headers' | 'text'>>;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The Idempotency-Key of a POST that makes something: one that is sent again under it is done once. */
  readonly key?: string;
}

/**
 * The REST API of a master, typed by its OpenAPI document (`openapi.ts`, written by `npm run api-types`): of portal and command line.
 * Answers are believed, not parsed: they come from the master that this client was told to trust.
 */
export class MasterClient {
  constructor(
    private readonly fetch: Fetch,
    /** Put before each address: `https://lab.example:8443`; nothing where addresses are those of the page's own master. */
    private readonly origin = '',
    /** Long enough for the slowest of our routes, which answer 202 at once or wait for a slave. */
    private readonly withinMs = 30_000,
  ) {}

  /** Asks the master. Throws ApiProblem, its own sentence, or NoAnswer; and what `signal` was aborted with. */
  async call<Key extends RouteKey>(key: Key, asked: Asked<Key>, { signal, key: idempotencyKey }: CallOptions = {}): Promise<Answered<Key>> {
    const [method = '', path = ''] = key.split(' ');
    const parts = asked as AddressParts & { readonly body?: unknown };
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (parts.body !== undefined) headers['Content-Type'] = 'application/json';
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey;
    const said = { method: method.toUpperCase(), headers, ...(parts.body === undefined ? {} : { body: JSON.stringify(parts.body) }) };
    return withinTime(this.withinMs, signal, async (limited) => {
      try {
        return (await answerOf(await this.fetch(`${this.origin}${addressOf(path, parts)}`, { ...said, signal: limited }))) as Answered<Key>;
      } catch (error) {
        if (signal?.aborted === true || error instanceof ApiProblem || error instanceof NoAnswer) throw error;
        throw new NoAnswer('unreachable', 0, { cause: limited.aborted ? limited.reason : error });
      }
    });
  }
}
