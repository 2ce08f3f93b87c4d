import type { Answered } from '@paravcl/shared/client/routes';
import type { Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { deployments, groups, launchableOf, slaveNames, slaveOf, userNames } from '../names/kinds';
import { find } from '../names/resolve';
import { line } from '../output/advice';
import { tellCores, tellMiB } from '../output/sizes';
import { stateCell } from '../output/states';
import { examples } from './examples';
import { addSizes, sizesOf, timeOf, type SizeOptions } from './instances/sizes';
import { manyOf, wholeNumber } from './many';
import { settled } from './operation';
import { sayDone } from './say-done';

type Accepted = Answered<'post /deployments'>;

export function addDeployments(program: Command, act: Act): void {
  const noun = program.command('deployments').alias('deployment').description('many machines as one thing');
  addLists(noun, act);
  addCreate(noun, act);
  addVerbs(noun, act);
}

function addLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('deployments, newest first')
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('deployments list'))
    .action(
      act(async (context, { limit }: { readonly limit?: string }) => {
        const page = await context.list('get /deployments', {}, manyOf(limit));
        if (context.output.json) return context.output.document(page);
        const times = await context.times();
        context.output.table(
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'MACHINES', cell: ({ counts }) => String(counts.members), align: 'right' },
            { title: 'RUNNING', cell: ({ counts }) => String(counts.instances.running ?? 0), align: 'right' },
            { title: 'SIZE', cell: ({ vcpus, ramMiB }) => `${tellCores(vcpus)}, ${tellMiB(ramMiB)}`, wide: true },
            { title: 'MADE', cell: ({ createdAt }) => times.moment(createdAt), wide: true },
            { title: 'ID', cell: ({ id }) => id, wide: true },
            { title: 'STATE', cell: ({ sentence }) => sentence },
          ],
          page.items,
          'There are no deployments. Make one: paravcl deployments create NAME --image IMAGE --count 3',
        );
      }),
    );

  noun
    .command('show')
    .argument('<deployment>', 'its name or id')
    .description('one deployment with its machines')
    .addHelpText('after', examples('deployments show "CL II"'))
    .action(
      act(async (context, said: string) => {
        const { id } = await find(context, deployments, said);
        const answer = await context.call('get /deployments/:deploymentId', { params: { deploymentId: id } });
        const { output } = context;
        if (output.json) return output.document(answer);
        const [host, user] = await Promise.all([slaveNames(context), userNames(context)]);
        output.heading(`${answer.deployment.name}: ${answer.deployment.sentence}`);
        output.table(
          [
            { title: 'SLOT', cell: ({ slot }) => String(slot), align: 'right' },
            { title: 'NAME', cell: ({ name }) => name ?? '-' },
            { title: 'OWNER', cell: ({ userId }) => user(userId) },
            { title: 'STATE', cell: ({ observed, state }) => (observed === null ? state : stateCell(observed, output.unicode)) },
            { title: 'ADDRESS', cell: ({ address }) => address ?? '-' },
            { title: 'HOST', cell: ({ slaveId }) => host(slaveId), wide: true },
            { title: 'WHY', cell: ({ sentence, reason }) => sentence ?? reason?.sentence ?? '' },
          ],
          answer.members,
          'It has no machines.',
        );
      }),
    );
}

interface CreateOptions extends SizeOptions {
  readonly image: string;
  readonly count?: string;
  readonly users?: string[];
  readonly description?: string;
  readonly group?: string;
  readonly time?: string;
  readonly host?: string[];
  readonly perHost?: string;
  readonly wait: boolean;
}

function howMany(count: string | undefined, users: readonly string[] | undefined): { readonly count: number } | { readonly users: string[] } {
  if ((count === undefined) === (users === undefined)) throw wrongUsage('Say how many: exactly one of --count and --users.');
  return users === undefined ? { count: wholeNumber(count ?? '', '--count') } : { users: users.flatMap((one) => one.split(',')).filter((one) => one !== '') };
}

