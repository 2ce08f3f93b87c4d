import { hostInstallSteps, type HostInstallStep } from '@paravcl/shared/domain/host-install';
import fc from 'fast-check';
import { HandClock } from '../../test/it/hand-clock';
import { HostInstallFault } from './host-install-ports';
import { runSteps, type InstallStep, type StepTelling } from './host-install-runner';

const names = hostInstallSteps.install;
const deadlineMs = 60_000;

type Outcome = 'done' | 'skipped' | 'fault' | 'throw' | 'throw at once' | 'never' | 'deaf';
interface Scripted {
  readonly outcome: Outcome;
  /** Turns of the loop until it ends. */
  readonly turns: number;
  /** Sentences it says in each of them. */
  readonly says: number;
  /** Whether it goes on talking after it was given up. */
  readonly talksOn: boolean;
}

const turn = (): Promise<void> => new Promise(setImmediate);

async function act({ outcome, turns, says, talksOn }: Scripted, { signal, say }: StepTelling): Promise<{ state: 'done' | 'skipped'; sentence: string }> {
  const talk = (): void => {
    for (let at = 0; at < says; at += 1) say(`line ${String(at)}\u202e`, at % 101);
  };
  for (let at = 0; at < turns; at += 1) {
    talk();
    await turn();
  }
  if (talksOn) void (async () => {
    for (let at = 0; at < 5; at += 1) {
      await turn();
      talk();
    }
  })();
  switch (outcome) {
    case 'done':
    case 'skipped':
      return { state: outcome, sentence: 'It is so.' };
    case 'fault':
      throw new HostInstallFault('The host said no.');
    case 'throw':
    case 'throw at once':
      throw new Error('a fault of ours');
    case 'never':
      // As what hears that it is given up, and ends then.
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));
    case 'deaf':
      return new Promise(() => undefined);
  }
}

const scriptedArb: fc.Arbitrary<Scripted> = fc.record({
  outcome: fc.oneof({ weight: 6, arbitrary: fc.constantFrom<Outcome>('done', 'skipped') }, { weight: 2, arbitrary: fc.constantFrom<Outcome>('fault', 'throw', 'throw at once', 'never', 'deaf') }),
  turns: fc.nat({ max: 4 }),
  says: fc.oneof(fc.nat({ max: 3 }), fc.constant(500)),
  talksOn: fc.boolean(),
});

test('whatever steps do and whenever it is cancelled, it ends, and what is told of it is true', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(scriptedArb, { maxLength: names.length }), fc.option(fc.nat({ max: 40 })), fc.nat({ max: 3 }), async (script, cancelAfterTurns, writeTurns) => {
      const clock = new HandClock();
      const abort = new AbortController();
      const faults: unknown[] = [];
      const told: (readonly HostInstallStep[])[] = [];
      let writing = 0;
      let isOver = false;
      const begun: string[] = [];
      const steps = script.map((scripted, at): InstallStep => ({
        step: names[at] ?? 'seen',
        sentence: 'It goes on.',
        deadlineMs,
        run: (telling) => {
          begun.push(names[at] ?? '');
          if (scripted.outcome === 'throw at once') throw new Error('a fault of ours');
          return act(scripted, telling);
        },
      }));
      const running = runSteps(steps, {
        clock,
        signal: abort.signal,
        onFault: (error) => void faults.push(error),
        onChange: async (standing) => {
          expect(isOver).toBe(false);
          // One at a time, in order.
          expect((writing += 1)).toBe(1);
          for (let at = 0; at < writeTurns; at += 1) await turn();
          told.push(standing);
          writing -= 1;
        },
      });
      let outcome: Awaited<typeof running> | null = null;
      void running.then((it) => {
        outcome = it;
        isOver = true;
      });
      let turns = 0;
      for (; outcome === null && turns < 2000; turns += 1) {
        if (turns === cancelAfterTurns) abort.abort();
        clock.advance(1000);
        await turn();
      }
      if (outcome === null) throw new Error('It did not end.');
      // Nor is anything told by what still talks.
      for (let at = 0; at < 10; at += 1) {
        clock.advance(1000);
        await turn();
      }

      for (const standing of told) {
        const states = standing.map(({ state }) => state).join(' ');
        expect(states).toMatch(/^((done|skipped) ?)*((running|failed) ?)?(waiting ?)*$/);
        for (const { state, sentence, startedAt, endedAt } of standing) {
          expect([startedAt !== null, endedAt !== null]).toEqual([state !== 'waiting', state !== 'waiting' && state !== 'running']);
          expect(sentence).not.toMatch(/\p{Cf}/u);
        }
      }
      const last = told.at(-1) ?? [];
      const { state } = outcome as { state: string };
      expect(last.filter((step) => step.state === 'running')).toEqual([]);
      const failed = last.findIndex((step) => step.state === 'failed');
      if (state === 'succeeded') expect(last.every((step) => step.state === 'done' || step.state === 'skipped')).toBe(true);
      if (state === 'failed') expect(failed).toBeGreaterThanOrEqual(0);
      if (state === 'cancelled') expect(abort.signal.aborted).toBe(true);
      // Each was begun once and in order, and none after the one that failed.
      expect(begun).toEqual(names.slice(0, begun.length));
      if (failed !== -1) expect(begun.length).toBeLessThanOrEqual(failed + 1);
      // Beginning and end of each, and no more than four a second between them.
      expect(told.length).toBeLessThanOrEqual(2 * script.length + 4 * (turns + 1));
      expect(faults.every((error) => error instanceof Error && error.message === 'a fault of ours')).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('of what a step says faster than it is written down the last is told, four times a second', async () => {
  const clock = new HandClock();
  const sentences: string[] = [];
  let end: () => void = () => undefined;
  let say: StepTelling['say'] = () => undefined;
  const step: InstallStep = {
    step: 'packages', sentence: 'It begins.', deadlineMs,
    run: (telling) => {
      say = telling.say;
      return new Promise((resolve) => (end = () => resolve({ state: 'done', sentence: 'It is done.' })));
    },
  };
  const running = runSteps([step], { clock, signal: new AbortController().signal, onFault: () => undefined, onChange: ([one]) => Promise.resolve(void sentences.push(one?.sentence ?? '')) });
  await turn();
  for (let at = 0; at < 100_000; at += 1) {
    say(`line ${String(at)}`);
    if (at % 10_000 === 0) {
      clock.advance(25);
      await turn();
    }
  }
  clock.advance(250);
  await turn();
  end();
  await running;
  expect(sentences).toEqual(['It begins.', 'line 0', 'line 99999', 'It is done.']);
});
