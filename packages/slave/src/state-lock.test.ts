import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockState } from './state-lock';

test('a second agent over the same state directory is refused with the way out, until the first gives it back', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'agent-lock-'));
  const unlock = await lockState(directory);
  await expect(lockState(directory)).rejects.toThrow(/an agent is running in it.*systemctl stop/);
  unlock();
  const again = await lockState(directory);
  again();
  await rm(directory, { recursive: true });
}, 30_000);
