import type { z } from 'zod';
import type { Action } from './actions';

/**
 * One route of the REST API, said once: the master binds a handler to it, OpenAPI is generated from it,
 * tests call it as every role, clients take their types from it. Paths are relative to `/api/v1` and
 * name parameters with a colon: `/slaves/:slaveId`.
 */
export interface RouteContract {
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete';
  readonly path: string;
  readonly summary: string;
  /** What the policy is asked; `public` routes are open to anybody and say why in their summary. */
  readonly action: Action | 'public' | 'authenticated';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** JSON body; absent when there is none. `stream` takes the raw request (image content). */
  readonly body?: z.ZodType | 'stream';
  readonly answer: {
    readonly status: 200 | 201 | 202 | 204;
    /** JSON unless `contentType` says otherwise; absent for 204. */
    readonly schema?: z.ZodType;
    readonly contentType?: string;
    /** A stream of which a range may be asked for, answered by 206 (RFC 9110 §14). */
    readonly ranges?: true;
  };
}

/** Keeps the literal types of a contract's schemas for its handler. */
export function route<const R extends RouteContract>(contract: R): R {
  return contract;
}
