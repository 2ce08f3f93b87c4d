import { Argument, type Command } from 'commander';
import type { Act } from '../act';
import { examples } from './examples';
import { scriptFor, shells, type Shell } from './completion/scripts';
import { namesOf } from './completion/names-of';
import { placesOf } from './completion/words';
import { wantedAt } from './completion/wanted';

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
    .argument('[words...]')
    .action(
      act(async (context, words: readonly string[]) => {
        const wanted = wantedAt(program, words);
        if (wanted === null) return;
        if ('choices' in wanted) return wanted.choices.forEach((choice) => context.output.line(choice));
        // Whoever completes sees names, or nothing: never an error in the middle of a line.
        context.giveUpAfter(withinMs);
        const names = await namesOf(context, wanted.things).catch(() => []);
        for (const name of names) context.output.line(name);
      }),
    );
}
