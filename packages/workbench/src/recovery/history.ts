import { closeSync, openSync, writeSync } from 'node:fs';

/** What a client asks for. */
export type Ask = 'launch' | 'start' | 'resume' | 'suspend' | 'stop' | 'delete';

/**
 * One line of the history of client calls, in the way of Jepsen: a call is invoked, and ends as `ok` (acknowledged),
 * `fail` (refused: it did nothing) or `unknown` (the answer was lost: it may have been done or not). One that is
 * unknown is asked again under the same Idempotency-Key, with `again` naming the call it repeats.
 */
export type HistoryLine = {
  readonly call: number;
  /** Milliseconds of a clock that never jumps, and UTC for the logs' sake. */
  readonly ms: number;
  readonly utc: string;
} & (
  | {
      readonly kind: 'invoke';
      readonly client: string;
      readonly ask: Ask;
      readonly instanceId: string | null;
      /** Null for DELETE, which may be repeated as it is. */
      readonly key: string | null;
      readonly again: number | null;
      /** The answer must be a refusal: what is asked for makes no sense. */
      readonly mustBeRefused: boolean;
    }
  | { readonly kind: 'ok'; readonly instanceId: string | null; readonly operationId: string | null }
  | { readonly kind: 'fail'; readonly code: string; readonly sentence: string }
  | { readonly kind: 'unknown'; readonly why: string }
);

type Body<L> = L extends HistoryLine ? Omit<L, 'ms' | 'utc'> : never;

/** Keeps the history in memory and on disk, a line at a time: a run that dies loses nothing of it. */
export class HistoryWriter {
  readonly lines: HistoryLine[] = [];
  private readonly file: number | null;
  private calls = 0;

  constructor(path: string | null) {
    this.file = path === null ? null : openSync(path, 'a', 0o600);
  }

  newCall(): number {
    this.calls += 1;
    return this.calls;
  }

  write(body: Body<HistoryLine>): void {
    const line = { ms: performance.now(), utc: new Date().toISOString(), ...body } as HistoryLine;
    this.lines.push(line);
    if (this.file !== null) writeSync(this.file, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
  }
}

/** Everything that was sent for one wish of a client: the first call and its repetitions. */
export interface Request {
  readonly call: number;
  readonly client: string;
  readonly ask: Ask;
  readonly instanceId: string | null;
  readonly key: string | null;
  readonly mustBeRefused: boolean;
  readonly invokedMs: number;
  readonly ok: readonly { readonly instanceId: string | null; readonly operationId: string | null }[];
  readonly failed: readonly { readonly code: string; readonly sentence: string }[];
  readonly unknown: number;
}

/** The history by request, in the order in which they were first made. */
export function requestsOf(lines: readonly HistoryLine[]): readonly Request[] {
  type Draft = { -readonly [K in keyof Request]: Request[K] extends readonly (infer T)[] ? T[] : Request[K] };
  const byCall = new Map<number, Draft>();
  const requests: Draft[] = [];
  for (const line of lines) {
    if (line.kind === 'invoke') {
      const first = line.again === null ? undefined : byCall.get(line.again);
      if (first !== undefined) {
        byCall.set(line.call, first);
        continue;
      }
      const { call, client, ask, instanceId, key, mustBeRefused, ms } = line;
      const request: Draft = { call, client, ask, instanceId, key, mustBeRefused, invokedMs: ms, ok: [], failed: [], unknown: 0 };
      byCall.set(call, request);
      requests.push(request);
      continue;
    }
    const request = byCall.get(line.call);
    if (request === undefined) continue;
    if (line.kind === 'ok') request.ok.push({ instanceId: line.instanceId, operationId: line.operationId });
    else if (line.kind === 'fail') request.failed.push({ code: line.code, sentence: line.sentence });
    else request.unknown += 1;
  }
  return requests;
}
