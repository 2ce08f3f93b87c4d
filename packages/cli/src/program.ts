import { Command, CommanderError, Option } from 'commander';
import { actsIn } from './act';
import { Context } from './context';
import { addCapacity } from './commands/capacity';
import { addCompletion } from './commands/completion';
import { addConsole } from './commands/console';
import { addDecisions } from './commands/decisions';
import { addDeployments } from './commands/deployments';
import { addDoctor } from './commands/doctor';
import { addEvents } from './commands/events';
import { addFabric } from './commands/fabric';
import { addGroups } from './commands/groups';
import { addImages } from './commands/images';
import { addInstances } from './commands/instances';
import { addLogin } from './commands/login';
import { addLogout } from './commands/logout';
import { addNotices } from './commands/notices';
import { addPolicy } from './commands/policy';
import { addQueue } from './commands/queue';
import { addReservations } from './commands/reservations';
import { addSlaves } from './commands/slaves';
import { addSnapshots } from './commands/snapshots';
import { addSsh } from './commands/ssh';
import { addTokens } from './commands/tokens';
import { addUsage } from './commands/usage';
import { addUsers } from './commands/users';
import { addWhoami } from './commands/whoami';
import { addWhy } from './commands/why';
import { showState } from './commands/state';
import { Refusal } from './errors/refusal';
import { sayError } from './errors/say-error';
import { line } from './output/advice';
import { version } from './version';
import type { World } from './world';

/** The whole tree of commands. `began` is told of each run. */
export function programOf(world: World, began: (context: Context, command: Command) => void = () => undefined): Command {
  const program = new Command('paravcl');
  program
    .description('The command line of a ParaVCL site. Alone it shows the state of your things.')
    .version(version, '-V, --version', 'show the version')
    .option('--json', 'write JSON: the shapes of the REST API')
    .addOption(new Option('-o, --output <form>', '"wide" for more columns, "json" as --json').choices(['wide', 'json']))
    .option('--master <name>', 'ask this master instead of the current one (a name of yours, or its address)')
    .helpOption('-h, --help', 'show help')
    .helpCommand(true)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .exitOverride()
    .configureOutput({ writeOut: (text) => void world.stdout.write(text), writeErr: () => undefined });
  const act = actsIn(world, began);
  program.action(act((context) => showState(context)));
  for (const add of [addLogin, addLogout, addWhoami, addInstances, addImages, addReservations, addDeployments, addSnapshots, addQueue, addWhy, addDecisions, addSlaves, addCapacity, addUsage, addNotices, addGroups, addUsers, addPolicy, addEvents, addTokens, addConsole, addSsh, addDoctor, addFabric, addCompletion]) add(program, act);
  return program;
}

/** Runs it with these words; answers the exit code: 0 done, 1 refused or failed, 2 asked for in a wrong way. */
export async function run(world: World, words: readonly string[]): Promise<0 | 1 | 2> {
  let context: Context | null = null;
  let noun: string | null = null;
  let path: string | null = null;
  const program = programOf(world, (begun, command) => {
    context = begun;
    const names: string[] = [];
    for (let one: Command | null = command; one?.parent; one = one.parent) names.unshift(one.name());
    noun = names[0] ?? null;
    path = names.length === 0 ? null : names.join(' ');
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
    if (error instanceof Refusal && error.isTold && begun.output.json) return error.exitCode;
    const isExcess = error instanceof CommanderError && error.code === 'commander.excessArguments';
    const { exitCode, error: said } = sayError((isExcess ? unknownWord(program, noun, words) : null) ?? error, { origin: begun.origin, byEnvironment: begun.byEnvironment, noun, list: listOf(program, noun), command: path ?? pathIn(program, words) });
    begun.output.error(said);
    return exitCode;
  }
}

/** Commands of one machine, which they take by its name. */
const ofInstances: readonly (string | null)[] = ['console', 'ssh', 'why'];

/** The command that lists what a command is about; null where none does. */
export function listOf(program: Command, noun: string | null): string | null {
  if (ofInstances.includes(noun)) return 'paravcl instances list';
  const isListed = program.commands.find((one) => one.name() === noun)?.commands.some((one) => one.name() === 'list') === true;
  return noun !== null && isListed ? line`paravcl ${noun} list` : null;
}

/** What was too much may be a verb that does not exist: without one, a noun lists. Null: the words are known, and one too many came after them. */
function unknownWord(program: Command, noun: string | null, words: readonly string[]): Refusal | null {
  if (noun === null) return new Refusal(unknownCommand(program, words), meant(program, words) ?? 'paravcl --help', 2);
  const said = words.filter((word) => !word.startsWith('-'));
  const at = said.findIndex((word) => program.commands.some((one) => one.name() === word || one.aliases().includes(word)));
  const verbs = program.commands.find((one) => one.name() === noun)?.commands ?? [];
  const verb = said[at + 1];
  if (verb === undefined || verbs.length === 0 || verbs.some((one) => one.name() === verb || one.aliases().includes(verb))) return null;
  return new Refusal(`There is no command "${noun} ${verb}".`, line`paravcl ${noun} --help`, 2);
}

function unknownCommand(program: Command, words: readonly string[]): string {
  const said = words.find((word) => !word.startsWith('-')) ?? '';
  const near = program.commands.map((one) => one.name()).filter((name) => !name.startsWith('__') && (name.startsWith(said.slice(0, 3)) || said.startsWith(name.slice(0, 4))));
  return `There is no command "${said}"${near.length === 0 ? '' : `; there is ${near.join(', ')}`}.`;
}

/** What who forgot the noun, or said it after the verb, has meant; null when that is not sure. */
function meant(program: Command, words: readonly string[]): string | null {
  const [verb, after] = words.filter((word) => !word.startsWith('-'));
  const nouns = program.commands.filter((noun) => noun.commands.some((one) => one.name() === verb || one.aliases().includes(verb ?? '')));
  const noun = nouns.find((one) => one.name() === after || one.aliases().includes(after ?? '')) ?? nouns[0];
  if (noun === undefined || verb === undefined) return null;
  if (noun.name() === after || noun.aliases().includes(after ?? '')) return line`paravcl ${noun.name()} ${verb}`;
  return nouns.length === 1 ? line`paravcl ${noun.name()} ${verb} --help` : null;
}

/** The words that name a command, of a line that was not understood. */
function pathIn(program: Command, words: readonly string[]): string | null {
  const names: string[] = [];
  let at = program;
  for (const word of words) {
    const next = at.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) continue;
    names.push(next.name());
    at = next;
  }
  return names.length === 0 ? null : names.join(' ');
}
