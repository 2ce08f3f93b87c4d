import { observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { Option, type Command } from 'commander';
import type { Act } from '../../act';
import { instanceOf, slaveNames, slaveOf, userNames, groupNames, groups, users, type InstanceItem } from '../../names/kinds';
import { find } from '../../names/resolve';
import { tellCores, tellMiB } from '../../output/sizes';
import { stateCell, stateWord } from '../../output/states';
import type { Column } from '../../output/table';
import type { Times } from '../../output/times';
import { manyOf } from '../many';
import { nextAction } from './next-action';

interface Listed {
  readonly state?: string;
  readonly user?: string;
  readonly group?: string;
  readonly host?: string;
  readonly recycled?: boolean;
  readonly limit?: string;
}

export function instanceColumns(times: Times, unicode: boolean, host: (id: string | null) => string, user: (id: string | null) => string): readonly Column<InstanceItem>[] {
  return [
    { title: 'NAME', cell: ({ name }) => name },
    { title: 'STATE', cell: ({ observed }) => stateCell(observed, unicode) },
    { title: 'ADDRESS', cell: ({ address }) => address ?? '-' },
    { title: 'UNTIL', cell: ({ endsAt }) => times.moment(endsAt) },
    { title: 'SIZE', cell: ({ vcpus, ramMiB }) => `${String(vcpus)} × ${tellMiB(ramMiB)}`.replace('×', unicode ? '×' : 'x') },
    { title: 'OWNER', cell: ({ userId }) => user(userId), wide: true },
    { title: 'HOST', cell: ({ slaveId, inStore }) => (inStore ? 'store' : host(slaveId)), wide: true },
    { title: 'DISK', cell: ({ diskMiB }) => tellMiB(diskMiB), wide: true },
    { title: 'TYPE', cell: ({ type }) => (type === 'AR' ? 'reserved' : 'best effort'), wide: true },
    { title: 'CREATED', cell: ({ createdAt }) => times.moment(createdAt), wide: true },
    { title: 'ID', cell: ({ id }) => id, wide: true },
    { title: 'WHY', cell: ({ reason, recycledAt }) => (recycledAt !== null ? 'in the recycle bin' : (reason?.sentence ?? '')) },
  ];
}

export function addInstanceLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('instances you may see, newest first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(observedStateSchema.options))
    .option('--user <name>', 'only those of this person')
    .option('--group <name>', 'only those of this group')
    .option('--host <name>', 'only those on this host')
    .option('--recycled', 'only those in the recycle bin')
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', '\nExamples:\n  paravcl instances list\n  paravcl instances list --state running -o wide\n  paravcl instances list --json | jq -r ".items[].name"')
    .action(
      act(async (context, options: Listed) => {
        const query = {
          state: options.state,
          recycled: options.recycled,
          userId: options.user === undefined ? undefined : (await find(context, users, options.user)).id,
          groupId: options.group === undefined ? undefined : (await find(context, groups, options.group)).id,
          slaveId: options.host === undefined ? undefined : (await slaveOf(context, options.host)).id,
        };
        const page = await context.list('get /instances', query, manyOf(options.limit));
        if (context.output.json) return context.output.document(page);
        const isWide = context.options.output === 'wide';
        const unknown = (): string => '-';
        const [times, host, user] = await Promise.all([context.times(), isWide ? slaveNames(context) : unknown, isWide ? userNames(context) : unknown]);
        context.output.table(instanceColumns(times, context.output.unicode, host, user), page.items, 'There are no such instances. Launch one: paravcl instances launch IMAGE');
      }),
    );

  noun
    .command('show')
    .argument('<instance>', 'its name or id')
    .description('one instance with what to do next')
    .addHelpText('after', '\nExample:\n  paravcl instances show i-ubuntu-9af')
    .action(
      act(async (context, said: string) => {
        const instance = await instanceOf(context, said);
        const { output } = context;
        if (output.json) return output.document(instance);
        const [times, host, user, group] = await Promise.all([context.times(), slaveNames(context), userNames(context), groupNames(context)]);
        output.facts([
          ['name', instance.name],
          ['state', stateCell(instance.observed, output.unicode)],
          ['why', instance.reason?.sentence ?? null],
          ['short of', instance.shortOfProcessor === undefined ? null : `a processor since ${instance.shortOfProcessor.since}: ${instance.shortOfProcessor.sentence}`],
          ['address', instance.address],
          ['until', instance.endsAt === null ? null : `${times.moment(instance.endsAt)} (${times.away(instance.endsAt)})`],
          ['size', `${tellCores(instance.vcpus)}, ${tellMiB(instance.ramMiB)} RAM, ${tellMiB(instance.diskMiB)} disk`],
          ['owner', user(instance.userId)],
          ['group', instance.groupId === null ? null : group(instance.groupId)],
          ['host', instance.inStore ? 'none; its disk is in the store' : host(instance.slaveId)],
          ['waits since', instance.queuedAt === null ? null : times.moment(instance.queuedAt)],
          ['recycle bin', instance.recycledAt === null ? null : `since ${times.moment(instance.recycledAt)}${instance.recycledUntil === null ? '' : `, deleted ${times.moment(instance.recycledUntil)}`}`],
          ['ages out', instance.agesOutAt === null ? null : times.moment(instance.agesOutAt)],
          ['priority', String(Number(instance.priority.pi.toFixed(3)))],
          ['created', times.moment(instance.createdAt)],
          ['id', instance.id],
          ['next', nextAction(instance)],
        ]);
      }),
    );

  noun
    .command('history')
    .argument('<instance>', 'its name or id')
    .option('--limit <number>', 'at most so many', '20')
    .description('everything that happened to an instance, newest first')
    .addHelpText('after', '\nExample:\n  paravcl instances history i-ubuntu-9af --limit 5')
    .action(
      act(async (context, said: string, { limit }: { readonly limit: string }) => {
        const { id } = await instanceOf(context, said);
        const page = await context.list('get /instances/:instanceId/history', {}, { ...manyOf(limit), params: { instanceId: id } });
        if (context.output.json) return context.output.document(page);
        const [times, host] = await Promise.all([context.times(), slaveNames(context)]);
        context.output.table(
          [
            { title: 'WHEN', cell: ({ at }) => times.moment(at) },
            { title: 'STATE', cell: ({ to }) => stateWord(to) },
            { title: 'BY', cell: ({ by }) => by },
            { title: 'HOST', cell: ({ slaveId }) => host(slaveId), wide: true },
            { title: 'WHY', cell: ({ reason }) => reason?.sentence ?? '' },
          ],
          page.items,
          'Nothing happened to it yet.',
        );
      }),
    );
}
