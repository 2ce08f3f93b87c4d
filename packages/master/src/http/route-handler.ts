import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { Request, RequestHandler, Response } from 'express';
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { authoriseRole } from '../services/policy';
import type { Authenticate } from './authentication';
import type { Answer, BoundRoute, Call, StreamedPart } from './binding';
import type { RouteContract } from '@paravcl/shared/api/route';
import { clientAddress } from './client-address';
import { atMostOnce, type IdempotencyStore } from './idempotency';
import { filledIn, parseInput, strictly } from './invalid-input';
import { canonicalJson } from '../services/canonical-json';
import { readJsonBody } from './json-body';
import { requireSameOrigin } from './same-origin';
import { sendStreamed } from './send-streamed';

export interface EdgeDeps {
  readonly authenticate: Authenticate;
  readonly idempotency: IdempotencyStore;
  /** Check every answer against its contract: on in tests and development. */
  readonly checkAnswers: boolean;
}

const idempotencyKeySchema = z.object({ 'Idempotency-Key': z.string().regex(/^[\x21-\x7e]{1,100}$/, '1 to 100 visible ASCII characters') });

/**
 * One route of the API, in this order, so that nobody learns or costs more than they may:
 * 1. who asks; 2. same origin, when a browser could have been made to ask; 3. may the token, may the role;
 * 4. path, query and body by the contract; 5. once per Idempotency-Key; 6. the handler; 7. its answer.
 */
export function routeHandler({ contract, handle }: BoundRoute, deps: EdgeDeps): RequestHandler {
  return async (request, response) => {
    const authenticated = await deps.authenticate(request);
    requireSameOrigin(request.method, request.headers, authenticated?.by ?? null);
    const principal = authenticated?.principal ?? null;
    if (contract.action !== 'public') {
      if (principal === null) throw new ParavclError('unauthenticated', 'You are not logged in, or your session has ended. Log in and try again.');
      authoriseToken(principal, contract);
      if (contract.action !== 'authenticated') authoriseRole(principal, contract.action);
    }
    const call = {
      principal,
      params: contract.params === undefined ? undefined : parseInput(contract.params, request.params, 'path'),
      query: contract.query === undefined ? undefined : parseInput(strictly(contract.query), given(request.query, contract), 'query'),
      body: await bodyOf(contract, request, response),
      clientAddress: clientAddress(request),
      subjectId: null,
      request,
    } as Call<RouteContract>;

    const key = contract.method === 'post' && contract.body !== 'stream' ? request.get('idempotency-key') : undefined;
    if (key === undefined || principal === null) {
      await send(response, contract, await checked(contract, await handle(call), deps));
      return;
    }
    parseInput(idempotencyKeySchema, { 'Idempotency-Key': key }, 'header');
    // Under the key, which is not kept: a body may hold a password, and its plain hash could be guessed from.
    const requestHash = createHmac('sha256', key).update(`${request.method}\n${request.originalUrl}\n${canonicalJson(request.body ?? {})}`).digest('hex');
    const answer = await atMostOnce(deps.idempotency, { userId: principal.userId, key, requestHash }, async (subjectId) => {
      const { body, headers } = await checked(contract, await handle({ ...call, subjectId }), deps);
      return { status: contract.answer.status, body: body === undefined ? null : JSON.stringify(body), headers: headers ?? {} };
    });
    setHeaders(response, answer.headers);
    if (answer.repeated) response.set('Idempotency-Replayed', 'true');
    response.status(answer.status);
    if (answer.body === null) response.end();
    else response.type('application/json').send(answer.body);
  };
}

/** A token that may only look is for what changes nothing. */
function authoriseToken({ apiToken }: Principal, { method }: RouteContract): void {
  if (apiToken?.scope !== 'read' || method === 'get') return;
  throw new ParavclError('forbidden', 'This API token may only look (scope read). Make one with the scope full to change things.');
}

/** An upload is no form: what is left empty there is a variable that was not set, and no 0. */
function given(query: Request['query'], contract: RouteContract): Readonly<Record<string, unknown>> {
  return contract.query === undefined || contract.body === 'stream' ? query : filledIn(query, contract.query);
}

async function bodyOf(contract: RouteContract, request: Request, response: Response): Promise<unknown> {
  if (contract.body === undefined) return undefined;
  if (contract.body === 'stream') return request;
  // No body at all is the empty object: fine where every field may be left out, else its fields are named.
  return parseInput(strictly(contract.body), (await readJsonBody(request, response)) ?? {}, 'body');
}

/** An answer that breaks its own contract is a fault of ours, and is found here rather than by a client. */
async function checked(contract: RouteContract, answer: Answer<RouteContract>, deps: EdgeDeps): Promise<Answer<RouteContract>> {
  if (!deps.checkAnswers || contract.answer.schema === undefined) return answer;
  const parsed = await contract.answer.schema.safeParseAsync(answer.body);
  if (!parsed.success) {
    throw new Error(`The answer of ${contract.method} ${contract.path} breaks its contract: ${z.prettifyError(parsed.error)}`);
  }
  return answer;
}

async function send(response: Response, contract: RouteContract, answer: Answer<RouteContract>): Promise<void> {
  setHeaders(response, answer.headers);
  if (contract.answer.ranges === true) {
    response.type(contract.answer.contentType ?? 'application/octet-stream');
    await sendStreamed(answer.body as unknown as StreamedPart, response);
    return;
  }
  response.status(contract.answer.status);
  if (answer.body === undefined) response.end();
  else if (Buffer.isBuffer(answer.body)) response.type(contract.answer.contentType ?? 'application/octet-stream').send(answer.body);
  else response.json(answer.body);
}

function setHeaders(response: Response, headers: Answer<RouteContract>['headers']): void {
  for (const [name, value] of Object.entries(headers ?? {})) response.set(name, typeof value === 'string' ? value : [...value]);
}
