import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { endGently } from './end-gently';

/** A process that answers SIGTERM with `onTerm`, once it does. */
async function listening(onTerm: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', `process.on('SIGTERM', () => { ${onTerm} }); setInterval(() => {}, 1000); console.log('up')`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test('one that is asked to end has time to clean up', async () => {
  const child = await listening('setTimeout(() => process.exit(7), 50)');
  const exit = once(child, 'exit');
  endGently(child, () => child.kill('SIGTERM'));
  expect(await exit).toEqual([7, null]);
  endGently(child, () => {
    throw new Error('it has ended');
  });
});

test('one that does not end is ended by force', async () => {
  const child = await listening('');
  const exit = once(child, 'exit');
  endGently(child, () => child.kill('SIGTERM'), 100);
  expect(await exit).toEqual([null, 'SIGKILL']);
});
