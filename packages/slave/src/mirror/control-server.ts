import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { chunkCount, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import { idSchema } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import type { ReadPhase } from '@paravcl/shared/chunks/access-pattern';
import type { Logger } from 'pino';
import { ZodError } from 'zod';
import { ChunkUnavailable, ManifestMissing } from './chunk-source';
import { imageWishSchema, phaseBodySchema, type ControlError, type ImageList, type ImageStanding, type ImageWish, type MirrorStatus } from './control-api';
import type { ImageCompletion } from './image-completion';
import { NoRoom, type MirrorLibrary } from './image-library';
import type { Scrub } from './scrub';
import type { StoredImage } from './stored-image';

export interface ControlServerOptions {
  readonly path: string;
  /** Of the NBD server, for the answers. */
  readonly nbdSocket: string;
  readonly images: MirrorLibrary;
  readonly completion: ImageCompletion;
  readonly scrub: Scrub;
  readonly log: Logger;
  bootSet(id: ManifestId): readonly number[];
  phase(instanceId: string, phase: ReadPhase): void;
  status(): MirrorStatus;
}

const mostBodyBytes = 64 * 1024;
const statusOf = { unavailable: 503, missing: 404, 'no-room': 507, invalid: 400, failed: 500 } as const satisfies Record<ControlError['code'], number>;

class Refused extends Error {
  constructor(
    readonly code: ControlError['code'],
    message: string,
  ) {
    super(message);
  }
}

/** The door for the agent of this host, see control-api.ts. */
export class ControlServer {
  private readonly server: Server;

  private constructor(private readonly options: ControlServerOptions) {
    this.server = createServer((request, response) => {
      void this.answer(request).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
  }

  static async listen(options: ControlServerOptions): Promise<ControlServer> {
    const control = new ControlServer(options);
    await rm(options.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      control.server.once('error', reject);
      control.server.listen(options.path, resolve);
    });
    control.server.on('error', (err) => options.log.warn({ err }, 'a caller of the control socket could not be let in'));
    await chmod(options.path, 0o600);
    return control;
  }

  /** Hangs up on who is asking: the agent asks the next mirror again. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage): Promise<[number, unknown]> {
    try {
      return [200, await this.dispatch(request.method ?? '', (request.url ?? '').split('/').slice(1), request)];
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.code === 'failed') this.options.log.warn({ err: error, method: request.method, url: request.url }, 'a request of the agent failed');
      return [statusOf[refusal.code], refusal satisfies ControlError];
    }
  }

  private async dispatch(method: string, path: readonly string[], request: IncomingMessage): Promise<unknown> {
    const [noun, id, verb] = path;
    if (method === 'GET' && path.length === 1 && noun === 'images') return this.list();
    if (method === 'GET' && path.length === 1 && noun === 'status') return this.options.status();
    if (method === 'PUT' && path.length === 2 && noun === 'images') return this.wish(sha256Schema.parse(id), imageWishSchema.parse(await bodyOf(request)));
    if (method === 'PUT' && path.length === 3 && noun === 'instances' && verb === 'phase') {
      this.options.phase(idSchema.parse(id), phaseBodySchema.parse(await bodyOf(request)).phase);
      return {};
    }
    throw new Refused('invalid', `The mirror has no ${method} /${path.join('/')}.`);
  }

  private async wish(id: ManifestId, { want }: ImageWish): Promise<ImageStanding> {
    if (want === 'check') return this.check(id);
    const image = await this.options.images.open(id);
    if (want === 'whole') {
      if (!image.isFull && this.options.images.poolFull) throw new Refused('no-room', `The pool is full: image ${id.slice(0, 12)} cannot be brought whole. Free some room, or remove instances.`);
      this.options.completion.complete(image);
    }
    return this.standing(image, want === 'serve' || image.isComplete);
  }

  /** Of what is here: nothing is brought for it but what is damaged, and nobody used the image. */
  private check(id: ManifestId): ImageStanding {
    const image = this.options.images.find(id);
    if (image === null) throw new Refused('missing', `Image ${id.slice(0, 12)} is not on this host.`);
    const { done, ...check } = this.options.scrub.ask(image);
    return { ...this.standing(image, done), check };
  }

  private standing(image: StoredImage, done: boolean): ImageStanding {
    return {
      manifest: image.id,
      sizeBytes: image.manifest.sizeBytes,
      done,
      complete: image.isComplete,
      presentChunks: image.holding([]).presentChunks,
      totalChunks: chunkCount(image.manifest),
      chunkBytes: image.manifest.chunkBytes,
      path: image.path,
      socket: this.options.nbdSocket,
      exportName: image.id,
    };
  }

  private async list(): Promise<ImageList> {
    const { images: library, bootSet } = this.options;
    const held = await library.holders();
    return {
      images: library.all().map((image) => ({
        holding: image.holding(bootSet(image.id)),
        sizeBytes: image.manifest.sizeBytes,
        storedBytes: image.storedBytes,
        usedAt: new Date(image.usedAt).toISOString(),
        heldBy: [...(held.get(image.id) ?? [])],
        isChecked: image.isChecked,
        checkedAt: image.checkedAt === null ? null : new Date(image.checkedAt).toISOString(),
      })),
    };
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBodyBytes) throw new Refused('invalid', `A body of more than ${mostBodyBytes} bytes is not taken.`);
    pieces.push(piece);
  }
  return parseJson(Buffer.concat(pieces).toString('utf8'));
}

function refusalOf(error: unknown): ControlError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refused) return { code: error.code, message };
  if (error instanceof ManifestMissing) return { code: 'missing', message };
  if (error instanceof ChunkUnavailable) return { code: 'unavailable', message };
  if (error instanceof NoRoom) return { code: 'no-room', message };
  if (error instanceof SyntaxError || error instanceof ZodError) return { code: 'invalid', message };
  return { code: 'failed', message };
}
