import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { Router, type Request, type Response } from 'express';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { UnitOfWork } from '../db/unit-of-work';
import type { JoinTokenRecord } from '../repositories/join-token-repository';
import type { AgentPackages } from '../services/agent-package';
import type { JoinScript } from '../services/join-script';
import { refuseUnlessOpen, shownJoinToken } from '../services/open-join-token';
import { PackageDownloads } from '../services/package-downloads';
import type { RefusalLimiter } from '../services/refusal-limiter';
import { agentRoutesPath } from './agent-routes';
import { clientAddress } from './client-address';

export interface JoinRoutesDeps {
  readonly unitOfWork: Pick<UnitOfWork, 'read'>;
  readonly clock: Clock;
  readonly script: Pick<JoinScript, 'text'>;
  readonly packages: Pick<AgentPackages, 'read'>;
  /** The one of enrolments: both are tries with join tokens. */
  readonly limiter: RefusalLimiter;
}

/** Without a byte taken for so long, whoever fetches is gone. */
const stalledMs = 60_000;

/** Mounted at '/': the script by which a host joins, and what it fetches with a join token, which stays unused by that. */
export function joinRoutes(deps: JoinRoutesDeps): Router {
  const router = Router();
  const downloads = new PackageDownloads();
  router.get('/join.sh', (request, response) => sendScript(deps, request, response));
  router.get(`${agentRoutesPath}/package/*path`, (request, response) => sendPackageFile(deps, downloads, request, response));
  return router;
}

/** To everybody: there is no secret in it. As text, so that a browser shows it. */
async function sendScript({ script, limiter }: JoinRoutesDeps, request: Request, response: Response): Promise<void> {
  limiter.check(clientAddress(request));
  const text = await script.text();
  response.set({ 'Cache-Control': 'no-store', 'Content-Type': 'text/plain; charset=utf-8' }).send(text);
}

async function sendPackageFile({ unitOfWork, clock, packages, limiter }: JoinRoutesDeps, downloads: PackageDownloads, request: Request, response: Response): Promise<void> {
  const address = clientAddress(request);
  limiter.check(address);
  response.set('Cache-Control', 'no-store');
  const tokenShown = async (): Promise<JoinTokenRecord> => {
    const shown = /^Bearer (\S{1,200})$/.exec(request.get('authorization') ?? '')?.[1];
    if (shown === undefined) throw new ParavclError('unauthenticated', 'This is for hosts that join: send a join token, as Authorization: Bearer pvj1.….');
    const token = await shownJoinToken(unitOfWork.read, shown);
    refuseUnlessOpen(token, clock.now());
    return token;
  };
  const token = await tokenShown().catch((error: unknown) => {
    if (error instanceof ParavclError) limiter.refused(address);
    throw error;
  });
  const { files } = await packages.read();
  const { path: segments } = request.params;
  const path = Array.isArray(segments) ? segments.join('/') : '';
  // Looked up, never put together: what is no file of the package is nowhere.
  const file = files.find((each) => each.path === path);
  if (file === undefined) throw new ParavclError('not-found', 'There is no such file in the package of this master. It was upgraded meanwhile, perhaps: take the command from the page anew.');
  const ended = downloads.begin(token, file.path, clock.now());
  // Also when nobody is there any more to begin with.
  response.once('close', ended);
  response.setTimeout(stalledMs, () => response.destroy());
  response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(file.sizeBytes), ETag: `"${file.sha256}"` });
  if (request.method === 'HEAD') return void response.end();
  // Who goes away in the middle asks again; the file is closed by that.
  await pipeline(createReadStream(file.source), response)
    .catch((error: unknown) => {
      if (!response.headersSent) throw error;
      response.destroy();
    })
    .finally(ended);
}
