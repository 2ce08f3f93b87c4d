import { ownWords } from '../language/spoken';
import { answerOf } from './answer';
import type { Answered, Asked, RouteKey } from './contracts';
import { ApiProblem } from './problem';

const prefix = '/api/v1';
/** Long enough for the slowest of our routes, which answer 202 at once or wait for a slave. */
const withinMs = 30_000;

interface Parts {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

let onLoggedOut: () => void = () => undefined;

/** Has this called whenever the master answers that the session has ended. */
export function whenLoggedOut(then: () => void): void {
  onLoggedOut = then;
}

/** The address of a route below the master, with its path filled in. */
export function addressOf(path: string, { params = {}, query = {} }: Parts): string {
  const filled = path.replace(/:(\w+)/g, (_match, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null) search.set(name, String(value));
  const text = search.toString();
  return `${prefix}${filled}${text === '' ? '' : `?${text}`}`;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The Idempotency-Key of a POST that makes something: one that is sent again under it is done once. */
  readonly key?: string;
}

/** Asks the master. Throws ApiProblem: the master's own sentence, or that it cannot be reached. */
export async function call<Key extends RouteKey>(key: Key, asked: Asked<Key>, options: CallOptions = {}): Promise<Answered<Key>> {
  const { signal } = options;
  const [method = '', path = ''] = key.split(' ');
  const parts = asked as Parts;
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (parts.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.key !== undefined) headers['Idempotency-Key'] = options.key;
  const request: RequestInit = { method: method.toUpperCase(), headers, credentials: 'same-origin', signal: AbortSignal.any([AbortSignal.timeout(withinMs), ...(signal === undefined ? [] : [signal])]) };
  if (parts.body !== undefined) request.body = JSON.stringify(parts.body);
  try {
    return (await answerOf(await fetch(addressOf(path, parts), request))) as Answered<Key>;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    if (!(error instanceof ApiProblem)) throw unreachable();
    if (error.status === 401 && path !== '/me' && path !== '/sessions') onLoggedOut();
    throw error;
  }
}

function unreachable(): ApiProblem {
  const t = ownWords();
  return new ApiProblem({ status: 0, detail: t('shell:problem.unreachable') });
}
