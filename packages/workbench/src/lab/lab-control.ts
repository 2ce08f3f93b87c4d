import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { LabError } from './lab-record';

/**
 * How `npm run lab` talks to a running lab: one line of JSON each way over a unix socket, which only its owner
 * may open and which, other than a port, is reached across network namespaces.
 */
export const daemonSignals = ['KILL', 'TERM', 'STOP', 'CONT'] as const;
export type DaemonSignal = (typeof daemonSignals)[number];

const labRequestSchema = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('status') }),
  z.strictObject({ verb: z.literal('where'), host: z.string() }),
  z.strictObject({ verb: z.literal('kill'), target: z.string(), signal: z.enum(daemonSignals) }),
  z.strictObject({ verb: z.literal('start'), target: z.string() }),
  z.strictObject({ verb: z.literal('sleep'), seconds: z.number().nonnegative() }),
]);
export type LabRequest = z.infer<typeof labRequestSchema>;

const labReplySchema = z.union([
  z.object({
    /** What was done or seen, for people. */
    lines: z.array(z.string()),
    /** Of `where`: process 1 of that host, by its id inside the lab. */
    pid: z.number().int().positive().optional(),
  }),
  z.object({ problem: z.string() }),
]);
export type LabReply = Exclude<z.infer<typeof labReplySchema>, { problem: string }>;

/** Answers requests until it is closed; what `answer` throws becomes the reply. */
export async function serveControl(socketPath: string, answer: (request: LabRequest) => Promise<LabReply>): Promise<Server> {
  await rm(socketPath, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (part: string) => (text += part));
    socket.on('end', () => {
      void Promise.resolve()
        .then(() => answer(labRequestSchema.parse(parseJson(text))))
        .catch((error: unknown) => ({ problem: error instanceof Error ? error.message : String(error) }))
        .then((reply) => socket.end(JSON.stringify(reply)));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  await chmod(socketPath, 0o600);
  return server;
}

/** Asks a running lab. Throws LabError with its own sentence when it refuses, or when it does not answer. */
export async function askLab(socketPath: string, request: LabRequest, timeoutMs = 180_000): Promise<LabReply> {
  const text = await new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect({ path: socketPath, allowHalfOpen: true }, () => socket.end(JSON.stringify(request)));
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${String(timeoutMs / 1000)} s`)));
    socket.on('data', (part: string) => (answer += part));
    socket.on('end', () => resolve(answer));
    socket.on('error', (error) => reject(noAnswer(socketPath, error.message, error)));
  });
  const reply = readReply(socketPath, text);
  if ('problem' in reply) throw new LabError(reply.problem);
  return reply;
}

/** A lab that ends while it is asked leaves nothing, or half of an answer. */
function readReply(socketPath: string, text: string): z.infer<typeof labReplySchema> {
  try {
    return labReplySchema.parse(parseJson(text));
  } catch (cause) {
    throw noAnswer(socketPath, text === '' ? 'it hung up' : `it said "${text.slice(0, 200)}"`, cause);
  }
}

function noAnswer(socketPath: string, why: string, cause: unknown): LabError {
  return new LabError(`The lab does not answer at ${socketPath}: ${why}. End it: npm run lab -- down`, { cause });
}
