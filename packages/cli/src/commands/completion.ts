import { Argument, type Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import { examples } from './examples';
import { scriptFor, shells, type Shell } from './completion/scripts';
import { namedNouns, placesOf } from './completion/words';

/** Whoever presses Tab does not wait longer. */
const withinMs = 2000;

export function addCompletion(program: Command, act: Act): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'yours').choices(shells))
    .description('the script with which your shell completes commands and names')
    .addHelpText('after', examples('completion bash > ~/.local/share/bash-completion/completions/paravcl', 'completion zsh > ~/.zfunc/_paravcl', 'completion fish > ~/.config/fish/completions/paravcl.fish'))
    .action(act((context, shell: Shell) => Promise.resolve(context.output.raw(scriptFor(shell, placesOf(program))))));

  program
    .command('__complete', { hidden: true })
    .argument('[noun]')
    .action(
      act(async (context, noun: string | undefined) => {
        // Whoever completes sees names, or nothing: never an error in the middle of a line.
        const names = await Promise.race([namesOf(context, noun ?? '').catch(() => []), new Promise<readonly string[]>((done) => setTimeout(() => done([]), withinMs).unref())]);
        for (const name of names) context.output.line(name);
      }),
    );
}

async function namesOf(context: Context, noun: string): Promise<readonly string[]> {
  switch (noun as (typeof namedNouns)[number]) {
    case 'instances':
      return (await context.list('get /instances', {}, { most: 200 })).items.map(({ name }) => name);
    case 'slaves':
      return (await context.list('get /slaves', {}, { most: 200 })).items.map(({ name }) => name);
    case 'images': {
      const { items } = await context.list('get /images', {}, { most: 200 });
      return [...new Set(items.flatMap(({ name, friendlyId }) => [name, friendlyId]))];
    }
    case 'reservations':
      return (await context.list('get /reservations', {}, { most: 200 })).items.map(({ id }) => id);
    case 'deployments':
      return (await context.list('get /deployments', {}, { most: 200 })).items.map(({ name }) => name);
    case 'snapshots':
      return (await context.list('get /snapshots', {}, { most: 200 })).items.map(({ name }) => name);
    case 'groups':
      return (await context.list('get /groups', {}, { most: 200 })).items.map(({ name }) => name);
    case 'users':
      return (await context.list('get /users', {}, { most: 200 })).items.map(({ name }) => name);
    case 'tokens':
      return (await context.call('get /api-tokens', {})).items.map(({ name }) => name);
    default:
      return [];
  }
}
