import type { Command } from 'commander';
import type { Act } from '../act';
import { notices as noticeOf } from '../names/notices';
import { find } from '../names/resolve';
import { examples } from './examples';
import { manyOf } from './many';
import { sayDone } from './say-done';

export function addNotices(program: Command, act: Act): void {
  const noun = program.command('notices').alias('notice').description('what happened to your things without your asking');

  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('notices, newest first; those that are unread unless --all')
    .option('--all', 'read ones too')
    .option('--limit <number>', 'at most so many', '50')
    .addHelpText('after', examples('notices', 'notices list --all'))
    .action(
      act(async (context, { all = false, limit }: { readonly all?: boolean; readonly limit: string }) => {
        const page = await context.list('get /notices', all ? {} : { unread: true }, manyOf(limit));
        if (context.output.json) return context.output.document(page);
        const times = await context.times();
        context.output.table([{ title: 'WHEN', cell: ({ at }) => times.moment(at) }, { title: 'KIND', cell: ({ kind }) => kind, wide: true }, { title: 'ID', cell: ({ id }) => id, wide: true }, { title: 'NOTICE', cell: ({ sentence }) => sentence }], page.items, 'There are no unread notices.');
      }),
    );

  noun
    .command('read')
    .argument('[notice]', 'its id; all of them unless told')
    .description('mark notices as read')
    .addHelpText('after', examples('notices read'))
    .action(
      act(async (context, said: string | undefined) => {
        const items = said === undefined ? (await context.list('get /notices', { unread: true })).items : [await find(context, noticeOf, said)];
        const read = [];
        for (const { id } of items) read.push(await context.call('post /notices/:noticeId/read', { params: { noticeId: id } }));
        sayDone(context, `${String(read.length)} ${read.length === 1 ? 'notice is' : 'notices are'} marked as read.`, { items: read });
      }),
    );
}
