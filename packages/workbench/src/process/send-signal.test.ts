import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sendSignal } from './send-signal';

test.each([0, -1, 1, NaN, 2.5])('%p is refused: it would reach more than one process, or none', (pid) => {
  expect(() => sendSignal(pid, 'SIGCONT')).toThrow(`${String(pid)} is no process`);
});

test('a process gets its signal, and one that is gone is told as gone', async () => {
  const child = spawn('sleep', ['60']);
  const exit = once(child, 'exit');
  expect(sendSignal(child.pid ?? 0, 'SIGKILL')).toBe(true);
  expect(await exit).toEqual([null, 'SIGKILL']);
  expect(sendSignal(child.pid ?? 0, 'SIGKILL')).toBe(false);
});
