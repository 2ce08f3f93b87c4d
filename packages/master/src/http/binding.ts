import type { Principal } from '@paravcl/shared/domain/people';
import type { RouteContract } from '@paravcl/shared/api/route';
import type { Request } from 'express';
import type { Readable } from 'node:stream';
import type { z } from 'zod';

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler is given: everything parsed, the role already checked against the route's action. */
export interface Call<R extends RouteContract> {
  readonly principal: R['action'] extends 'public' ? Principal | null : Principal;
  readonly params: Output<R['params']>;
  readonly query: Output<R['query']>;
  readonly body: R['body'] extends 'stream' ? AsyncIterable<Buffer> : Output<R['body']>;
  readonly clientAddress: string;
  /** Reserved for what a POST with an Idempotency-Key makes: the same again when it is done again; null without a key. */
  readonly subjectId: string | null;
  /** For what the contract cannot say: cookies, content length. */
  readonly request: Request;
}

/** Part of a long content, as it comes. */
export interface StreamedPart {
  readonly stream: Readable;
  readonly first: number;
  readonly last: number;
  readonly sizeBytes: number;
  /** Answer 206: a range was asked for. */
  readonly partial: boolean;
}

/** A handler's answer: the body by the contract's schema, and headers when there are any. */
export interface Answer<R extends RouteContract> {
  readonly body: R['answer']['schema'] extends z.ZodType ? z.input<R['answer']['schema']> : R['answer'] extends { readonly ranges: true } ? StreamedPart : undefined | Buffer;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** A contract with its handler. One file per noun returns a list of these; `app.ts` mounts them. */
export interface BoundRoute {
  readonly contract: RouteContract;
  readonly handle: (call: Call<RouteContract>) => Promise<Answer<RouteContract>>;
}

/** Binds a handler to its contract with the contract's own types. */
export function bind<R extends RouteContract>(contract: R, handle: (call: Call<R>) => Promise<Answer<R>>): BoundRoute {
  // The edge parses with this very contract before it calls, so the handler's narrower types hold.
  return { contract, handle: handle as unknown as BoundRoute['handle'] };
}
