import type { Command } from 'commander';

/** What may follow some words of a command line. */
export interface Place {
  /** "instances show"; empty for the program itself. */
  readonly path: string;
  /** Commands and options. */
  readonly words: readonly string[];
  /** Whether something else may stand there too, which the program is asked for. */
  readonly asks: boolean;
}

/** All places of a tree of commands. */
export function placesOf(program: Command): readonly Place[] {
  const globals = optionsOf(program);
  const below = (command: Command, path: readonly string[]): readonly Place[] => {
    const children = command.commands.filter((child) => !child.name().startsWith('__'));
    const place: Place = {
      path: path.join(' '),
      words: [...children.map((child) => child.name()), ...(command === program ? [] : optionsOf(command)), ...globals, '--help'],
      asks: command !== program && (command.registeredArguments.length > 0 || command.options.some(({ required }) => required)),
    };
    return [place, ...children.flatMap((child) => [child.name(), ...child.aliases()].flatMap((name) => below(child, [...path, name])))];
  };
  return below(program, []);
}

const optionsOf = (command: Command): readonly string[] => command.options.map(({ long, short }) => long ?? short ?? '').filter((one) => one !== '');
