import { request } from 'node:http';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { eventually } from '../../eventually';

const servedWithinMs = 60_000;

/** A mirror's control API as its agent speaks it; here the bench is the agent. */
const standingSchema = z.object({ done: z.boolean(), presentChunks: z.int().nonnegative(), totalChunks: z.int().positive() });
const faultSchema = z.object({ code: z.string(), message: z.string() });
const statusSchema = z.object({
  /** Null while the master cannot be asked. */
  masterSince: z.string().nullable(),
  fromPeersBytes: z.int().nonnegative(),
  fromMasterBytes: z.int().nonnegative(),
  toPeersBytes: z.int().nonnegative(),
});
const listSchema = z.object({ images: z.array(z.object({ holding: z.object({ manifest: z.string(), totalBootChunks: z.int().nonnegative() }) })) });
export type MirrorFigures = z.infer<typeof statusSchema>;

/** Asks it to serve an image. `said`: how it stands, for messages. Throws for a fault that does not heal. */
export async function askMirror(controlSocket: string, manifest: string): Promise<{ readonly done: boolean; readonly said: string }> {
  const { status, body } = await call(controlSocket, 'PUT', `/images/${manifest}`, { want: 'serve' });
  if (status < 300) {
    const { done, presentChunks, totalChunks } = standingSchema.parse(body);
    return { done, said: `${String(presentChunks)} of ${String(totalChunks)} chunks` };
  }
  const fault = faultSchema.safeParse(body);
  if (fault.success && fault.data.code === 'unavailable') return { done: false, said: fault.data.message };
  throw new Error(`The mirror answered ${String(status)}: ${fault.success ? fault.data.message : JSON.stringify(body)}`);
}

/** What an agent does before a guest of this image starts. */
export async function servedByMirror({ controlSocket, manifest }: { readonly controlSocket: string; readonly manifest: string }): Promise<void> {
  let seen = '';
  await eventually(
    'the mirror to serve the image',
    servedWithinMs,
    async () => {
      const { done, said } = await askMirror(controlSocket, manifest);
      seen = said;
      return done ? true : undefined;
    },
    { everyMs: 20, state: () => seen },
  );
}

/** Chunks of the boot set that it knows of this image; 0 while it has no pattern of it. */
export async function knownBootChunks(controlSocket: string, manifest: string): Promise<number> {
  const { images } = listSchema.parse((await call(controlSocket, 'GET', '/images')).body);
  return images.find(({ holding }) => holding.manifest === manifest)?.holding.totalBootChunks ?? 0;
}

/** Tells where an instance's guest is. */
export async function tellPhase(controlSocket: string, instanceId: string, phase: 'application' | 'shutdown'): Promise<void> {
  const { status, body } = await call(controlSocket, 'PUT', `/instances/${instanceId}/phase`, { phase });
  if (status >= 300) throw new Error(`The mirror answered ${String(status)} to the phase of a guest: ${JSON.stringify(body)}`);
}

/** What it moved since its start. Throws while it does not listen yet. */
export async function mirrorFigures(controlSocket: string): Promise<MirrorFigures> {
  return statusSchema.parse((await call(controlSocket, 'GET', '/status')).body);
}

function call(socketPath: string, method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const text = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(parts).toString('utf8')) });
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    asked.on('error', reject);
    asked.end(text);
  });
}
