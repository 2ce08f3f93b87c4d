import { ParavclError } from '@paravcl/shared/errors';

/** What a first request answered, or what is known of it. */
export type Begun =
  | { readonly kind: 'first' }
  | { readonly kind: 'answered'; readonly status: number; readonly body: string | null }
  | { readonly kind: 'running' }
  | { readonly kind: 'mismatch' };

/**
 * Answers of POSTs under their `Idempotency-Key`, kept through restarts. `begin` takes over a key whose
 * first request ended without a word (crash), so that it is not locked for ever.
 */
export interface IdempotencyStore {
  begin(userId: string, key: string, requestHash: string): Promise<Begun>;
  finish(userId: string, key: string, status: number, body: string | null): Promise<void>;
  forget(userId: string, key: string): Promise<void>;
}

/** What is repeated: who, under which key, and what was asked (SHA-256 of method, path and body). */
export interface KeyedRequest {
  readonly userId: string;
  readonly key: string;
  readonly requestHash: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly body: string | null;
  readonly repeated: boolean;
}

/**
 * Runs `work` at most once per key. The same request again is given the stored answer; a refused or
 * failed one is forgotten, for it made nothing and may be tried again under its key.
 *
 * @throws ParavclError `idempotency-mismatch`, or `conflict` while the first request still runs
 */
export async function atMostOnce(
  store: IdempotencyStore,
  request: KeyedRequest,
  work: () => Promise<{ readonly status: number; readonly body: string | null }>,
): Promise<StoredAnswer> {
  const begun = await store.begin(request.userId, request.key, request.requestHash);
  switch (begun.kind) {
    case 'answered':
      return { status: begun.status, body: begun.body, repeated: true };
    case 'mismatch':
      throw new ParavclError('idempotency-mismatch', 'This Idempotency-Key was used before for another request. Use a new key for a new request.');
    case 'running':
      throw new ParavclError('conflict', 'The first request with this Idempotency-Key still runs. Ask again in a second for its answer.', { retryAfterSeconds: 1 });
    case 'first':
      break;
  }
  let answer;
  try {
    answer = await work();
  } catch (error) {
    await store.forget(request.userId, request.key);
    throw error;
  }
  await store.finish(request.userId, request.key, answer.status, answer.body);
  return { ...answer, repeated: false };
}
