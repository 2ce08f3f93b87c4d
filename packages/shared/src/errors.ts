import type { Offer } from './domain/decision';

/**
 * Every error a user or a client can meet, by stable code. The edge maps codes to HTTP status
 * (`packages/master/src/http/problem.ts`); the meaning here is what a client may rely on.
 */
export const errorCodes = {
  'invalid-input': 'A field is missing, malformed or outside its limits; `field` and `limit` say which.',
  'malformed-body': 'The body is not JSON, or not of the announced type.',
  'unsupported-type': 'The body was sent as another content type than this route takes.',
  'body-too-large': 'The body exceeds the limit of this route.',
  unauthenticated: 'No session, or it has ended: log in again.',
  'wrong-credentials': 'User name or password is wrong; deliberately not said which.',
  forbidden: 'You may not do this: not in your role, or not in this way.',
  'bad-origin': 'A browser sent this request from a page that is not ours.',
  'not-found': 'There is no such thing, or it is not yours to see.',
  'method-not-allowed': 'The address exists, this method on it does not.',
  conflict: 'The thing is in a state that does not allow this now.',
  'already-exists': 'The name is taken.',
  'in-use': 'Something still depends on it; the message says what, and `dependents` names it.',
  'idempotency-mismatch': 'This Idempotency-Key was used before with another body.',
  'token-refused': 'The token is wrong, used or expired.',
  'rate-limited': 'Too many attempts; `retryAfterSeconds` says when to come back.',
  'quota-exceeded': 'More than your share; the message names share and use.',
  'reservation-refused': 'The reservation does not fit as asked; `offers` says what does, and `decisionId` why.',
  'participation-required': 'The site asks for a machine of yours as a host before you launch more; the message says how.',
  'image-not-ready': 'The image has no complete, checked content yet.',
  'content-mismatch': 'Size or SHA-256 of the uploaded content is not what was announced.',
  'slave-offline': 'The host is not connected now.',
  'host-unreachable': 'No SSH server answers at the address that was named; the message says where.',
  'slave-refused': 'The host could not do it; the message is its reason.',
  timeout: 'No answer within the deadline; the outcome is unknown and will be re-read.',
  'storage-full': 'The master has no room on its disk to keep anything new; what runs goes on. The message names the directory.',
  'store-damaged': 'What the master keeps of this content is damaged or missing; the message says how it comes back.',
  'not-ready': 'The daemon is starting, stopping or has lost its database.',
  internal: 'A fault of ours; `trace` finds it in the log.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What keeps a thing from being deleted. */
export interface Dependent {
  readonly type: 'instance' | 'image' | 'reservation' | 'template';
  readonly id: string;
  /** As people know it. */
  readonly name: string;
  /** "runs it", "boots with it", … */
  readonly how: string;
}

export interface ErrorDetail {
  /** The input field at fault, as a dotted path. */
  readonly field?: string;
  /** The limit that was broken, in words or as a number with its unit. */
  readonly limit?: string;
  readonly retryAfterSeconds?: number;
  /** What one can have instead. */
  readonly offers?: readonly Offer[];
  /** Why, in full: GET /decisions/{id}. */
  readonly decisionId?: string;
  /** The first of what depends on it, and how many there are in all. */
  readonly dependents?: readonly Dependent[];
  readonly dependentCount?: number;
  /** What is under way already at that host: GET /host-installs/{id}. */
  readonly hostInstallId?: string;
}

/**
 * An error that is an answer: it names the thing, the limit and the way out, and is safe to show.
 * Anything else that is thrown is a fault and is answered as `internal`.
 */
export class ParavclError extends Error {
  override readonly name = 'ParavclError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly detail: ErrorDetail = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
