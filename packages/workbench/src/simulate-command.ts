/**
 * `npm run simulate`: the same term under several policies, with the master's own scheduler. The table goes to standard
 * output, or one object with `--json`; progress to standard error; the report to `report.html`, its plots to files beside it. Exit code 2 for a command
 * line that cannot be followed.
 */
import { runSimulation } from './simulate/run-simulation';

runSimulation(process.argv.slice(2), { say: (line) => process.stderr.write(`  ${line}\n`), write: (text) => process.stdout.write(text) }).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
