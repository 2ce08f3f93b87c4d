import { closeSync, openSync } from 'node:fs';
import pino from 'pino';
import { standardOutput } from './standard-output';

it('does not end the agent when the disk of its log is full', () => {
  const full = openSync('/dev/full', 'w');
  const log = pino({ level: 'info' }, standardOutput(full));
  for (let n = 0; n < 20_000; n += 1) log.info({ n }, 'a line that nobody can keep');
  closeSync(full);
  // Nothing was thrown, and what waits is bounded.
  expect(() => log.info('one more')).not.toThrow();
});
