import { ParavclError } from '@paravcl/shared/errors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import { randomUUID } from 'node:crypto';
import type { BoundRoute } from './binding';
import { problemOf, problemType } from './problem';
import { routeHandler, type EdgeDeps } from './route-handler';
import { unknownRoute } from './unknown-route';

export const apiPrefix = '/api/v1';

/** The part of pino the edge needs. */
export interface EdgeLog {
  error(fields: object, message: string): void;
}

export interface AppDeps extends EdgeDeps {
  readonly routes: readonly BoundRoute[];
  /** Mounted before the API, each under its path: health at '/', the agents' HTTP at '/agent/v1'. */
  readonly routers: readonly { readonly path: string; readonly router: Router }[];
  /** Answers people in a browser; absent or null: there is no portal. */
  readonly portal?: RequestHandler | null;
  readonly log: EdgeLog;
  /** Told of every answer of a route, however it ended. */
  readonly onAnswered?: (method: string, route: string, status: number, seconds: number) => void;
}

/** The master's HTTP edge. Nothing here decides anything but how to answer. */
export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', false);
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(securityHeaders());
  for (const { path, router } of deps.routers) app.use(path, router);

  const api = express.Router();
  api.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  for (const bound of deps.routes) api[bound.contract.method](bound.contract.path, timed(bound.contract, deps.onAnswered), routeHandler(bound, deps));
  api.use(unknownRoute(deps.routes.map((bound) => bound.contract)));
  app.use(apiPrefix, api);

  if (deps.portal) app.use(deps.portal);
  // Without a portal, whoever opens the bare address in a browser finds the way.
  else app.get('/', (_request, response) => response.redirect(302, `${apiPrefix}/docs`));
  app.use(() => {
    throw new ParavclError('not-found', `There is nothing at this address. The API is at ${apiPrefix}.`);
  });
  app.use(answerProblem(deps.log));
  return app;
}

function timed({ method, path }: BoundRoute['contract'], onAnswered: AppDeps['onAnswered']): RequestHandler {
  return (_request, response, next) => {
    const begun = performance.now();
    response.once('close', () => onAnswered?.(method, path, response.statusCode, (performance.now() - begun) / 1000));
    next();
  };
}

/** Nothing is loaded from elsewhere, nothing inline runs, nobody frames us. */
function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Other machines below this name are not ours to speak for.
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}

/** Every error of every route and router ends here, as problem+json. */
export function answerProblem(log: EdgeLog): ErrorRequestHandler {
  // Express knows an error handler by its four arguments.
  return (error: unknown, request, response, next) => {
    const trace = randomUUID();
    const problem = problemOf(error, trace);
    // The path without its query, which a client may have filled with anything.
    if (problem.status >= 500) log.error({ err: error, trace, method: request.method, path: request.path }, 'request failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    if (problem.retryAfterSeconds !== undefined) response.set('Retry-After', String(Math.ceil(problem.retryAfterSeconds)));
    if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer realm="paravcl"');
    // Otherwise the rest of a refused upload would be read to its end only to be thrown away.
    if (!request.complete) response.set('Connection', 'close');
    response.status(problem.status).type(problemType).send(JSON.stringify(problem));
  };
}
