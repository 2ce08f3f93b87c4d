import type { Command, Option } from 'commander';

/** What a place of a command line is for: things of the site, or one of a few words. */
export type Wanted = { readonly things: Things } | { readonly choices: readonly string[] };

/** Kinds of things that the master tells names or ids of. */
export const things = ['instances', 'slaves', 'images', 'image-names', 'versions', 'reservations', 'deployments', 'snapshots', 'groups', 'users', 'tokens', 'join-tokens', 'notices', 'installs', 'explained'] as const;
export type Things = (typeof things)[number];

const ofArgument: Readonly<Record<string, Things>> = {
  instance: 'instances', instances: 'instances', host: 'slaves', image: 'images', 'image-name': 'image-names', version: 'versions', reservation: 'reservations', deployment: 'deployments', snapshot: 'snapshots', group: 'groups', user: 'users', token: 'tokens', 'join-token': 'join-tokens', notice: 'notices', install: 'installs', id: 'explained',
};
const ofOption: Readonly<Record<string, Things>> = {
  '--group': 'groups', '--image': 'images', '--host': 'slaves', '--instance': 'instances', '--owner': 'users', '--users': 'users', '--deployment': 'deployments', '--snapshot': 'snapshots', '--version-of': 'image-names',
};

/** What may follow these words, the one that is being typed left out; null where nobody but the person knows. */
export function wantedAt(program: Command, words: readonly string[]): Wanted | null {
  let command = program;
  let valued: Option | null = null;
  const said: string[] = [];
  for (const word of words) {
    if (valued !== null) {
      valued = null;
    } else if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find(({ long, short }) => long === word || short === word);
      valued = option?.required === true ? option : null;
    } else {
      const child = said.length > 0 ? undefined : command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (child === undefined) said.push(word);
      else command = child;
    }
  }
  if (valued !== null) return wanted(valued.argChoices, ofOption[valued.long ?? '']);
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[said.length] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? null : wanted(argument.argChoices, ofArgument[argument.name()]);
}

function wanted(choices: readonly string[] | undefined, kind: Things | undefined): Wanted | null {
  if (choices !== undefined) return { choices };
  return kind === undefined ? null : { things: kind };
}
