import type { Command } from 'commander';
import type { Act } from '../act';
import { Refusal } from '../errors/refusal';
import { textFrom } from '../files/plain-file';
import { groups, userNames, users } from '../names/kinds';
import { find, pick } from '../names/resolve';
import { line } from '../output/advice';
import { examples } from './examples';
import { manyOf } from './many';
import { sayDone } from './say-done';

export function addGroups(program: Command, act: Act): void {
  const noun = program.command('groups').alias('group').description('who belongs together: members, rosters');
  addLists(noun, act);
  addChanges(noun, act);
  addMembers(noun, act);
  addRoster(noun, act);
}

function addLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('groups you are in or own; operators see all')
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('groups list'))
    .action(
      act(async (context, { limit }: { readonly limit?: string }) => {
        const page = await context.list('get /groups', {}, manyOf(limit));
        if (context.output.json) return context.output.document(page);
        const user = await userNames(context);
        context.output.table(
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'MEMBERS', cell: ({ members }) => String(members), align: 'right' },
            { title: 'OWNER', cell: ({ ownerUserId }) => user(ownerUserId) },
            { title: 'CODE', cell: ({ hasEnrolmentCode }) => (hasEnrolmentCode ? 'yes' : 'no'), wide: true },
            { title: 'ID', cell: ({ id }) => id, wide: true },
            { title: 'ABOUT', cell: ({ description }) => description },
          ],
          page.items,
          'There are no groups that you are in or own.',
        );
      }),
    );

  noun
    .command('show')
    .argument('<group>', 'its name or id')
    .description('one group')
    .addHelpText('after', examples('groups show "CL II"'))
    .action(
      act(async (context, said: string) => {
        const group = await find(context, groups, said);
        if (context.output.json) return context.output.document(group);
        const [times, user] = await Promise.all([context.times(), userNames(context)]);
        context.output.facts([
          ['name', group.name],
          ['about', group.description],
          ['owner', user(group.ownerUserId)],
          ['members', String(group.members)],
          ['registration', group.hasEnrolmentCode ? 'open to who has the code' : 'closed'],
          ['made', times.moment(group.createdAt)],
          ['id', group.id],
        ]);
      }),
    );

  noun
    .command('members')
    .argument('<group>', 'its name or id')
    .description('who is in it')
    .addHelpText('after', examples('groups members "CL II"'))
    .action(
      act(async (context, said: string) => {
        const { id } = await find(context, groups, said);
        const page = await context.list('get /groups/:groupId/members', {}, { params: { groupId: id } });
        if (context.output.json) return context.output.document(page);
        context.output.table([{ title: 'NAME', cell: ({ name }) => name }, { title: 'ROLE', cell: ({ role }) => role }, { title: 'PERSON', cell: ({ displayName }) => displayName }], page.items, 'Nobody is in it.');
      }),
    );
}

function addChanges(noun: Command, act: Act): void {
  noun
    .command('create')
    .argument('<name>', 'what to call it')
    .description('make a group')
    .option('--description <text>', 'what it is for')
    .option('--owner <user>', 'who owns it (administrators)')
    .addHelpText('after', examples('groups create "CL II" --owner tessa'))
    .action(
      act(async (context, name: string, { description, owner }: { readonly description?: string; readonly owner?: string }) => {
        const body = { name, ...(description === undefined ? {} : { description }), ...(owner === undefined ? {} : { ownerUserId: (await find(context, users, owner)).id }) };
        sayDone(context, `The group ${name} is made.`, await context.call('post /groups', { body }));
      }),
    );

  noun
    .command('delete')
    .argument('<group>', 'its name or id')
    .description('delete a group that nothing belongs to')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('groups delete "CL II" --yes'))
    .action(
      act(async (context, said: string, { yes = false }: { readonly yes?: boolean }) => {
        const { id, name, members } = await find(context, groups, said);
        await context.questions.confirm(`Delete the group ${name} with its ${String(members)} members? Their accounts stay.`, yes);
        await context.call('delete /groups/:groupId', { params: { groupId: id } });
        sayDone(context, `The group ${name} is deleted.`, { id, name });
      }),
    );

  noun
    .command('code')
    .argument('<group>', 'its name or id')
    .description('make a code with which people register themselves into it; an earlier one stops working')
    .option('--end', 'end self-registration instead')
    .addHelpText('after', examples('groups code "CL II"', 'groups code "CL II" --end'))
    .action(
      act(async (context, said: string, { end = false }: { readonly end?: boolean }) => {
        const { id, name } = await find(context, groups, said);
        if (end) {
          await context.call('delete /groups/:groupId/enrolment-code', { params: { groupId: id } });
          return sayDone(context, `Nobody registers into ${name} any more.`, { id, name });
        }
        const made = await context.call('post /groups/:groupId/enrolment-code', { params: { groupId: id } });
        if (!context.output.json) context.output.say(`People register into ${name} with this code. It is shown this once:`);
        sayDone(context, made.enrolmentCode, made);
      }),
    );
}

