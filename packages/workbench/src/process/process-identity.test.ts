import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { identityOf, isSameProcess, isStoppedBySignal } from './process-identity';

test('a process is itself while it lives, and nobody afterwards', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const identity = identityOf(child.pid ?? 0);
  expect(identity).not.toBeNull();
  if (identity === null) return;
  expect(isSameProcess(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isSameProcess(identity)).toBe(false);
});

test('another process with the same id is another one', () => {
  const mine = identityOf(process.pid);
  expect(mine).not.toBeNull();
  expect(isSameProcess({ pid: process.pid, startTicks: String(Number(mine?.startTicks) - 1) })).toBe(false);
});

test('there is nobody behind an id that is not given', () => {
  expect(identityOf(2 ** 30)).toBeNull();
});

test('a process that a signal stopped is told from one that runs', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const becomes = async (stopped: boolean): Promise<void> => {
    while (isStoppedBySignal(pid) !== stopped) await setTimeout(5);
  };
  await becomes(false);
  child.kill('SIGSTOP');
  await becomes(true);
  child.kill('SIGCONT');
  await becomes(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isStoppedBySignal(pid)).toBe(false);
});