function addCreate(noun: Command, act: Act): void {
  addSizes(noun.command('create').argument('<name>', 'what to call it').description('launch many machines as one thing').requiredOption('--image <image>', 'an image, a version of it, or a template'))
    .option('--count <number>', 'so many machines of yours')
    .option('--users <names...>', 'or one for each of these people')
    .option('--description <text>', 'what it is for')
    .option('--group <name>', 'the group all machines belong to')
    .option('--time <time>', 'how long each runs before it is saved')
    .option('--host <names...>', 'only on these hosts')
    .option('--per-host <number>', 'at most so many boot on one host at a time')
    .option('--no-wait', 'do not wait until all run')
    .addHelpText('after', examples('deployments create "CL II, week 3" --image Ubuntu --count 12', 'deployments create exam --image Exam --users alice bob --time 2h'))
    .action(
      act(async (context, name: string, options: CreateOptions) => {
        const body = {
          name,
          ...(await launchableOf(context, options.image)),
          ...howMany(options.count, options.users),
          ...sizesOf(options),
          ...timeOf(options.time),
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.group === undefined ? {} : { groupId: (await find(context, groups, options.group)).id }),
          ...(options.host === undefined ? {} : { slaveIds: await Promise.all(options.host.map(async (one) => (await slaveOf(context, one)).id)) }),
          ...(options.perHost === undefined ? {} : { perHostLimit: wholeNumber(options.perHost, '--per-host') }),
        };
        await sayWhole(context, await context.call('post /deployments', { body }), options.wait);
      }),
    );

  noun
    .command('add')
    .argument('<deployment>', 'its name or id')
    .description('add machines to it')
    .option('--count <number>', 'so many machines of yours')
    .option('--users <names...>', 'or one for each of these people')
    .option('--no-wait', 'do not wait until all run')
    .addHelpText('after', examples('deployments add exam --users carol'))
    .action(
      act(async (context, said: string, { count, users, wait }: { readonly count?: string; readonly users?: string[]; readonly wait: boolean }) => {
        const { id } = await find(context, deployments, said);
        await sayWhole(context, await context.call('post /deployments/:deploymentId/members', { params: { deploymentId: id }, body: howMany(count, users) }), wait);
      }),
    );
}

interface VerbOptions {
  readonly wait: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly toProduction?: boolean;
}

function addVerbs(noun: Command, act: Act): void {
  const verb = (name: string, about: string, question: ((deployment: string, options: VerbOptions) => string | null) | null, send: (context: Context, params: { readonly deploymentId: string }, options: VerbOptions) => Promise<Accepted>): Command => {
    const command = noun.command(name).argument('<deployment>', 'its name or id').description(about).option('--no-wait', 'do not wait for the end').addHelpText('after', examples(`deployments ${name} exam`));
    if (question !== null) command.option('-y, --yes', 'do not ask');
    return command.action(
      act(async (context, said: string, options: VerbOptions) => {
        const { id, name: deployment } = await find(context, deployments, said);
        const asked = question?.(deployment, options) ?? null;
        if (asked !== null) await context.questions.confirm(asked, options.yes === true);
        await sayWhole(context, await send(context, { deploymentId: id }, options), options.wait);
      }),
    );
  };
  verb('start', 'switch all machines on', null, (context, params) => context.call('post /deployments/:deploymentId/start', { params }));
  verb('suspend', 'save all machines with everything open', null, (context, params) => context.call('post /deployments/:deploymentId/suspend', { params }));
  verb('resume', 'go on where they were saved', null, (context, params) => context.call('post /deployments/:deploymentId/resume', { params }));
  verb('stop', 'switch all machines off; their disks are kept', (name, { force }) => (force === true ? `Take the power away from all machines of ${name}? What they have not written is lost.` : null), (context, params, { force = false }) => context.call('post /deployments/:deploymentId/stop', { params, body: { force } })).option('--force', 'take the power away instead of asking the guests');
  verb('reset', 'begin all machines anew from their image; their disks go', (name) => `Begin all machines of ${name} anew? Everything on their disks is lost.`, (context, params, { toProduction = false }) => context.call('post /deployments/:deploymentId/reset', { params, body: { toProduction } })).option('--to-production', 'from the version that is in production now');
  verb('cancel', 'delete what has not run yet', (name) => `Delete those machines of ${name} that have not run yet?`, (context, params) => context.call('post /deployments/:deploymentId/cancel', { params }));
  verb('delete', 'delete all machines and their disks', (name) => `Delete all machines of ${name} and their disks? They cannot be had back.`, (context, params) => context.call('delete /deployments/:deploymentId', { params }));
}

async function sayWhole(context: Context, accepted: Accepted, wait: boolean): Promise<void> {
  const { output } = context;
  for (const warning of accepted.warnings) output.warn(warning);
  for (const { slot, sentence } of accepted.refused) output.warn(`Machine ${String(slot)}: ${sentence}`);
  const operation = await settled(context, accepted.operation, wait, line`paravcl deployments show ${accepted.deployment}`);
  sayDone(context, operation.sentence, { ...accepted, operation });
}
