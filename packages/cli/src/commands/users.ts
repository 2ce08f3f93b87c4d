import { roleSchema, type Role } from '@paravcl/shared/domain/people';
import { Argument, Option, type Command } from 'commander';
import type { Act } from '../act';
import { wrongUsage } from '../errors/refusal';
import { groupNames, groups, users } from '../names/kinds';
import { find } from '../names/resolve';
import { examples } from './examples';
import { manyOf } from './many';
import { sayDone } from './say-done';

export function addUsers(program: Command, act: Act): void {
  const noun = program.command('users').alias('user').description('accounts');
  addLists(noun, act);
  addChanges(noun, act);
}

function addLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('users, newest first; teachers see the members of their groups')
    .addOption(new Option('--role <role>', 'only those').choices(roleSchema.options))
    .option('--group <name>', 'only those of this group')
    .option('--name <part>', 'only those with this in their name')
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('users list', 'users list --role teacher'))
    .action(
      act(async (context, { role, group, name, limit }: { readonly role?: string; readonly group?: string; readonly name?: string; readonly limit?: string }) => {
        const page = await context.list('get /users', { role, name, groupId: group === undefined ? undefined : (await find(context, groups, group)).id }, manyOf(limit));
        if (context.output.json) return context.output.document(page);
        const [times, groupName] = await Promise.all([context.times(), groupNames(context)]);
        context.output.table(
          [
            { title: 'NAME', cell: ({ name: its }) => its },
            { title: 'ROLE', cell: ({ role: its }) => its },
            { title: 'PERSON', cell: ({ displayName }) => displayName },
            { title: 'GROUPS', cell: ({ groupIds }) => groupIds.map(groupName).join(', ') },
            { title: 'MAIL', cell: ({ mail }) => mail ?? '-', wide: true },
            { title: 'SINCE', cell: ({ createdAt }) => times.moment(createdAt), wide: true },
            { title: 'ID', cell: ({ id }) => id, wide: true },
            { title: 'NOTE', cell: ({ disabled }) => (disabled ? 'locked out' : '') },
          ],
          page.items,
          'There are no such users.',
        );
      }),
    );

  noun
    .command('show')
    .argument('<user>', 'user name or id')
    .description('one user')
    .addHelpText('after', examples('users show alice'))
    .action(
      act(async (context, said: string) => {
        const user = await find(context, users, said);
        if (context.output.json) return context.output.document(user);
        const [times, group] = await Promise.all([context.times(), groupNames(context)]);
        context.output.facts([
          ['name', user.name],
          ['person', user.displayName],
          ['role', user.role],
          ['groups', user.groupIds.map(group).join(', ')],
          ['primary group', user.primaryGroupId === null ? null : group(user.primaryGroupId)],
          ['mail', user.mail],
          ['keys', String(user.sshPublicKeys.length)],
          ['locked out', user.disabled ? 'yes' : null],
          ['since', times.moment(user.createdAt)],
          ['id', user.id],
        ]);
      }),
    );
}

function addChanges(noun: Command, act: Act): void {
  noun
    .command('create')
    .argument('<name>', 'user name')
    .description('make an account; shows the token with which the person sets a password')
    .requiredOption('--display-name <name>', 'as people know them')
    .addOption(new Option('--role <role>', 'what they may do').choices(roleSchema.options).default('student'))
    .option('--group <name>', 'primary group')
    .option('--mail <address>', 'where notices go')
    .addHelpText('after', examples('users create alice --display-name "Alice Liddell" --group "CL II"'))
    .action(
      act(async (context, name: string, { displayName, role, group, mail }: { readonly displayName: string; readonly role: Role; readonly group?: string; readonly mail?: string }) => {
        const body = { name, displayName, role, ...(mail === undefined ? {} : { mail }), ...(group === undefined ? {} : { primaryGroupId: (await find(context, groups, group)).id }) };
        const made = await context.call('post /users', { body });
        if (context.output.json) return context.output.document(made);
        const times = await context.times();
        context.output.say(`${made.user.name} sets a password with this token until ${times.moment(made.password.expiresAt)}. It is shown this once:`);
        context.output.line(made.password.token);
      }),
    );

  noun
    .command('edit')
    .argument('<user>', 'user name or id')
    .description('change what is said about a user')
    .option('--display-name <name>', 'as people know them')
    .option('--mail <address>', 'where notices go; "none" for nowhere')
    .option('--group <name>', 'primary group; "none" for none')
    .addHelpText('after', examples('users edit alice --mail alice@example.edu'))
    .action(
      act(async (context, said: string, { displayName, mail, group }: { readonly displayName?: string; readonly mail?: string; readonly group?: string }) => {
        const body = {
          ...(displayName === undefined ? {} : { displayName }),
          ...(mail === undefined ? {} : { mail: mail === 'none' ? null : mail }),
          ...(group === undefined ? {} : { primaryGroupId: group === 'none' ? null : (await find(context, groups, group)).id }),
        };
        if (Object.keys(body).length === 0) throw wrongUsage('Say what to change.', 'paravcl users edit --help');
        const { id } = await find(context, users, said);
        const user = await context.call('patch /users/:userId', { params: { userId: id }, body });
        sayDone(context, `${user.name} is changed.`, user);
      }),
    );

  for (const [verb, disabled, about, done] of [['lock', true, 'lock somebody out; ends all their sessions', 'is locked out'], ['unlock', false, 'let somebody in again', 'may log in again']] as const) {
    noun
      .command(verb)
      .argument('<user>', 'user name or id')
      .description(about)
      .addHelpText('after', examples(`users ${verb} alice`))
      .action(
        act(async (context, said: string) => {
          const { id } = await find(context, users, said);
          const user = await context.call('patch /users/:userId', { params: { userId: id }, body: { disabled } });
          sayDone(context, `${user.name} ${done}.`, user);
        }),
      );
  }

  noun
    .command('role')
    .argument('<user>', 'user name or id')
    .addArgument(new Argument('<role>', 'what they may do').choices(roleSchema.options))
    .description('give a user another role')
    .addHelpText('after', examples('users role alice teacher'))
    .action(
      act(async (context, said: string, role: Role) => {
        const { id } = await find(context, users, said);
        const user = await context.call('put /users/:userId/role', { params: { userId: id }, body: { role } });
        sayDone(context, `${user.name} is ${user.role} from now on.`, user);
      }),
    );

  noun
    .command('password-token')
    .argument('<user>', 'user name or id')
    .description('a token with which the person sets a new password once')
    .addHelpText('after', examples('users password-token alice'))
    .action(
      act(async (context, said: string) => {
        const { id, name } = await find(context, users, said);
        const made = await context.call('post /users/:userId/password-token', { params: { userId: id } });
        if (!context.output.json) context.output.say(`${name} sets a new password with this token. It is shown this once:`);
        sayDone(context, made.token, made);
      }),
    );
}
