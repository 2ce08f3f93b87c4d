import type { Command } from 'commander';

/** What may follow some words of a command line. */
export interface Place {
  /** "instances show"; empty for the program itself. */
  readonly path: string;
  /** Commands and options. */
  readonly words: readonly string[];
  /** The noun whose names may stand there; null where there are none. */
  readonly names: string | null;
}

/** Nouns whose things have names that the master tells. */
export const namedNouns = ['instances', 'slaves', 'images', 'reservations', 'deployments', 'snapshots', 'groups', 'users', 'tokens'] as const;

const nounOf: Readonly<Record<string, string>> = { instance: 'instances', host: 'slaves', image: 'images', version: 'images', reservation: 'reservations', deployment: 'deployments', snapshot: 'snapshots', group: 'groups', user: 'users', token: 'tokens', instances: 'instances', id: 'instances' };

/** All places of a tree of commands. */
export function placesOf(program: Command): readonly Place[] {
  const globals = optionsOf(program);
  const below = (command: Command, path: readonly string[]): readonly Place[] => {
    const children = command.commands.filter((child) => !child.name().startsWith('__'));
    const said = command.registeredArguments[0]?.name();
    const place: Place = {
      path: path.join(' '),
      words: [...children.map((child) => child.name()), ...(command === program ? [] : optionsOf(command)), ...globals, '--help'],
      names: said === undefined ? null : said === 'name' ? (path[0] === 'images' && path[1] === 'versions' ? 'images' : null) : (nounOf[said] ?? null),
    };
    return [place, ...children.flatMap((child) => [child.name(), ...child.aliases()].flatMap((name) => below(child, [...path, name])))];
  };
  return below(program, []);
}

const optionsOf = (command: Command): readonly string[] => command.options.map(({ long, short }) => long ?? short ?? '').filter((one) => one !== '');
