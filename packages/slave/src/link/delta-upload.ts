import { open, type FileHandle } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { problemSchema } from '@paravcl/shared/api/problem';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import { MiB } from '@paravcl/shared/domain/limits';
import { parseJson } from '@paravcl/shared/parse-json';
import { reconnectDelayMs } from '@paravcl/shared/protocol/reconnect';
import { agentDeltaPath } from '@paravcl/shared/protocol/version';
import type { Logger } from 'pino';
import type { DiskDelta } from '../disks/disk-snapshots';

export interface DeltaUploadParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly masterUrl: string;
  /** The only authorities to believe; absent: the system's. */
  readonly ca?: readonly string[];
  /** Of the link's session (`welcome.contentToken`); null while there is none. */
  contentToken(): string | null;
}

export interface UploadLimits {
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** Monotonic; asked again each time, for others may come to wait. What is under way and moves goes on past it. */
  deadlineMs(): number;
}

/** The delta is not to be had here, or the master does not take it; trying again changes nothing. */
class DeltaRefused extends Error {
  override readonly name = 'DeltaRefused';
}

/** Bytes of neither side for so long, and the connection counts as dead. */
const silenceMs = 20_000;
/**
 * What a master reads or syncs at the least, bytes a millisecond: before it takes the first byte it hashes what has
 * arrived earlier, and after the last one it syncs.
 */
const slowestDisk = (50 * MiB) / 1000;
/** Small, so that on a slow link each is soon told as progress. */
const partBytes = 64 * 1024;
const largestAnswerBytes = 64 * 1024;
/** Answers that another try meets again: what it says is said to who asked for the snapshot. */
const lasting: readonly number[] = [400, 403, 404, 413, 507];

/** Sends deltas of frozen disks to the master, each from where an earlier try, of this process or of one before it, ended. */
export class DeltaUpload {
  constructor(private readonly parts: DeltaUploadParts) {}

  /**
   * Resolves when the master has all of it. Tries again, after random waits, until `deadlineMs`. Throws an Error with the
   * master's sentence when that refuses, with what went wrong last when the time is over, and the signal's reason.
   */
  async send(imageId: string, delta: Pick<DiskDelta, 'path' | 'sizeBytes' | 'sha256'>, limits: UploadLimits): Promise<void> {
    const { clock, log, random } = this.parts;
    let told = '';
    for (let attempt = 0; ; attempt++) {
      limits.signal.throwIfAborted();
      try {
        if (await this.attempt(imageId, delta, limits.signal)) return;
      } catch (error) {
        limits.signal.throwIfAborted();
        if (error instanceof DeltaRefused) throw error;
        const message = error instanceof Error ? error.message : String(error);
        const delayMs = reconnectDelayMs(attempt, random());
        if (clock.monotonicMs() + delayMs >= limits.deadlineMs()) throw new Error(`The disk could not be sent to the master in time: ${message} What has arrived is kept there.`, { cause: error });
        if (message !== told) log.info({ imageId, err: message }, 'a disk is not sent to the master yet; it is tried again');
        told = message;
        await this.wait(delayMs, limits.signal);
      }
    }
  }

  /** False: it has to be asked again, without waiting. Throws DeltaRefused, or what another try may not meet. */
  private async attempt(imageId: string, { path, sizeBytes, sha256 }: Pick<DiskDelta, 'path' | 'sizeBytes' | 'sha256'>, signal: AbortSignal): Promise<boolean> {
    // Asked with GET: an answer without a body could not say why not.
    const standing = await this.ask({ method: 'GET', imageId, query: { size: sizeBytes }, signal, quietMs: silenceMs });
    if (standing.status === 204) return true;
    refuseOn(standing);
    const offered = Number(standing.message.headers['upload-offset']);
    if (standing.status !== 200 || !Number.isSafeInteger(offered) || offered < 0) throw new Error(`the master answered with status ${standing.status}: ${standing.said}.`);
    // More than there is of it came of something else: it is sent from the start, in its place.
    const offset = offered > sizeBytes ? 0 : offered;
    const answer = await this.ask({ method: 'PUT', imageId, query: { offset, size: sizeBytes, sha256 }, signal, quietMs: silenceMs + sizeBytes / slowestDisk, body: { path, offset, bytes: sizeBytes - offset } });
    if (answer.status === 204) return true;
    refuseOn(answer);
    // What came of it before was of other bytes; the master has thrown it away.
    if (answer.status === 422 && offset > 0) throw new Error(answer.said);
    if (answer.status === 422) throw new DeltaRefused(`The delta on this host is not what it was when it was made: ${answer.said}`);
    throw new Error(`the master answered with status ${answer.status}: ${answer.said}`);
  }

