import type { Problem } from '@paravcl/shared/api/problem';
import { errorCodes, ParavclError, type ErrorCode } from '@paravcl/shared/errors';
import { InvalidInput } from './invalid-input';

/** The one map from our codes to HTTP. */
export const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  'invalid-input': 400,
  'malformed-body': 400,
  'unsupported-type': 415,
  'body-too-large': 413,
  unauthenticated: 401,
  'wrong-credentials': 401,
  forbidden: 403,
  'bad-origin': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'already-exists': 409,
  'in-use': 409,
  'idempotency-mismatch': 409,
  'token-refused': 403,
  'rate-limited': 429,
  'quota-exceeded': 409,
  'reservation-refused': 409,
  'participation-required': 403,
  'image-not-ready': 409,
  'content-mismatch': 422,
  'slave-offline': 409,
  'host-unreachable': 409,
  'slave-refused': 502,
  timeout: 504,
  'storage-full': 507,
  'store-damaged': 500,
  'not-ready': 503,
  internal: 500,
};

export const problemType = 'application/problem+json';

/**
 * The answer to whatever was thrown. Only a ParavclError speaks for itself; a fault of body parsing or
 * of the path's encoding is the client's; a lost database passes by itself; everything else is ours and
 * is told by its trace id alone, because its message may hold SQL, paths or secrets.
 */
export function problemOf(thrown: unknown, trace: string): Problem {
  const error = thrown instanceof ParavclError ? thrown : (clientFault(thrown) ?? databaseAway(thrown) ?? databaseFull(thrown) ?? fault(trace));
  return {
    type: `/api/v1/docs#${error.code}`,
    title: errorCodes[error.code].split(/[:;.]/)[0] ?? error.code,
    status: statusOfCode[error.code],
    code: error.code,
    detail: error.message,
    ...(error.detail.field === undefined ? {} : { field: error.detail.field }),
    ...(error.detail.limit === undefined ? {} : { limit: error.detail.limit }),
    ...(error.detail.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.detail.retryAfterSeconds }),
    ...(error.detail.offers === undefined ? {} : { offers: [...error.detail.offers] }),
    ...(error.detail.decisionId === undefined ? {} : { decisionId: error.detail.decisionId }),
    ...(error.detail.dependents === undefined ? {} : { dependents: [...error.detail.dependents] }),
    ...(error.detail.dependentCount === undefined ? {} : { dependentCount: error.detail.dependentCount }),
    ...(error.detail.hostInstallId === undefined ? {} : { hostInstallId: error.detail.hostInstallId }),
    ...(error instanceof InvalidInput ? { faults: [...error.faults] } : {}),
    trace,
  };
}

function fault(trace: string): ParavclError {
  return new ParavclError('internal', `The master could not do this, by a fault of its own. Tell an administrator the trace ${trace}: it finds the cause in the log.`);
}

/** What a server says that is being shut down: ER_SERVER_SHUTDOWN, and MariaDB's ER_CONNECTION_KILLED. */
const shutdownErrors: readonly unknown[] = [1053, 1927];

/** mysql2 marks errors that end a connection as `fatal`; knex names the wait for a connection that never came. */
function databaseAway(thrown: unknown): ParavclError | null {
  if (!(thrown instanceof Error)) return null;
  const { fatal, errno } = thrown as Error & { fatal?: unknown; errno?: unknown };
  const isAway = thrown.name === 'KnexTimeoutError' || fatal === true || shutdownErrors.includes(errno);
  return isAway ? new ParavclError('not-ready', 'The master has lost its database and waits for it. Try again in a few seconds.', { retryAfterSeconds: 5 }) : null;
}

/** The unit of work names the directory; this is for the few writes outside it. By the server's numbers, as in db/connection.ts. */
function databaseFull(thrown: unknown): ParavclError | null {
  if (!(thrown instanceof Error)) return null;
  const { errno } = thrown as Error & { errno?: unknown };
  const isFull = errno === 1114 || errno === 1021 || (typeof errno === 'number' && errno > 0 && /\bErrcode: (28|122)\b/.test(thrown.message));
  return isFull
    ? new ParavclError('storage-full', 'There is no room in the master’s database: nothing new can be kept, what runs goes on. An administrator must free some space there; then try again.', { retryAfterSeconds: 30 })
    : null;
}

/** Largest JSON body, bytes. */
export const jsonBodyLimit = 256 * 1024;

/** What express, its router and body-parser throw for bad requests (http-errors with `type`). */
function clientFault(thrown: unknown): ParavclError | null {
  if (!(thrown instanceof Error)) return null;
  const { type, status } = thrown as Error & { type?: unknown; status?: unknown };
  switch (type) {
    case 'entity.too.large':
      return new ParavclError('body-too-large', `The body exceeds ${jsonBodyLimit / 1024} KiB, the limit of this route.`, { field: 'body', limit: `${jsonBodyLimit} bytes` });
    case 'entity.parse.failed':
      return new ParavclError('malformed-body', 'The body is not JSON (an object or a list).', { field: 'body', limit: 'JSON' });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new ParavclError('unsupported-type', 'Send the body as uncompressed UTF-8 JSON.', { field: 'body', limit: 'application/json, UTF-8, uncompressed' });
    case 'request.aborted':
    case 'request.size.invalid':
    case 'stream.encoding.set':
      return new ParavclError('malformed-body', 'The body ended before its announced length.', { field: 'body', limit: 'Content-Length bytes' });
  }
  if (thrown instanceof URIError && status === 400) {
    return new ParavclError('invalid-input', 'path: is not valid percent-encoded UTF-8.', { field: 'path', limit: 'percent-encoded UTF-8' });
  }
  return null;
}
