import { Option, type Command } from 'commander';
import type { Answered } from '@paravcl/shared/client/routes';
import type { Act } from '../act';
import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { isId } from '../names/resolve';
import { userNames } from '../names/kinds';
import { line } from '../output/advice';
import type { Times } from '../output/times';
import { pastMoment } from '../times/moments';
import { examples } from './examples';
import { wholeNumber } from './many';

type Replay = Answered<'get /replay'>;
type Item = Replay['compared']['items'][number];

interface ReplayOptions {
  readonly since: string;
  readonly until?: string;
  readonly id?: string;
  readonly ordering?: string;
  readonly placement?: string;
  readonly rounds?: string;
  readonly criticalLimit?: string;
  readonly aging?: string;
}

export function addDecisions(program: Command, act: Act): void {
  const noun = program.command('decisions').description('what the scheduler decided, and what it would have decided');

  noun
    .command('replay')
    .description('decide again what was decided, under the policy in force or another: what differs, and who would wait longer')
    .option('--since <time>', 'from then on: "2h" ago, "today 08:00"', '24h')
    .option('--until <time>', 'until then; now where it is not said')
    .option('--id <decision>', 'this decision alone, by its id')
    .addOption(new Option('--ordering <policy>', 'as if this had been in force').choices(['para', 'fifo']))
    .option('--placement <policy>', 'as if this had been: para, least-loaded, round-robin, greedy, spread')
    .option('--critical-limit <percent>', 'as if so much of the pool had been kept from best-effort')
    .option('--aging <perHour>', 'as if an hour of waiting had added so much in the queue')
    .option('--rounds <number>', 'at most so many rounds of the scheduler')
    .addHelpText('after', examples('decisions replay --since 2h', 'decisions replay --since "today 08:00" --ordering fifo', 'decisions replay --id 01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4 --placement spread'))
    .action(act((context, options: ReplayOptions) => (options.id === undefined ? replayTime(context, options) : replayOne(context, options.id, options))));
}

async function replayTime(context: Context, { since, until, rounds, ...policy }: ReplayOptions): Promise<void> {
  const times = await context.times();
  const at = { zone: times.zone, now: context.world.now() };
  const query = { since: pastMoment(since, '--since', at), until: until === undefined ? undefined : pastMoment(until, '--until', at), ...triedPolicy(policy), rounds: rounds === undefined ? undefined : wholeNumber(rounds, '--rounds') };
  const replay = await context.call('get /replay', { query });
  const { output } = context;
  if (output.json) return output.document(replay);
  const { recorded, compared, policy: { tried: name, recorded: were }, goOnAt } = replay;
  output.line(`${String(replay.rounds)} rounds under ${were.length === 0 ? 'no policy' : were.join(', ')}: of ${String(recorded.decisions)} recorded decisions ${String(recorded.reproduced)} come out again from the same inputs.`);
  for (const { decisions, sentence } of recorded.leftOut) output.warn(`${String(decisions)}: ${sentence}`);
  for (const { sentence } of recorded.items) output.warn(sentence);
  const tried = `Under ${name} ${String(compared.differing)} of ${String(compared.answers)} answers would differ`;
  output.line(compared.differing > compared.items.length ? `${tried}; the first ${String(compared.items.length)}:` : `${tried}.`);
  if (compared.items.length > 0) tellItems(context, compared.items, times);
  await tellForecast(context, replay, times);
  if (goOnAt !== null) output.say(`There is more from ${times.moment(goOnAt)} on. Go on: ${goOnLine(goOnAt, until, policy)}`);
}

/** The same question from there on. */
function goOnLine(since: string, until: string | undefined, { ordering, placement, criticalLimit, aging }: Omit<ReplayOptions, 'since'>): string {
  const options = Object.entries({ until, ordering, placement, 'critical-limit': criticalLimit, aging }).flatMap(([name, value]) => (value === undefined ? [] : [line`--${name} ${value}`]));
  return [line`paravcl decisions replay --since ${since}`, ...options].join(' ');
}