function addMembers(noun: Command, act: Act): void {
  noun
    .command('add-member')
    .argument('<group>', 'its name or id')
    .argument('<user>', 'user name')
    .description('add a user to it')
    .addHelpText('after', examples('groups add-member "CL II" alice'))
    .action(
      act(async (context, said: string, userName: string) => {
        const { id, name } = await find(context, groups, said);
        const user = await context.call('post /groups/:groupId/members', { params: { groupId: id }, body: { userName } });
        sayDone(context, `${user.name} is in ${name}.`, user);
      }),
    );

  noun
    .command('remove-member')
    .argument('<group>', 'its name or id')
    .argument('<user>', 'user name or id')
    .description('take a user out of it; what they run stays theirs')
    .addHelpText('after', examples('groups remove-member "CL II" alice'))
    .action(
      act(async (context, said: string, userName: string) => {
        const { id, name } = await find(context, groups, said);
        const { items } = await context.list('get /groups/:groupId/members', {}, { params: { groupId: id } });
        const user = pick(items, userName, { noun: `member of ${name}`, list: line`paravcl groups members ${{ id, name }}`, as: (one) => ({ id: one.id, names: [one.name], more: one.displayName }) });
        await context.call('delete /groups/:groupId/members/:userId', { params: { groupId: id, userId: user.id } });
        sayDone(context, `${user.name} is no more in ${name}.`, { groupId: id, userId: user.id });
      }),
    );
}

const mostRosterBytes = 4 * 1024 * 1024;

function addRoster(noun: Command, act: Act): void {
  noun
    .command('roster')
    .argument('<group>', 'its name or id')
    .argument('<file>', 'CSV: user name, display name, mail; "-" reads standard input')
    .description('what bringing the people of a list into a group comes to; --apply does it')
    .option('--apply', 'do it: as a whole, or not at all while a line has a fault')
    .addHelpText('after', examples('groups roster "CL II" people.csv', 'groups roster "CL II" people.csv --apply'))
    .action(
      act(async (context, said: string, file: string, { apply = false }: { readonly apply?: boolean }) => {
        const csv = await textFrom(context.world, file, mostRosterBytes);
        const { id, name } = await find(context, groups, said);
        const roster = await context.call('post /groups/:groupId/roster', { params: { groupId: id }, body: { csv, apply } });
        const { output } = context;
        const { counts } = roster;
        if (output.json) output.document(roster);
        else {
          output.table(
            [
              { title: 'LINE', cell: ({ line }) => String(line), align: 'right' },
              { title: 'NAME', cell: ({ name: its }) => its },
              { title: 'OUTCOME', cell: ({ outcome }) => (outcome === 'fault' ? { text: outcome, colour: 'red' } : outcome) },
              { title: 'TOKEN', cell: ({ password }) => password?.token ?? '-', ...(apply ? {} : { wide: true as const }) },
              { title: 'NOTE', cell: ({ sentence }) => sentence },
            ],
            roster.lines,
            'There is nobody in the list.',
          );
          output.say(`${String(counts.newUsers)} new accounts, ${String(counts.added)} added, ${String(counts.alreadyMembers)} in it already, ${String(counts.faults)} faults.`);
          if (!roster.applied && counts.faults === 0) output.say(line`Nothing was done yet. Do it: paravcl groups roster ${{ id, name }} ${file} --apply`);
          if (roster.applied && counts.newUsers > 0) output.say('With its token each new person sets a password once. The tokens are shown this once.');
        }
        if (counts.faults > 0) throw new Refusal(`${String(counts.faults)} lines of the list have a fault; nothing was done.`, line`mend them, then paravcl groups roster ${{ id, name }} ${file}`);
      }),
    );
}
