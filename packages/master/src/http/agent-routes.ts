import type { ImageState } from '@paravcl/shared/domain/image';
import { ParavclError } from '@paravcl/shared/errors';
import { idSchema } from '@paravcl/shared/ids';
import { enrolmentAnswerSchema, enrolmentRequestSchema } from '@paravcl/shared/protocol/agent-to-master';
import { Router, type Request, type Response } from 'express';
import type { Readable } from 'node:stream';
import type { EnrolmentService } from '../services/enrolment-service';
import type { RefusalLimiter } from '../services/refusal-limiter';
import { participatingSlave, type ContentTokenHolders } from './agent-authentication';
import { parseByteRange } from './byte-range';
import { clientAddress } from './client-address';
import { parseInput } from './invalid-input';
import { readJsonBody } from './json-body';
import { sendStreamed } from './send-streamed';

/** Where the content of images is read from; the master's image store. */
export interface ImageContent {
  /** The content from this offset, which is below its size. */
  openRead(imageId: string, offsetBytes: number): Promise<{ readonly sizeBytes: number; readonly sha256: string; readonly stream: Readable }>;
}

/** What the books say of an image; null when there is none, or when it is not granted to this slave. */
export type FindImage = (imageId: string, slaveId: string) => Promise<{ readonly state: ImageState; readonly sizeBytes: number } | null>;

export interface AgentRoutesDeps {
  readonly enrolments: EnrolmentService;
  readonly limiter: RefusalLimiter;
  readonly holders: ContentTokenHolders;
  readonly findImage: FindImage;
  readonly images: ImageContent;
}

/** Mounted here: what agents need that does not fit a frame. Outside /api/v1, because agents are no users. */
export const agentRoutesPath = '/agent/v1';

/** Paths as in `agentEnrolPath` and `agentImagePath` of the protocol. Errors go to the app's problem handler. */
export function agentRoutes(deps: AgentRoutesDeps): Router {
  const router = Router();
  router.post('/enrolments', (request, response) => enrol(deps, request, response));
  router.get('/images/:imageId/content', (request, response) => sendImage(deps, request, response));
  return router;
}

async function enrol({ enrolments, limiter }: AgentRoutesDeps, request: Request, response: Response): Promise<void> {
  const address = clientAddress(request);
  limiter.check(address);
  response.set('Cache-Control', 'no-store');
  try {
    const body = parseInput(enrolmentRequestSchema, await readJsonBody(request, response), 'body');
    response.status(201).json(enrolmentAnswerSchema.parse(await enrolments.enrol(body, address)));
  } catch (error) {
    if (error instanceof ParavclError) limiter.refused(address);
    throw error;
  }
}

/**
 * A ready image for a slave that takes part and to which it is granted, as its mirror would be (decision 0013). To any
 * other it is one that does not exist.
 */
async function sendImage({ holders, findImage, images }: AgentRoutesDeps, request: Request, response: Response): Promise<void> {
  const slaveId = participatingSlave(holders, request, 'gets no images');
  const { imageId } = request.params;
  const image = typeof imageId === 'string' && idSchema.safeParse(imageId).success ? await findImage(imageId, slaveId) : null;
  if (image === null || typeof imageId !== 'string') throw new ParavclError('not-found', 'There is no such image.');
  // A deprecated image is offered to nobody new, but instances of it may have to be made again.
  if (image.state !== 'ready' && image.state !== 'deprecated') throw new ParavclError('image-not-ready', `The image is ${image.state}: it has no checked content to give.`);

  const range = parseByteRange(request.get('range'));
  const first = range?.first ?? 0;
  response.set({ 'Accept-Ranges': 'bytes', 'Cache-Control': 'no-store' });
  if (first >= image.sizeBytes) {
    response.status(416).set('Content-Range', `bytes */${image.sizeBytes}`).end();
    return;
  }
  const { sizeBytes, sha256, stream } = await images.openRead(imageId, first);
  response.set({ ETag: `"${sha256}"`, 'Content-Type': 'application/octet-stream' });
  const last = Math.min(range?.last ?? sizeBytes - 1, sizeBytes - 1);
  await sendStreamed({ stream, first, last, sizeBytes, partial: range !== null }, response);
}
