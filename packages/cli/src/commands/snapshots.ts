import type { Command } from 'commander';
import type { Act } from '../act';
import { Refusal, wrongUsage } from '../errors/refusal';
import { deployments, families, instanceOf, snapshots } from '../names/kinds';
import { find } from '../names/resolve';
import { line } from '../output/advice';
import { levelCell } from '../output/states';
import { tellBytes } from '../output/sizes';
import { follow } from '../talk/follow';
import { examples } from './examples';
import { manyOf } from './many';
import { settled } from './operation';
import { sayDone } from './say-done';

interface CreateOptions {
  readonly name?: string;
  readonly deployment?: string;
  readonly image?: string;
  readonly production?: boolean;
  readonly ram?: boolean;
  readonly wait: boolean;
}

export function addSnapshots(program: Command, act: Act): void {
  const noun = program.command('snapshots').alias('snapshot').description('what disks of machines held at one moment');

  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('snapshots, newest first')
    .option('--instance <name>', 'only those with this instance')
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('snapshots list', 'snapshots list --instance web'))
    .action(
      act(async (context, { instance, limit }: { readonly instance?: string; readonly limit?: string }) => {
        const page = await context.list('get /snapshots', { instanceId: instance === undefined ? undefined : (await instanceOf(context, instance)).id }, manyOf(limit));
        const { output } = context;
        if (output.json) return output.document(page);
        const times = await context.times();
        output.table(
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'STATE', cell: ({ state }) => levelCell(state === 'ready' ? 'good' : state === 'pending' ? 'waits' : 'bad', state, output.unicode) },
            { title: 'OF', cell: ({ parts }) => parts.slice(0, 3).map(({ instanceName }) => instanceName).join(', ') + (parts.length > 3 ? `, and ${String(parts.length - 3)} more` : '') },
            { title: 'MADE', cell: ({ createdAt }) => times.moment(createdAt) },
            { title: 'ID', cell: ({ id }) => id, wide: true },
            { title: 'HOW', cell: ({ sentence }) => sentence },
          ],
          page.items,
          'There are no snapshots. Make one: paravcl snapshots create INSTANCE',
        );
      }),
    );

  noun
    .command('show')
    .argument('<snapshot>', 'its name or id')
    .description('one snapshot with its disks')
    .addHelpText('after', examples('snapshots show "before the exam"'))
    .action(
      act(async (context, said: string) => {
        const { id } = await find(context, snapshots, said);
        const snapshot = await context.call('get /snapshots/:snapshotId', { params: { snapshotId: id } });
        const { output } = context;
        if (output.json) return output.document(snapshot);
        output.heading(`${snapshot.name}: ${snapshot.sentence}`);
        output.table(
          [
            { title: 'INSTANCE', cell: ({ instanceName }) => instanceName },
            { title: 'STATE', cell: ({ state }) => state },
            { title: 'WAS', cell: ({ how }) => how ?? '-' },
            { title: 'RAM', cell: ({ ram }) => (ram ? 'kept' : '-') },
            { title: 'SENT', cell: ({ dirtiedBytes }) => (dirtiedBytes === null ? '-' : tellBytes(dirtiedBytes)), align: 'right' },
            { title: 'WHY', cell: ({ sentence }) => sentence ?? '' },
          ],
          snapshot.parts,
          'It has no disks.',
        );
      }),
    );

  noun
    .command('create')
    .argument('[instances...]', 'names or ids')
    .description('keep what disks hold now')
    .option('--name <name>', 'what to call it')
    .option('--deployment <name>', 'all machines of a deployment instead')
    .option('--image <name>', 'save the one instance as the next version of this image')
    .option('--production', 'and put that into production')
    .option('--ram', 'keep the RAM too')
    .option('--no-wait', 'do not wait until it is there')
    .addHelpText('after', examples('snapshots create web --name "before the upgrade"', 'snapshots create web --image Ubuntu --production'))
    .action(
      act(async (context, said: string[], { name, deployment, image, production, ram, wait }: CreateOptions) => {
        if ((said.length === 0) === (deployment === undefined)) throw wrongUsage('Say what to keep: either instances or --deployment.');
        const body = {
          ...(deployment === undefined ? { instanceIds: await Promise.all(said.map(async (one) => (await instanceOf(context, one)).id)) } : { deploymentId: (await find(context, deployments, deployment)).id }),
          ...(name === undefined ? {} : { name }),
          ...(image === undefined ? {} : { familyId: (await find(context, families, image)).id }),
          ...(production === undefined ? {} : { production }),
          ...(ram === undefined ? {} : { ram }),
        };
        const accepted = await context.call('post /snapshots', { body });
        const operation = await settled(context, accepted.operation, wait, line`paravcl snapshots show ${accepted.snapshot.id}`);
        const snapshot = await context.call('get /snapshots/:snapshotId', { params: { snapshotId: accepted.snapshot.id } });
        sayDone(context, `${snapshot.name}: ${snapshot.sentence}`, { snapshot, operation });
      }),
    );

  noun
    .command('restore')
    .argument('<snapshot>', 'its name or id')
    .description('take instances back to what it holds; what is on their disks now is lost')
    .option('--instance <names...>', 'only these; all of them unless told')
    .option('-y, --yes', 'do not ask')
    .option('--no-wait', 'do not wait for the end')
    .addHelpText('after', examples('snapshots restore "before the upgrade" --yes'))
    .action(
      act(async (context, said: string, { instance, yes = false, wait }: { readonly instance?: string[]; readonly yes?: boolean; readonly wait: boolean }) => {
        const { id, name, parts } = await find(context, snapshots, said);
        const instanceIds = instance === undefined ? undefined : await Promise.all(instance.map(async (one) => (await instanceOf(context, one)).id));
        await context.questions.confirm(`Take ${String(instanceIds?.length ?? parts.length)} instances back to ${name}? What is on their disks now is lost.`, yes);
        const answer = await context.call('post /snapshots/:snapshotId/restore', { params: { snapshotId: id }, body: instanceIds === undefined ? {} : { instanceIds } });
        const { output } = context;
        for (const { instanceName, sentence } of answer.refused) output.warn(`${instanceName}: ${sentence}`);
        const restored = [];
        for (const one of answer.restored) restored.push({ ...one, operation: wait ? await follow(context, one.operation, line`paravcl instances show ${{ id: one.instanceId, name: one.instanceName }}`) : one.operation });
        if (output.json) output.document({ ...answer, restored });
        else for (const { instanceName, operation } of restored) output.line(`${instanceName}: ${operation.sentence}`);
        if (answer.refused.length > 0) throw new Refusal(`${String(answer.refused.length)} could not be taken back.`, line`paravcl snapshots show ${id}`);
      }),
    );

  noun
    .command('delete')
    .argument('<snapshot>', 'its name or id')
    .description('delete a snapshot with its image versions')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('snapshots delete "before the upgrade" --yes'))
    .action(
      act(async (context, said: string, { yes = false }: { readonly yes?: boolean }) => {
        const { id, name } = await find(context, snapshots, said);
        await context.questions.confirm(`Delete the snapshot ${name}? It cannot be had back.`, yes);
        await context.call('delete /snapshots/:snapshotId', { params: { snapshotId: id } });
        sayDone(context, `The snapshot ${name} is deleted.`, { id, name });
      }),
    );
}
