import { Command, CommanderError } from 'commander';
import { policyNames, type PolicyName } from './compare-policies';
import { usualTerm, type Term } from './term';

export interface SimulateOptions {
  readonly term: Term;
  readonly policies: readonly PolicyName[];
  /** Where the report goes; null: a new directory of its own. */
  readonly out: string | null;
  readonly json: boolean;
}

/** What each number may be. */
const limits = { days: [1, 366], slaves: [1, 1000], students: [1, 10_000], seed: [0, 2 ** 32 - 1] } as const;

/** The command line of `npm run simulate`; a sentence when it cannot be followed. Throws nothing. `help` is the text that was asked for. */
export function readSimulateArguments(argv: readonly string[]): SimulateOptions | { readonly fault: string } | { readonly help: string } {
  let help = '';
  const command = new Command('npm run simulate --')
    .description('Plays a term under several policies with the master’s own scheduler, and writes a report.')
    .option('--days <number>', 'days to play, from a Monday on', String(usualTerm.days))
    .option('--slaves <number>', 'hosts', String(usualTerm.slaves))
    .option('--students <number>', 'students', String(usualTerm.students))
    .option('--seed <number>', 'the same seed draws the same term', String(usualTerm.seed))
    .option('--policy <names>', `only these, with commas between: ${policyNames.join(', ')}`, policyNames.join(','))
    .option('--out <directory>', 'where report.html goes; made when it is not there (default: a new directory)')
    .option('--json', 'one object on standard output, progress on standard error', false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => (help += text), writeErr: () => undefined });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? { help } : { fault: `${error.message.replace(/^error: /, '').replace(/\.?$/, '.')} npm run simulate -- --help tells what there is.` };
  }
  const given = command.opts<{ policy: string; out?: string; json: boolean } & Record<keyof typeof limits, string>>();
  for (const name of ['days', 'slaves', 'students', 'seed'] as const) {
    const [least, most] = limits[name];
    const value = given[name].trim() === '' ? NaN : Number(given[name]);
    if (!Number.isInteger(value) || value < least || value > most) return { fault: `--${name} takes a whole number from ${String(least)} to ${String(most)}, not "${given[name]}".` };
  }
  if (given.out?.trim() === '') return { fault: '--out takes the name of a directory.' };
  const names = given.policy.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !policyNames.some((known) => known === name));
  if (unknown !== undefined) return { fault: `There is no policy "${unknown}". There are: ${policyNames.join(', ')}.` };
  return {
    term: { ...usualTerm, days: Number(given.days), slaves: Number(given.slaves), students: Number(given.students), seed: Number(given.seed) },
    policies: policyNames.filter((name) => names.includes(name)),
    out: given.out ?? null,
    json: given.json,
  };
}
