import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context';
import { passes, waitMs } from '../talk/passes';
import { askAlone, type AskInstall } from './ask-installs';

/** A master that is restarted is back within this time. */
const silentForMs = 120_000;
const marks = { done: '✓', skipped: '=', failed: '✗' } as const;
const plainMarks = { done: '+', skipped: '=', failed: 'x' } as const;

/**
 * Follows what is done to a host by SSH to its end, and says each step once it has ended with what came of it, and what was found on the host.
 * `called`: put before each line, where several are followed at once. Throws what the signal was aborted with: the work goes on then.
 */
export async function followInstall(context: Context, first: HostInstall, called: string | null, signal: AbortSignal, ask: AskInstall = askAlone(context)): Promise<HostInstall> {
  const { output } = context;
  const before = called === null ? '' : `${called}: `;
  const mark = output.unicode ? marks : plainMarks;
  const told = new Set<string>();
  const once = (line: string, say: (line: string) => void): void => {
    if (told.has(line)) return;
    told.add(line);
    say(line);
  };
  let install = first;
  let heardAt = Date.now();
  for (;;) {
    for (const { step, state, sentence } of install.steps) if (state === 'done' || state === 'skipped' || state === 'failed') once(`${before}${mark[state]} ${step}: ${sentence}`, (line) => output.say(line));
    for (const { level, sentence, remedy } of install.findings) if (level !== 'fine') once(`${before}! ${sentence}${remedy === null ? '' : ` ${remedy}`}`, (line) => output.warn(line));
    if (install.state !== 'running') return install;
    const running = install.steps.find(({ state }) => state === 'running');
    // Lines of several hosts would wipe out each other.
    if (called === null) output.progress(running === undefined ? install.sentence : `${running.step}: ${running.sentence}${running.percent === null ? '' : ` ${String(output.live ? running.percent : Math.floor(running.percent / 10) * 10)} %`}`);
    try {
      install = await ask(install.id, signal);
      heardAt = Date.now();
    } catch (error) {
      signal.throwIfAborted();
      if (!passes(error) || Date.now() - heardAt > silentForMs) throw error;
      await pause(waitMs(error, 0), undefined, { signal });
    }
  }
}

/** Why it did not succeed: the sentence of the step that failed, or how it stands. */
export function whyNot({ steps, sentence }: Pick<HostInstall, 'steps' | 'sentence'>): string {
  const failed = steps.find(({ state }) => state === 'failed');
  return failed === undefined ? sentence : `${failed.step}: ${failed.sentence}`;
}
