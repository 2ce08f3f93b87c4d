import type { HostInstallState, HostInstallStep, HostInstallStepName } from '@paravcl/shared/domain/host-install';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { hostWords } from '../core/host-words';
import { HostInstallFault } from './host-install-ports';
import { sayTime } from './say-time';

/** What is told while a step goes on is written down no oftener: how fast a host talks is its own affair. */
const tellEveryMs = 250;
/** Of one sentence. The books have room for 2000 characters, of which an event needs some for itself. */
const mostCharacters = 1500;

/** How a step ended that did not fail. */
export interface StepResult {
  /** `skipped`: it was as it should be already. */
  readonly state: 'done' | 'skipped';
  readonly sentence: string;
}

/** What a step tells while it goes on. */
export interface StepTelling {
  readonly signal: AbortSignal;
  say(sentence: string, percent?: number): void;
}

/**
 * One step. It is idempotent: done before, in part or in whole, it does what is left and says so. That is all there is to going on after a
 * failure, a cancel or a restart of the master: the steps are taken again from the first.
 */
export interface InstallStep {
  readonly step: HostInstallStepName;
  /** Told while it runs. */
  readonly sentence: string;
  readonly deadlineMs: number;
  run(telling: StepTelling): Promise<StepResult>;
}

export interface RunOutcome {
  readonly state: Exclude<HostInstallState, 'running' | 'interrupted'>;
  /** Null: the last step's own. */
  readonly sentence: string | null;
}

export interface RunnerParts {
  readonly clock: Clock;
  /** Aborted when somebody cancels it. */
  readonly signal: AbortSignal;
  /** Told after each change, in order; the run waits for it. */
  readonly onChange: (steps: readonly HostInstallStep[]) => Promise<void>;
  /** A fault of ours: the person is told that it was one, the log what it was. */
  readonly onFault: (error: unknown) => void;
}

/** Every step, before the first is taken. */
export function waitingSteps(names: readonly HostInstallStepName[]): readonly HostInstallStep[] {
  return names.map((step) => ({ step, state: 'waiting', sentence: '', percent: null, startedAt: null, endedAt: null }));
}

/**
 * Takes the steps in order, each within its deadline, and ends with the first that fails. A step that was given up has no say in what
 * is written down any more.
 */
export async function runSteps(steps: readonly InstallStep[], { clock, signal, onChange, onFault }: RunnerParts): Promise<RunOutcome> {
  const standing = [...waitingSteps(steps.map(({ step }) => step))];
  const time = (): string => new Date(clock.now()).toISOString();
  for (const [at, step] of steps.entries()) {
    if (signal.aborted) return { state: 'cancelled', sentence: null };
    const put = async (change: Partial<HostInstallStep>): Promise<void> => {
      const before = standing[at];
      if (before === undefined) return;
      standing[at] = { ...before, ...change, ...(change.sentence === undefined ? {} : { sentence: hostWords(change.sentence, mostCharacters) }) };
      await onChange([...standing]);
    };
    await put({ state: 'running', sentence: step.sentence, startedAt: time() });
    try {
      const { state, sentence } = await within(step, clock, signal, (said, percent) => put({ sentence: said, ...(percent === undefined ? {} : { percent }) }), onFault);
      await put({ state, sentence, endedAt: time(), ...(standing[at]?.percent == null ? {} : { percent: 100 }) });
    } catch (error) {
      const isCancelled = signal.aborted;
      const isTold = error instanceof HostInstallFault || (error instanceof ParavclError && error.code !== 'internal');
      if (!isCancelled && !isTold) onFault(error);
      const sentence = isCancelled ? 'It was cancelled here; what was being done on the host may go on there for a while.' : isTold ? hostWords(error.message, mostCharacters) : 'This failed for a fault of the master’s; its log tells more. Begin again, and it goes on from here.';
      await put({ state: 'failed', sentence, endedAt: time() });
      return isCancelled ? { state: 'cancelled', sentence: null } : { state: 'failed', sentence };
    }
  }
  return { state: 'succeeded', sentence: null };
}

/** Within its deadline, or given up. */
async function within(step: InstallStep, clock: Clock, signal: AbortSignal, say: (sentence: string, percent?: number) => Promise<void>, onFault: (error: unknown) => void): Promise<StepResult> {
  const abort = new AbortController();
  let telling: Promise<void> = Promise.resolve();
  let next: { readonly sentence: string; readonly percent: number | undefined } | null = null;
  let mayTellAt = clock.monotonicMs();
  let forgetNext = (): void => undefined;
  let isOver = false;
  const write = (): void => {
    telling = telling
      .then(async () => {
        const latest = next;
        next = null;
        mayTellAt = clock.monotonicMs() + tellEveryMs;
        if (latest !== null && !isOver) await say(latest.sentence, latest.percent);
      })
      .catch(onFault);
  };
  /** Of what comes faster than it is written down, the last. */
  const tell = (sentence: string, percent?: number): void => {
    if (isOver) return;
    const isUnderWay = next !== null;
    next = { sentence, percent };
    if (isUnderWay) return;
    const waitMs = mayTellAt - clock.monotonicMs();
    if (waitMs <= 0) write();
    else forgetNext = clock.after(waitMs, write);
  };
  const end = { cancel: (): void => undefined, refuse: (): void => undefined };
  const onAbort = (): void => {
    end.refuse();
    abort.abort();
  };
  const gaveUp = new Promise<never>((_, reject) => {
    end.cancel = clock.after(step.deadlineMs, () => {
      reject(new HostInstallFault(`This did not end within ${sayTime(step.deadlineMs)} and was given up. See on the host what keeps it, then begin again: it goes on from here.`));
      abort.abort();
    });
    end.refuse = () => reject(new HostInstallFault('It was cancelled.'));
  });
  gaveUp.catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const running = step.run({ signal: abort.signal, say: tell });
    running.catch(() => undefined);
    return await Promise.race([running, gaveUp]);
  } finally {
    isOver = true;
    forgetNext();
    end.cancel();
    signal.removeEventListener('abort', onAbort);
    await telling;
  }
}