  /** One request; ends with the whole of its answer, which may come before all of the body has left. */
  private async ask({ method, imageId, query, signal, quietMs, body }: Asked): Promise<Answer> {
    const { masterUrl, ca, clock } = this.parts;
    const token = this.parts.contentToken();
    if (token === null) throw new Error('this host is not connected to the master.');
    const url = new URL(agentDeltaPath(imageId), masterUrl);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    const watch = new Watch(clock, quietMs, () => silence.abort(new Error(`nothing moved for ${Math.round(quietMs / 1000)} s.`)));
    const options: RequestOptions = {
      method,
      agent: false,
      signal: either,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/octet-stream', 'content-length': body.bytes }) },
      ...(ca === undefined ? {} : { ca: [...ca] }),
    };
    const file = body === undefined ? null : await opened(body.path);
    const call = request(url, options);
    try {
      const answered = new Promise<IncomingMessage>((resolve, reject) => call.on('response', resolve).on('error', reject));
      if (body === undefined || file === null || body.bytes === 0) call.end();
      // Its fault is the fault of the request: of a file that is not read to its end no answer would ever come.
      else pipeline(file.createReadStream({ start: body.offset, highWaterMark: partBytes, autoClose: false }), watch.moved, call, { signal: either }).catch((error: unknown) => call.destroy(error as Error));
      const message = await answered;
      return { status: message.statusCode ?? 0, message, said: sentenceIn(await textOf(message)) };
    } catch (error) {
      either.throwIfAborted();
      throw new Error(`the connection to the master failed (${(error as Error).message}).`, { cause: error });
    } finally {
      watch.end();
      // What was answered before all of it was sent takes no more.
      call.destroy();
      await file?.close();
    }
  }

  private wait(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(delayMs, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
}

interface Asked {
  readonly method: 'GET' | 'PUT';
  readonly imageId: string;
  readonly query: Readonly<Record<string, string | number>>;
  readonly signal: AbortSignal;
  /** Nothing moves for so long: it is given up. */
  readonly quietMs: number;
  readonly body?: { readonly path: string; readonly offset: number; readonly bytes: number };
}

interface Answer {
  readonly status: number;
  readonly message: IncomingMessage;
  /** Why not, in the master's words. */
  readonly said: string;
}

/** Tells when nothing has moved for too long. */
class Watch {
  private cancel: Cancel;

  constructor(
    private readonly clock: Clock,
    private readonly quietMs: number,
    private readonly onSilence: () => void,
  ) {
    this.cancel = clock.after(quietMs, onSilence);
  }

  /** Passes a file on; each part that its reader takes is progress. */
  readonly moved = async function* (this: Watch, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of source) {
      yield part;
      this.again();
    }
  }.bind(this);

  end(): void {
    this.cancel();
  }

  private again(): void {
    this.cancel();
    this.cancel = this.clock.after(this.quietMs, this.onSilence);
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new DeltaRefused(`What was made of the disk to be sent cannot be read: ${(error as Error).message}. Take the snapshot again.`, { cause: error });
  }
}

function refuseOn({ status, said }: Answer): void {
  if (lasting.includes(status)) throw new DeltaRefused(said);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > largestAnswerBytes) throw new Error(`it answered with more than ${largestAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sentenceIn(text: string): string {
  try {
    return problemSchema.parse(parseJson(text)).detail;
  } catch {
    return 'it did not say why.';
  }
}
