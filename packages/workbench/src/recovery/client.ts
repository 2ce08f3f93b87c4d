import { createInstance, deleteInstance, listInstances, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import { ParavclError } from '@paravcl/shared/errors';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../api-client';
import type { Choice } from './choose-ask';
import type { HistoryWriter } from './history';
import type { SeededRandom } from './seeded-random';

/** After so long a client gives a call up; it cannot know then what became of it. */
const answerWithinMs = 8000;
/** What a refused connection is called in the history: nothing was sent, so nothing can have been done. */
const notSent = 'not-sent';

export interface Sizes {
  readonly imageId: string;
  readonly vcpus: number;
  readonly ramMiB: number;
}

type Answer = { readonly kind: 'ok'; readonly instanceId: string; readonly operationId: string } | { readonly kind: 'fail'; readonly code: string; readonly sentence: string } | { readonly kind: 'unknown'; readonly why: string };

/**
 * One person at the API who writes down every call. A call whose answer is lost is asked again under the same
 * Idempotency-Key until it is answered: then it must have been done once.
 */
export class RecordedClient {
  constructor(
    readonly name: string,
    private readonly api: ApiClient,
    private readonly sizes: Sizes,
    private readonly history: HistoryWriter,
    private readonly random: SeededRandom,
  ) {}

  /** The person's instances without deleted ones; null while nobody answers. */
  async mine(): Promise<readonly Instance[] | null> {
    try {
      return (await this.api.call(listInstances, { query: { limit: 100 }, signal: AbortSignal.timeout(answerWithinMs) })).items;
    } catch {
      return null;
    }
  }

  /**
   * Makes a request and stays with it to its answer; null when it was given up at `giveUp`, with everything in the
   * history. An answered one is sometimes asked again: it must be answered the same.
   */
  async request(choice: Choice, giveUp: () => boolean): Promise<Answer | null> {
    const key = choice.ask === 'delete' ? null : this.newKey();
    const first = this.history.newCall();
    let call = first;
    let again: number | null = null;
    for (;;) {
      const answer = await this.once(choice, key, call, again);
      if (answer.kind === 'ok' && again === null && this.random.chance(0.1)) {
        // As a browser that sends a form twice.
        call = this.history.newCall();
        again = first;
        await this.once(choice, key, call, again);
        return answer;
      }
      if (answer.kind !== 'unknown') return answer;
      if (giveUp()) return null;
      if ((choice.ask === 'suspend' || choice.ask === 'stop') && !choice.mustBeRefused && this.random.chance(0.25)) {
        // As a person with two windows: something else is asked for, and then the first wish again. It must not be done twice.
        await this.request({ ...choice, ask: 'start', force: false }, giveUp);
      }
      await delay(this.random.between(50, 800));
      call = this.history.newCall();
      again = first;
    }
  }

  private async once(choice: Choice, key: string | null, call: number, again: number | null): Promise<Answer> {
    const { ask, instanceId, mustBeRefused } = choice;
    this.history.write({ call, kind: 'invoke', client: this.name, ask, instanceId, key, again, mustBeRefused });
    const answer = await this.send(choice, key);
    this.history.write({ call, ...answer });
    return answer;
  }

  private async send({ ask, instanceId, force }: Choice, key: string | null): Promise<Answer> {
    const params = { instanceId: instanceId ?? '' };
    const how = { signal: AbortSignal.timeout(answerWithinMs), ...(key === null ? {} : { idempotencyKey: key }) };
    try {
      const { instance, operation } = await (async () => {
        switch (ask) {
          case 'launch':
            return this.api.call(createInstance, { body: this.sizes, ...how });
          case 'start':
            return this.api.call(startInstance, { params, body: {}, ...how });
          case 'resume':
            return this.api.call(resumeInstance, { params, body: {}, ...how });
          case 'suspend':
            return this.api.call(suspendInstance, { params, ...how });
          case 'stop':
            return this.api.call(stopInstance, { params, body: { force }, ...how });
          case 'delete':
            return this.api.call(deleteInstance, { params, ...how });
        }
      })();
      return { kind: 'ok', instanceId: instance.id, operationId: operation.id };
    } catch (error) {
      return endOf(error);
    }
  }

  /** From the run's seed, so that a repeated run asks the same; in the form of a random one. */
  private newKey(): string {
    const word = (digits: number): string => this.random.between(0, 16 ** digits - 1).toString(16).padStart(digits, '0');
    return `${this.name}-${word(6)}${word(6)}${word(4)}`;
  }
}

/** A refusal did nothing. Everything else leaves open what was done. */
function endOf(error: unknown): Answer {
  if (error instanceof ParavclError) {
    const { code, message, detail } = error;
    // "The first request with this key still runs" is no refusal; and a master without its database cannot know.
    const undecided = code === 'internal' || code === 'not-ready' || code === 'timeout' || (code === 'conflict' && detail.retryAfterSeconds !== undefined);
    return undecided ? { kind: 'unknown', why: `${code}: ${message}` } : { kind: 'fail', code, sentence: message };
  }
  const { code, message } = error as NodeJS.ErrnoException;
  return { kind: 'unknown', why: code === 'ECONNREFUSED' ? notSent : `${code ?? 'error'}: ${message}` };
}

/** Whether a line of the history is an answer that was lost on its way, not one that was never asked for. */
export function isLostAnswer(line: { readonly kind: string; readonly why?: string }): boolean {
  return line.kind === 'unknown' && line.why !== notSent;
}
