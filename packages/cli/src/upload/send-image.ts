import type { ImageAnswer } from '@paravcl/shared/api/images';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { passes, waitMs } from '../talk/passes';
import { TransferLine } from './transfer-line';

export const nouns = { disk: 'images', kernel: 'kernels', ramdisk: 'ramdisks' } as const;
export type ImageKind = keyof typeof nouns;

/** Waits for what the master has, or for a connection, as long as nothing moved for so long. */
const giveUpAfterMs = 180_000;
const againAfterMs = 2_000;
/** Of bars on a terminal; elsewhere a line is written for each tenth. */
const drawEveryMs = 200;

/** What passes by itself; of uploads also that the master has no room just now (507), or has not noticed yet that the request before has ended (409). */
function mayGoOnByItself(error: unknown): boolean {
  return passes(error) || ((error instanceof ApiProblem || error instanceof NoAnswer) && (error.status === 409 || error.status === 507));
}

/** Shows a transfer as it goes: drawn anew on a terminal, a line for each tenth elsewhere. */
export function transferOn(context: Context, verb: string, totalBytes: number): (bytes: number) => void {
  const { output, world } = context;
  const line = new TransferLine(verb, totalBytes, output.unicode);
  const draws = world.stderr.isTTY === true;
  let [drawnAt, tenth] = [-Infinity, -1];
  return (bytes) => {
    const now = Date.now();
    const its = Math.floor(line.percent(bytes) / 10);
    if (draws ? now - drawnAt < drawEveryMs && bytes < totalBytes : its === tenth) return;
    [drawnAt, tenth] = [now, its];
    output.progress(line.at(bytes, now));
  };
}

const pieceBytes = 256 * 1024;

/** A stream of the file handle's own would close it when the connection breaks. */
async function* piecesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(pieceBytes, to - at)), 0, Math.min(pieceBytes, to - at), at);
    if (bytesRead === 0) throw new Refusal(`The file became shorter while it was sent: ${String(at)} bytes of ${String(to)}.`);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Sends a file's bytes to an image that was announced, from where the master has them, until all are there; follows its check. Goes on by itself
 * when the connection breaks. Answers the image when it is ready; throws Refusal with its reason when it was refused, and with how much is kept when
 * `signal` was aborted.
 */
export async function sendImage(context: Context, kind: ImageKind, announced: ImageAnswer, file: FileHandle, signal: AbortSignal): Promise<ImageAnswer> {
  const { output } = context;
  const look = (): Promise<ImageAnswer> => context.call(`get /${nouns[kind]}/:imageId`, { params: { imageId: announced.id } }, signal) as Promise<ImageAnswer>;
  const show = transferOn(context, `Sending ${announced.friendlyId}`, announced.sizeBytes);
  const { transport } = await context.session();
  let movedAt = Date.now();
  let reached = announced.receivedBytes;
  // All of it was sent by us; what came of it is told by its state.
  let sent = false;
  for (;;) {
    try {
      const image = await look();
      if (image.state === 'ready' || image.state === 'deprecated') return image;
      if (image.state === 'checking') {
        movedAt = Date.now();
        sent = true;
        output.progress(`${image.friendlyId} is checked${image.checkPercent === null ? '' : `: ${String(image.checkPercent)} %`}`);
        await pause(700, undefined, { signal });
        continue;
      }
      if (image.state === 'deleting') throw new Refusal(`${image.friendlyId} is being deleted.`, 'paravcl images list');
      const offset = image.receivedBytes;
      if (sent && image.reason !== null) throw new Refusal(image.reason, offset === 0 ? 'paravcl images --help' : 'the same line again, once that is mended');
      if (offset > 0 && offset < image.sizeBytes) output.say(`Going on with ${image.friendlyId} at ${String(Math.floor((offset / image.sizeBytes) * 100))} %: what arrived before is kept.`);
      await transport.put(`/${nouns[kind]}/${image.id}/content?offset=${String(offset)}`, {
        // Where all of it is there and was not checked to the end, sending nothing checks it again.
        content: Readable.from(piecesOf(file, offset, image.sizeBytes), { objectMode: false, highWaterMark: pieceBytes }),
        sizeBytes: image.sizeBytes - offset,
        signal,
        onProgress: (bytes) => {
          movedAt = Date.now();
          reached = offset + bytes;
          show(reached);
        },
      });
      sent = true;
    } catch (error) {
      if (signal.aborted) throw new Refusal(`The upload of ${announced.friendlyId} was broken off at ${String(Math.floor((reached / announced.sizeBytes) * 100))} %; what arrived is kept.`, 'the same line again: it goes on where it was');
      if (!mayGoOnByItself(error) || Date.now() - movedAt > giveUpAfterMs) throw error;
      output.progress(`${error instanceof ApiProblem ? error.message : 'The connection broke.'} Trying again.`);
      await pause(waitMs(error, againAfterMs), undefined, { signal }).catch(() => undefined);
    }
  }
}
