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

/** Listens for answers that say that the session has ended. */
let onLoggedOut: () => void = () => undefined;
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

/**
 * Asks the master. A POST bears an Idempotency-Key, so that one that is sent again after a lost answer is done once. Throws
 * ApiProblem: the master's own sentence, or that it cannot be reached.
 */
export async function call<Key extends RouteKey>(key: Key, asked: Asked<Key>, signal?: AbortSignal): Promise<Answered<Key>> {
  const [method = '', path = ''] = key.split(' ');
  const parts = asked as Parts;
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (parts.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method === 'post') headers['Idempotency-Key'] = crypto.randomUUID();
  const request: RequestInit = { method: method.toUpperCase(), headers, credentials: 'same-origin', signal: AbortSignal.any([AbortSignal.timeout(withinMs), ...(signal === undefined ? [] : [signal])]) };
  if (parts.body !== undefined) request.body = JSON.stringify(parts.body);
  const response = await fetch(addressOf(path, parts), request).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw unreachable();
  });
  return (await answerOf(response, path === '/me' || path === '/sessions')) as Answered<Key>;
}

async function answerOf(response: Response, asksForSession: boolean): Promise<unknown> {
  if (response.ok) {
    if (response.status === 204) return undefined;
    if (response.headers.get('content-type')?.startsWith('application/json') === true) return response.json();
    return response.text();
  }
  const problem = await response.json().then((body: unknown) => body as ConstructorParameters<typeof ApiProblem>[0], () => null);
  if (response.status === 401 && !asksForSession) onLoggedOut();
  throw problem === null ? new ApiProblem({ status: response.status, detail: `The master answered ${response.status} without a word. Try again; if it stays so, tell the administrator of the lab.` }) : new ApiProblem(problem);
}

function unreachable(): ApiProblem {
  return new ApiProblem({ status: 0, detail: 'The master cannot be reached. Check your network; this page tries again by itself.' });
}
