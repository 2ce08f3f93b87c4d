import { ParavclError } from '@paravcl/shared/errors';
import express, { type Request, type Response, type Router } from 'express';
import type { FabricService } from '../../services/fabric-service';
import type { RefusalLimiter } from '../../services/refusal-limiter';
import type { WindowCount } from '../../services/window-count';
import { clientAddress, countedAddress } from '../client-address';
import { fabricCaller, type FabricCallerDeps } from './fabric-caller';
import { fabricCalls } from './fabric-calls';

export interface FabricRouterDeps extends FabricCallerDeps {
  readonly fabric: FabricService;
  /** All requests of an address, whoever asks. */
  readonly ofAddress: WindowCount;
  /** Those of one who may ask. */
  readonly ofCaller: WindowCount;
  readonly refusals: RefusalLimiter;
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
}

/** Why something was not done, for people: what programs of the original read is in the body. */
const reasonHeader = 'X-Fabric-Reason';

/**
 * `/vm`, `/pm` and `/image` as the original answers them: JSON with status 200, and a bare `0` for what is not there and for calls there
 * are not. Only a GET does anything. Who may not ask gets 401, 403 or 429 with what a failed call of that name answers.
 */
export function fabricRouter(deps: FabricRouterDeps): Router {
  const router = express.Router({ caseSensitive: true });
  router.use(['/vm', '/pm', '/image'], async (request, response) => {
    const path = request.baseUrl + request.path;
    try {
      await answer(path, request, response, deps);
    } catch (error) {
      deps.log.error({ err: error, path }, 'a call of the Fabric API failed');
      send(response, 500, fabricCalls.get(path)?.failed ?? 0, 'A fault of the master; its log says more.');
    }
  });
  return router;
}

async function answer(path: string, request: Request, response: Response, deps: FabricRouterDeps): Promise<void> {
  const { fabric, ofAddress, ofCaller, refusals, log } = deps;
  const call = fabricCalls.get(path) ?? null;
  const failed = call?.failed ?? 0;
  const address = clientAddress(request);
  const counted = countedAddress(address);
  const tooFast = (waitMs: number): void => {
    const seconds = Math.ceil(waitMs / 1000);
    response.set('Retry-After', String(seconds));
    send(response, 429, failed, `Too many requests within a minute (fabric.requestsPerMinute). Come back in ${seconds} s.`);
  };

  // Before anything is looked up, so that neither a flood nor who guesses tokens keeps the database busy.
  const showsToken = request.headers.authorization !== undefined;
  const refusedAs = `${showsToken ? 'with' : 'without'} a token ${counted}`;
  const addressMs = Math.max(ofAddress.waitMs(counted), showsToken ? refusals.waitMs(refusedAs) : 0);
  if (addressMs > 0) return tooFast(addressMs);
  ofAddress.count(counted);

  const caller = await fabricCaller(request, deps);
  if ('status' in caller) {
    // Without a token nothing was looked up: who is set up wrongly, or a browser, closes nothing to programs at the same address.
    const refusedMs = refusals.waitMs(refusedAs);
    if (refusedMs > 0) return tooFast(refusedMs);
    refusals.refused(refusedAs);
    if (caller.status === 401) response.set('WWW-Authenticate', 'Bearer realm="paravcl"');
    return send(response, caller.status, failed, caller.sentence);
  }
  const { principal, countedAs } = caller;
  const waitMs = ofCaller.waitMs(countedAs);
  if (waitMs > 0) return tooFast(waitMs);
  ofCaller.count(countedAs);

  if (call === null || request.method !== 'GET') return send(response, 200, 0, request.method === 'GET' ? 'There is no such call.' : 'Only GET does anything here.');
  if (call.changes && principal.apiToken?.scope === 'read') return send(response, 403, failed, 'This API token may only look (scope read). Make one with the scope full to change things.');
  try {
    const said = await call.answer(fabric, { principal, clientAddress: address }, request.query);
    if (said === null) send(response, 200, 0, 'There is nothing of this number, or it is not yours to see.');
    else send(response, 200, said);
  } catch (error) {
    if (!(error instanceof ParavclError)) throw error;
    log.info({ path, user: principal.userName, address, code: error.code, sentence: error.message }, 'a call of the Fabric API was not done');
    send(response, 200, failed, error.message);
  }
}

function send(response: Response, status: number, body: unknown, reason?: string): void {
  // Otherwise the rest of a body would be read to its end only to be thrown away.
  if (!response.req.complete) response.set('Connection', 'close');
  response.set('Cache-Control', 'no-store');
  if (reason !== undefined) response.set(reasonHeader, asHeader(reason));
  response.status(status).type('application/json').send(JSON.stringify(body));
}

/** Headers are ASCII: what is said of names in other scripts is shortened to question marks. */
export function asHeader(sentence: string): string {
  return sentence.replace(/[‘’]/g, "'").replace(/[“”]/g, '"').replace(/…/g, '...').replace(/–/g, '-').replace(/[^\x20-\x7e]/gu, '?').slice(0, 500);
}
