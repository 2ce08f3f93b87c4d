import { Option, type Command } from 'commander';
import type { Act } from '../act';
import { pick } from '../names/resolve';
import { examples } from './examples';
import { wholeNumber } from './many';
import { sayDone } from './say-done';

export function addTokens(program: Command, act: Act): void {
  const noun = program.command('tokens').alias('token').description('API tokens of yours, for scripts');

  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('your tokens; what they are is shown when they are made, and never again')
    .addHelpText('after', examples('tokens list'))
    .action(
      act(async (context) => {
        const answer = await context.call('get /api-tokens', {});
        if (context.output.json) return context.output.document(answer);
        const times = await context.times();
        context.output.table(
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'MAY', cell: ({ scope }) => (scope === 'read' ? 'look' : 'everything') },
            { title: 'BEGINS', cell: ({ hint }) => hint },
            { title: 'UNTIL', cell: ({ expiresAt }) => times.moment(expiresAt) },
            { title: 'USED', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : times.moment(lastUsedAt)) },
            { title: 'ID', cell: ({ id }) => id, wide: true },
          ],
          answer.items,
          'You have no tokens. Make one: paravcl tokens create NAME',
        );
      }),
    );

  noun
    .command('create')
    .argument('<name>', 'what it is for')
    .description('make a token for a script: PARAVCL_TOKEN')
    .addOption(new Option('--scope <scope>', 'may only look, or everything you may').choices(['read', 'full']).default('full'))
    .option('--days <number>', 'it ends after so many days', '90')
    .addHelpText('after', examples('tokens create nightly --scope read --days 30'))
    .action(
      act(async (context, name: string, { scope, days }: { readonly scope: 'read' | 'full'; readonly days: string }) => {
        const made = await context.call('post /api-tokens', { body: { name, scope, days: wholeNumber(days, '--days') } });
        if (context.output.json) return context.output.document(made);
        const times = await context.times();
        context.output.say(`The token is good until ${times.moment(made.apiToken.expiresAt)}. It is shown this once:`);
        context.output.line(made.token);
      }),
    );

  noun
    .command('revoke')
    .argument('<token>', 'its name or id')
    .description('make a token open nothing any more')
    .addHelpText('after', examples('tokens revoke nightly'))
    .action(
      act(async (context, said: string) => {
        const { items } = await context.call('get /api-tokens', {});
        const { id, name } = pick(items, said, { noun: 'token', list: 'paravcl tokens list', as: (token) => ({ id: token.id, names: [token.name], more: token.hint }) });
        await context.call('delete /api-tokens/:apiTokenId', { params: { apiTokenId: id } });
        sayDone(context, `The token ${name} opens nothing any more.`, { id, name });
      }),
    );
}
