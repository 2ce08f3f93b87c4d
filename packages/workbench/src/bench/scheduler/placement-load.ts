import { SeededRandom } from '../../recovery/seeded-random';

const sentAtOnce = 16;

/** Asks for one placement; true when it was placed, false when it has to wait for room. Rejects when nobody answered. */
export type Ask = (client: number) => Promise<boolean>;

/** What came of a load: who was placed, and how long each answer took. */
export interface LoadOutcome {
  readonly placed: number;
  /** Answered, and without a place. */
  readonly unplaced: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Of every answer: in a closed loop since it was asked, in an open one since it was due. */
  readonly answerMs: readonly number[];
}

/** So many clients, each of which asks again as soon as it has its answer, until the time is over or so many were asked for. Rejects with the first request that nobody answered. */
export async function closedLoop(ask: Ask, { clients, seconds, most = Infinity }: { readonly clients: number; readonly seconds: number; readonly most?: number }): Promise<LoadOutcome> {
  const outcome = new Outcome();
  const until = performance.now() + seconds * 1000;
  let asked = 0;
  const client = async (number: number): Promise<void> => {
    while (performance.now() < until && asked < most) {
      asked++;
      const begun = performance.now();
      outcome.add(await ask(number), performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return outcome.taken();
}

/**
 * Requests at times drawn beforehand (a Poisson process, the same for the same seed), whether those before were answered or not. A request that is
 * sent late, because the process was busy, was due all the same: its answer time counts from then (no coordinated omission).
 */
export async function openLoop(ask: Ask, { perSecond, seconds, seed }: { readonly perSecond: number; readonly seconds: number; readonly seed: number }): Promise<LoadOutcome> {
  const outcome = new Outcome();
  const begun = performance.now();
  const answers: Promise<void>[] = [];
  const failed: unknown[] = [];
  for (const [number, afterMs] of dueTimes(perSecond, seconds, seed).entries()) {
    const due = begun + afterMs;
    // Timers count whole milliseconds, and a late one counts for those who were due.
    while (performance.now() < due) await pause(due - performance.now());
    answers.push(ask(number).then((placed) => { outcome.add(placed, performance.now() - due); }, (error: unknown) => void failed.push(error)));
    // However many are due at once, answers are read meanwhile.
    if (number % sentAtOnce === sentAtOnce - 1) await new Promise(setImmediate);
  }
  await Promise.all(answers);
  if (failed.length > 0) throw failed[0];
  return outcome.taken();
}

/** Milliseconds after the beginning, in order. */
export function dueTimes(perSecond: number, seconds: number, seed: number): readonly number[] {
  const random = new SeededRandom(seed);
  const times: number[] = [];
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random.next()) / perSecond) * 1000;
    if (at >= seconds * 1000) return times;
    times.push(at);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Outcome {
  private readonly begun = performance.now();
  private readonly answerMs: number[] = [];
  private placed = 0;

  add(placed: boolean, ms: number): void {
    if (placed) this.placed++;
    this.answerMs.push(ms);
  }

  taken(): LoadOutcome {
    return { placed: this.placed, unplaced: this.answerMs.length - this.placed, seconds: (performance.now() - this.begun) / 1000, answerMs: this.answerMs };
  }
}
