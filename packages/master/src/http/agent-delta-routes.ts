import type { Clock } from '@paravcl/shared/clock';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import { idSchema } from '@paravcl/shared/ids';
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { DeltaReception } from '../services/delta-reception';
import { participatingSlave, type ContentTokenHolders } from './agent-authentication';
import { parseInput } from './invalid-input';

export interface AgentDeltaRoutesDeps {
  readonly holders: ContentTokenHolders;
  readonly deltas: Pick<DeltaReception, 'standing' | 'take'>;
  readonly clock: Clock;
}

const sizeSchema = z.coerce.number().int().positive();
const standingQuerySchema = z.object({ size: sizeSchema.optional() });
const contentQuerySchema = z.object({ offset: z.coerce.number().int().nonnegative(), size: sizeSchema, sha256: sha256Schema });

/**
 * A host from which no byte comes for so long was cut off; it sends the rest over another connection, which this one must
 * not keep out.
 */
const silenceMs = 20_000;

/** Where agents send what differs in frozen disks: `agentDeltaPath` of the protocol, beside `agentRoutes`. */
export function agentDeltaRoutes(deps: AgentDeltaRoutesDeps): Router {
  const router = Router();
  // HEAD is answered by it too, and then a refusal says nothing but its status.
  router.get('/deltas/:imageId', (request, response) => tellStanding(deps, request, response));
  router.put('/deltas/:imageId', (request, response) => takeDelta(deps, request, response));
  return router;
}

async function tellStanding({ holders, deltas }: AgentDeltaRoutesDeps, request: Request, response: Response): Promise<void> {
  const slaveId = sender(holders, request);
  const { size } = parseInput(standingQuerySchema, request.query, 'query');
  const standing = await deltas.standing(slaveId, imageIdOf(request), size ?? null);
  response.set('Cache-Control', 'no-store');
  if (!standing.isHere) response.set('Upload-Offset', String(standing.receivedBytes));
  response.status(standing.isHere ? 204 : 200).end();
}

async function takeDelta({ holders, deltas, clock }: AgentDeltaRoutesDeps, request: Request, response: Response): Promise<void> {
  const slaveId = sender(holders, request);
  const { offset, size, sha256 } = parseInput(contentQuerySchema, request.query, 'query');
  try {
    await deltas.take(slaveId, imageIdOf(request), { sizeBytes: size, sha256 }, whileItComes(request, clock), offset);
  } catch (error) {
    // An everyday event, and nobody is there any more to be told: no fault of ours.
    if (error === request.errored) throw new ParavclError('content-mismatch', 'The connection ended before the disk did. What came is kept: ask how much, and go on there.', {}, { cause: error });
    throw error;
  }
  response.set('Cache-Control', 'no-store').status(204).end();
}

function sender(holders: ContentTokenHolders, request: Request): string {
  return participatingSlave(holders, request, 'takes part in no snapshot');
}

function imageIdOf({ params: { imageId } }: Request): string {
  const id = idSchema.safeParse(imageId);
  if (!id.success) throw new ParavclError('not-found', 'There is no such disk.');
  return id.data;
}

/** The body; ends the connection when the next of it does not come. How long it waits to be read counts for nothing. */
async function* whileItComes(request: Request, clock: Clock): AsyncGenerator<Buffer> {
  const parts = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const cancel = clock.after(silenceMs, () => request.destroy(new Error('The sender fell silent.')));
      const part = await parts.next().finally(cancel);
      if (part.done === true) return;
      yield part.value;
    }
  } finally {
    await parts.return?.();
  }
}
