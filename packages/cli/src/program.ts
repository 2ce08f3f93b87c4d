import { Command, CommanderError } from 'commander';
import { actsIn } from './act';
import { Context } from './context';
import { addInstances } from './commands/instances';
import { addLogin } from './commands/login';
import { addLogout } from './commands/logout';
import { addWhoami } from './commands/whoami';
import { sayError } from './errors/say-error';
import { version } from './version';
import type { World } from './world';

/** The whole tree of commands. `began` is told of each run. */
export function programOf(world: World, began: (context: Context, command: Command) => void = () => undefined): Command {
  const program = new Command('paravcl');
  program
    .description('The command line of a ParaVCL site. Alone it shows the state of your things.')
    .version(version, '-V, --version', 'show the version')
    .option('--json', 'write JSON: the shapes of the REST API')
    .option('-o, --output <form>', '"wide" for more columns, "json" as --json')
    .option('--master <name>', 'ask this master instead of the current one (a name of yours, or its address)')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .exitOverride()
    .configureOutput({ writeOut: (text) => void world.stdout.write(text), writeErr: () => undefined });
  const act = actsIn(world, began);
  for (const add of [addLogin, addLogout, addWhoami, addInstances]) add(program, act);
  return program;
}

/** Runs it with these words; answers the exit code: 0 done, 1 refused or failed, 2 asked for in a wrong way. */
export async function run(world: World, words: readonly string[]): Promise<0 | 1 | 2> {
  let context: Context | null = null;
  let noun: string | null = null;
  const program = programOf(world, (begun, command) => {
    context = begun;
    for (let one: Command | null = command; one?.parent; one = one.parent) noun = one.name();
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const begun: Context = context ?? new Context(world, { json: words.includes('--json') });
    noun ??= program.commands.find((one) => one.name() === words[0] || one.aliases().includes(words[0] ?? ''))?.name() ?? null;
    // Help of a command that only gathers others is written to standard error, which is kept for our own sentences.
    if (error instanceof CommanderError && error.code === 'commander.help') {
      const shown = noun === null ? program : program.commands.find((one) => one.name() === noun);
      world.stderr.write(shown?.helpInformation() ?? '');
      return 2;
    }
    const { exitCode, error: said } = sayError(error, { origin: begun.origin, byEnvironment: begun.byEnvironment, noun });
    begun.output.error(said);
    return exitCode;
  }
}
