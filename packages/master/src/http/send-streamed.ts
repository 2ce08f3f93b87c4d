import type { Response } from 'express';
import type { StreamedPart } from './binding';
import { sendPart } from './send-part';

/** Sends a range of a content, or the whole of it. A reader that goes away, or a content that cannot be read to its end, ends in a short answer: who reads it asks again. */
export async function sendStreamed({ stream, first, last, sizeBytes, partial }: StreamedPart, response: Response): Promise<void> {
  const bytes = last - first + 1;
  response.set({ 'Accept-Ranges': 'bytes', 'Content-Length': String(bytes) });
  response.status(partial ? 206 : 200);
  if (partial) response.set('Content-Range', `bytes ${first}-${last}/${sizeBytes}`);
  try {
    await sendPart(stream, bytes, response);
  } catch (error) {
    if (!response.headersSent && !response.destroyed) throw error;
    response.destroy();
  }
}
