import { sleep, type Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { Router, type Request } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Registry } from 'prom-client';
import { clientAddress } from './client-address';
import { throughProxy } from './through-proxy';

export interface HealthDeps {
  /** Whether requests can be served now: started, not stopping, the database answers, there is room to keep things. Never throws. */
  readonly isReady: () => Promise<boolean>;
  readonly clock: Clock;
  readonly metrics: Registry;
  /** What /metrics asks for; null: only this machine may read them, without a proxy between. */
  readonly metricsToken: string | null;
}

/** Whoever probes gives up after a few seconds: no answer of the database within this time is a no. */
const readyWithinMs = 2000;

/**
 * `/healthz`: the process answers. `/readyz`: it can do its work. Both are open to anybody and tell nothing
 * else. `/metrics` (Prometheus text): by bearer token, or without one from this
 * machine alone and not through a proxy.
 */
export function healthRoutes({ isReady, clock, metrics, metricsToken }: HealthDeps): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  router.get('/readyz', async (_request, response) => {
    const ready = await Promise.race([isReady(), sleep(clock, readyWithinMs).then(() => false)]);
    response.status(ready ? 200 : 503).type('text/plain').send(ready ? 'ready\n' : 'not ready\n');
  });
  router.get('/metrics', async (request, response) => {
    requireMetricsReader(request, metricsToken);
    response.type(metrics.contentType).send(await metrics.metrics());
  });
  return router;
}

function requireMetricsReader(request: Request, token: string | null): void {
  if (token === null) {
    // A reverse proxy on this machine is a local peer who asks for somebody else.
    const proxied = throughProxy(request);
    if (/^(127\.|::1$)/.test(clientAddress(request)) && proxied === null) return;
    throw new ParavclError('forbidden', `Metrics are for this machine only, and not through a proxy${proxied === null ? '' : `; this ${proxied}`}. Configure metrics.tokenFile to read them from elsewhere.`);
  }
  const given = /^Bearer (.+)$/.exec(request.get('authorization') ?? '')?.[1] ?? '';
  if (!timingSafeEqual(sha256(given), sha256(token))) throw new ParavclError('unauthenticated', 'The metrics token is missing or wrong. Send it as "Authorization: Bearer …".');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
