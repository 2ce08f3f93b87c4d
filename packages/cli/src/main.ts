import { homedir } from 'node:os';
import { run } from './program';
import { processWorld } from './world';

// A reader that has enough, as `head` has, is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

void run(processWorld(homedir()), process.argv.slice(2)).then((code) => {
  // What is open still, such as the look-up of a name that was given up, keeps nobody waiting; what was written has to arrive.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
});