async function replayOne(context: Context, id: string, policy: ReplayOptions): Promise<void> {
  if (!isId(id)) throw wrongUsage(`--id takes the id of a decision, not "${id}".`, 'paravcl why INSTANCE');
  const answer = await context.call('get /decisions/:decisionId/replay', { params: { decisionId: id.toLowerCase() }, query: triedPolicy(policy) });
  const { output } = context;
  if (output.json) return output.document(answer);
  output.line(answer.sentence);
  const changed = answer.items.filter(({ same }) => !same);
  if (changed.length > 0) tellItems(context, changed, await context.times());
}

function triedPolicy({ ordering, placement, criticalLimit, aging }: Omit<ReplayOptions, 'since'>) {
  if (criticalLimit !== undefined && !/^\d{1,2}(\.\d+)?$/.test(criticalLimit)) throw wrongUsage(`--critical-limit takes a percentage from 0 to 90, not "${criticalLimit}".`);
  if (aging !== undefined && (!/^\d{1,2}(\.\d+)?$/.test(aging) || Number(aging) > 10)) throw wrongUsage(`--aging takes what an hour of waiting adds, from 0 to 10, not "${aging}".`);
  return { ordering, placement, criticalLimitPercent: criticalLimit === undefined ? undefined : Number(criticalLimit), agingPerHour: aging === undefined ? undefined : Number(aging) };
}

function tellItems({ output }: Context, items: readonly Item[], times: Times): void {
  output.table(
    [
      { title: 'WHEN', cell: ({ at }) => times.moment(at) },
      { title: 'WHAT', cell: ({ name }) => name },
      { title: 'AS IT WAS', cell: ({ before }) => short(before) },
      { title: 'AS IT WOULD BE', cell: ({ after }) => short(after) },
      { title: 'DECISION', cell: ({ decisionId }) => decisionId ?? '', wide: true },
    ],
    items,
    'Nothing would differ.',
  );
}

/** "place on lab-1", "preempt on lab-1 (2 give way)", "queue, place 3". */
function short(answer: Item['before']): string {
  if (answer === null) return '';
  const { kind, slaveName, place, victims } = answer;
  const gone = victims.length === 0 ? '' : ` (${String(victims.length)} ${victims.length === 1 ? 'gives' : 'give'} way)`;
  return `${kind}${slaveName === null ? '' : ` on ${slaveName}`}${place === null ? '' : `, place ${String(place)}`}${gone}`;
}

async function tellForecast(context: Context, { forecast, noForecast, policy }: Replay, times: Times): Promise<void> {
  const { output } = context;
  output.line('');
  if (forecast === null) return output.line(noForecast ?? '');
  const seconds = (count: number): string => (count < 60 ? `${String(count)} s` : times.span(count * 1000));
  output.line(forecast.sentence);
  output.facts([
    ['median', `${seconds(forecast.now.medianSeconds)}; under ${policy.tried} ${seconds(forecast.tried.medianSeconds)}`],
    ['95 of 100', `${seconds(forecast.now.p95Seconds)}; under ${policy.tried} ${seconds(forecast.tried.p95Seconds)}`],
    ['suspended', `${String(forecast.now.preemptions)}; under ${policy.tried} ${String(forecast.tried.preemptions)}`],
    ['longer', `${String(forecast.longer)} of ${String(forecast.instances)} machines`],
    ['shorter', `${String(forecast.shorter)} of ${String(forecast.instances)} machines`],
  ]);
  const user = await userNames(context);
  output.table(
    [
      { title: 'WHO WAITS LONGER', cell: ({ userId }) => user(userId) },
      { title: 'MACHINES', cell: ({ instances }) => String(instances), align: 'right' },
      { title: 'WAITS', cell: ({ waitsSeconds }) => seconds(waitsSeconds), align: 'right' },
      { title: 'WOULD WAIT', cell: ({ wouldWaitSeconds }) => seconds(wouldWaitSeconds), align: 'right' },
      { title: 'MORE', cell: ({ differenceSeconds }) => seconds(differenceSeconds), align: 'right' },
    ],
    forecast.people,
    'Nobody would wait longer.',
  );
  for (const assumption of forecast.assumptions) output.say(`Assumed: ${assumption}`);
}
