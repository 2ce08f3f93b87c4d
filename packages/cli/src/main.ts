import { Command } from 'commander';

const program = new Command('paravcl').description('the command line of a ParaVCL site');

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
