import { request } from 'node:http';
import { join } from 'node:path';
import type { ReadPhase } from '@paravcl/shared/chunks/access-pattern';
import { parseJson } from '@paravcl/shared/parse-json';
import type { z } from 'zod';
import {
  controlErrorSchema,
  imageListSchema,
  imageStandingSchema,
  mirrorFiles,
  mirrorStatusSchema,
  type ControlError,
  type ImageList,
  type ImageStanding,
  type ImageWish,
  type MirrorStatus,
} from '../mirror/control-api';
import { DiskStoreError, type DiskStoreErrorCode } from './disk-store';

/** More than the longest list of images takes. */
const mostAnswerBytes = 8 * 1024 * 1024;
/** The mirror answers from memory; a master that is slow to send a manifest is its to wait for. */
const answerMs = 10_000;
const quickAnswerMs = 2000;

const codes: Readonly<Record<ControlError['code'], DiskStoreErrorCode>> = {
  unavailable: 'fetch-failed',
  missing: 'image-missing',
  'no-room': 'no-room',
  invalid: 'failed',
  failed: 'failed',
};

/**
 * Speaks with the mirror of this host (`mirror/control-api.ts`). Every call throws DiskStoreError: `fetch-failed` also
 * when the mirror itself does not answer, for that heals with its next start.
 */
export class MirrorClient {
  readonly socketPath: string;

  constructor(poolDir: string) {
    this.socketPath = join(poolDir, mirrorFiles.directory, mirrorFiles.controlSocket);
  }

  /** Says what is wanted of an image, by its manifest's id, and answers how far it is. Say it again to follow. */
  ask(manifest: string, want: ImageWish['want'], { quick = false } = {}): Promise<ImageStanding> {
    return this.read(imageStandingSchema, 'PUT', `/images/${manifest}`, { want } satisfies ImageWish, quick ? quickAnswerMs : answerMs);
  }

  images(): Promise<ImageList> {
    return this.read(imageListSchema, 'GET', '/images', null, answerMs);
  }

  status(): Promise<MirrorStatus> {
    return this.read(mirrorStatusSchema, 'GET', '/status', null, quickAnswerMs);
  }

  /** Where the guest of an instance is, for the recording of what it reads. */
  async tellPhase(instanceId: string, phase: ReadPhase): Promise<void> {
    await this.call('PUT', `/instances/${instanceId}/phase`, { phase }, quickAnswerMs);
  }

  private async read<T>(schema: z.ZodType<T>, method: 'GET' | 'PUT', path: string, body: object | null, deadlineMs: number): Promise<T> {
    const answer = schema.safeParse(parsed(await this.call(method, path, body, deadlineMs)));
    if (answer.success) return answer.data;
    throw new DiskStoreError('failed', `The mirror of this host answered ${method} ${path} in words of another release. Restart it, which ends no guest: systemctl restart paravcl-mirror`);
  }

  /** The text of a good answer. */
  private async call(method: 'GET' | 'PUT', path: string, body: object | null, deadlineMs: number): Promise<string> {
    const { status, text } = await this.exchange(method, path, body, deadlineMs).catch((error: unknown) => {
      throw new DiskStoreError('fetch-failed', `The mirror of this host does not answer (${wordsOf(error)}). Look at it with "systemctl status paravcl-mirror".`, { cause: error });
    });
    if (status < 300) return text;
    const refusal = controlErrorSchema.safeParse(parsed(text));
    if (refusal.success) throw new DiskStoreError(codes[refusal.data.code], refusal.data.message);
    throw new DiskStoreError('failed', `The mirror of this host answered ${method} ${path} with status ${status} and no reason.`);
  }

  private exchange(method: string, path: string, body: object | null, deadlineMs: number): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const content = body === null ? null : JSON.stringify(body);
      const call = request({
        socketPath: this.socketPath,
        method,
        path,
        agent: false,
        headers: content === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) },
        signal: AbortSignal.timeout(deadlineMs),
      });
      call.on('error', reject);
      call.on('response', (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > mostAnswerBytes) call.destroy(new Error(`an answer of more than ${mostAnswerBytes} bytes`));
          else parts.push(part);
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }));
      });
      call.end(content);
    });
  }
}

/** What is no JSON fits no schema. */
function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

function wordsOf(error: unknown): string {
  const { name, message } = error as Error;
  return name === 'AbortError' || name === 'TimeoutError' ? 'no answer in time' : message;
}
