import { ParavclError } from '@paravcl/shared/errors';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { Begun } from '../repositories/idempotency-repository';

/**
 * Answers of POSTs under their `Idempotency-Key`, kept through restarts. `begin` takes over a key whose
 * first request ended without a word (crash, lost database), under the subject id that was reserved then.
 */
export interface IdempotencyStore {
  begin(userId: string, key: string, requestHash: string): Promise<Begun | { readonly kind: 'running' }>;
  finish(userId: string, key: string, subjectId: string, status: number, answer: string): Promise<void>;
  /** Gives the key back: the request made nothing. */
  forget(userId: string, key: string, subjectId: string): Promise<void>;
  /** The request ended and nobody knows with what: the next one with this key takes it over. */
  abandon(userId: string, key: string): void;
}

/** What is repeated: who, under which key, and what was asked (HMAC-SHA-256 under the key, of method, path and body, its fields in any order). */
export interface KeyedRequest {
  readonly userId: string;
  readonly key: string;
  readonly requestHash: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Headers;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

const keptSchema = z.object({ body: z.string().nullable(), headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])) });

/**
 * Runs `work` at most once per key. The same request again is given the stored answer with its headers. A
 * refused one is forgotten, for it made nothing and may be tried again under its key. After a fault (a
 * connection lost while committing) nobody knows what was made: done again, `work` is given the same
 * subject id, under which it finds it.
 *
 * @throws ParavclError `idempotency-mismatch`, or `conflict` while the first request still runs
 */
export async function atMostOnce(
  store: IdempotencyStore,
  request: KeyedRequest,
  work: (subjectId: string) => Promise<StoredAnswer>,
): Promise<StoredAnswer & { readonly repeated: boolean }> {
  const begun = await store.begin(request.userId, request.key, request.requestHash);
  switch (begun.kind) {
    case 'answered':
      return { status: begun.status, ...keptSchema.parse(parseJson(begun.answer)), repeated: true };
    case 'mismatch':
      throw new ParavclError('idempotency-mismatch', 'This Idempotency-Key was used before for another request. Use a new key for a new request.');
    case 'running':
      throw new ParavclError('conflict', 'The first request with this Idempotency-Key still runs. Ask again in a second for its answer.', { retryAfterSeconds: 1 });
    case 'first':
      break;
  }
  let answer;
  try {
    answer = await work(begun.subjectId);
  } catch (error) {
    if (error instanceof ParavclError && error.code !== 'internal') await store.forget(request.userId, request.key, begun.subjectId);
    else store.abandon(request.userId, request.key);
    throw error;
  }
  await store.finish(request.userId, request.key, begun.subjectId, answer.status, JSON.stringify({ body: answer.body, headers: answer.headers }));
  return { ...answer, repeated: false };
}
