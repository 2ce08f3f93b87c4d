import { slaveKindSchema } from '@paravcl/shared/domain/slave';
import { Option, type Command } from 'commander';
import type { Act } from '../../act';
import { wrongUsage } from '../../errors/refusal';
import { find } from '../../names/resolve';
import { sayJoinWay } from '../../talk/join-way';
import { durationMinutes } from '../../times/durations';
import { userIdOf, userNames } from '../../names/kinds';
import { examples } from '../examples';
import { sayDone } from '../say-done';

interface TokenOptions {
  readonly kind?: 'dedicated' | 'volunteer';
  readonly owner?: string;
  readonly preapproved?: boolean;
  readonly note?: string;
  readonly time?: string;
}

/** Join tokens: each lets one machine become a host. */
export function addSlaveTokens(noun: Command, act: Act): void {
  noun
    .command('token')
    .description('a join token, with the one command that makes a machine a host')
    .addOption(new Option('--kind <kind>', 'dedicated, or volunteer: somebody’s own').choices(slaveKindSchema.options))
    .option('--owner <user>', 'whose machine it is, a volunteer’s; with --kind volunteer alone it is yours')
    .option('--preapproved', 'it takes part at once, without anybody looking at it')
    .option('--note <text>', 'what it is for')
    .option('--time <time>', 'it is good for so long: 1h unless told, 7d at most')
    .addHelpText('after', examples('slaves token', 'slaves token --preapproved --note "lab-pc-08" --time 1d', 'slaves token --owner alice'))
    .action(
      act(async (context, { owner, kind = owner === undefined ? undefined : 'volunteer', preapproved = false, note = '', time }: TokenOptions) => {
        if (owner !== undefined && kind === 'dedicated') throw wrongUsage('--owner goes with --kind volunteer: a host of the lab has no owner.');
        const ownerUserId = owner === undefined ? undefined : await userIdOf(context, owner);
        const made = await context.call('post /join-tokens', { body: { preapproved, note, ...(ownerUserId === undefined ? {} : { ownerUserId }), ...(kind === undefined ? {} : { kind }), ...(time === undefined ? {} : { lifetimeMinutes: durationMinutes(time, '--time') }) } });
        if (context.output.json) return context.output.document(made);
        const times = await context.times();
        context.output.say('A new machine becomes a host with this.');
        sayJoinWay(context, made, times.moment(made.joinToken.expiresAt));
        if (!made.joinToken.preapproved) context.output.say('It takes part once an operator has let it: paravcl slaves approve NAME');
      }),
    );

  noun
    .command('tokens')
    .description('join tokens, newest first')
    .option('--all', 'used and expired ones too')
    .addHelpText('after', examples('slaves tokens', 'slaves tokens --all'))
    .action(
      act(async (context, { all = false }: { readonly all?: boolean }) => {
        const page = await context.list('get /join-tokens', all ? {} : { state: 'open' });
        if (context.output.json) return context.output.document(page);
        const [times, user] = await Promise.all([context.times(), userNames(context)]);
        context.output.table(
          [
            { title: 'ID', cell: ({ id }) => id },
            { title: 'STATE', cell: ({ state }) => state },
            { title: 'KIND', cell: ({ kind }) => kind },
            { title: 'OWNER', cell: ({ ownerUserId }) => user(ownerUserId), wide: true },
            { title: 'UNTIL', cell: ({ expiresAt }) => times.moment(expiresAt) },
            { title: 'MADE BY', cell: ({ createdByUserId }) => user(createdByUserId) },
            { title: 'NOTE', cell: ({ note }) => note },
          ],
          page.items,
          'There are no open join tokens. Make one: paravcl slaves token',
        );
      }),
    );

  noun
    .command('revoke-token')
    .argument('<join-token>', 'its id, or the beginning of it')
    .description('make a join token open nothing any more')
    .addHelpText('after', examples('slaves revoke-token 01a22ac4-f4c7'))
    .action(
      act(async (context, said: string) => {
        const { id } = await find(context, { key: 'get /join-tokens', noun: 'join token', list: 'paravcl slaves tokens --all', as: (token) => ({ id: token.id, names: [], more: token.state }) }, said);
        await context.call('delete /join-tokens/:joinTokenId', { params: { joinTokenId: id } });
        sayDone(context, 'The join token opens nothing any more.', { id });
      }),
    );
}
