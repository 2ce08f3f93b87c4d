import { ParavclError } from '@paravcl/shared/errors';
import express, { type Request, type Response } from 'express';
import { jsonBodyLimit } from './problem';

/** A body of at most 256 KiB comes over any line within this time; uploads are not read here. */
const bodyWithinMs = 30_000;

const parse = express.json({
  limit: jsonBodyLimit,
  // Nothing of ours compresses bodies; refusing it leaves no decompression bomb to think about.
  inflate: false,
  type: () => true,
});

/**
 * Reads a JSON body of at most `jsonBodyLimit` bytes; undefined when there is none.
 *
 * @throws ParavclError `unsupported-type`, `malformed-body` when it has not come whole within `withinMs`, and what `problemOf` reads as `malformed-body` or `body-too-large`
 */
export async function readJsonBody(request: Request, response: Response, withinMs = bodyWithinMs): Promise<unknown> {
  const length = request.headers['content-length'];
  if (length === '0' || (length === undefined && request.headers['transfer-encoding'] === undefined)) return undefined;
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new ParavclError('unsupported-type', 'This route takes application/json.', { field: 'body', limit: 'Content-Type: application/json' });
  }
  await new Promise<void>((resolve, reject) => {
    const seconds = String(withinMs / 1000);
    // A client that drips bytes would hold its connection and this handler for days.
    const deadline = setTimeout(() => {
      reject(new ParavclError('malformed-body', `The body did not come whole within ${seconds} s. Send it again.`, { field: 'body', limit: `${seconds} seconds` }));
    }, withinMs);
    parse(request, response, (error?: unknown) => {
      clearTimeout(deadline);
      if (error === undefined) resolve();
      else reject(error as Error);
    });
  });
  return request.body as unknown;
}
