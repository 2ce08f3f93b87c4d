import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Command } from 'commander';
import type { Answered } from '@paravcl/shared/client/routes';
import type { Act } from '../act';
import type { Context } from '../context';
import { NotFound } from '../errors/refusal';
import { instances, reservations, slaveNames } from '../names/kinds';
import { find, isId } from '../names/resolve';
import { examples } from './examples';
import { manyOf } from './many';

type Decision = Answered<'get /decisions/:decisionId'>;

export function addWhy(program: Command, act: Act): void {
  program
    .command('why')
    .argument('<id>', 'an instance, a reservation or a decision, by name or id')
    .option('--limit <number>', 'the last so many decisions', '5')
    .description('why something waits, is where it is, was suspended, moved or refused')
    .addHelpText('after', examples('why i-ubuntu-9af', 'why 01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4 --json'))
    .action(
      act(async (context, said: string, { limit }: { readonly limit: string }) => {
        const page = await decisionsOf(context, said, manyOf(limit));
        const { output } = context;
        if (output.json) return output.document(page);
        if (page.items.length === 0) return output.say('Nothing was decided about it yet.');
        const [times, host] = await Promise.all([context.times(), slaveNames(context)]);
        page.items.forEach((decision, at) => {
          if (at > 0) output.line('');
          output.heading(`${times.moment(decision.at)}: ${decision.sentence}`);
          const { priority, candidates } = decision;
          output.facts([
            ['priority', priority === null ? null : priorityInParts(priority)],
            ['chosen', decision.chosen === undefined ? null : host(decision.chosen.slaveId)],
            ['hosts asked', String(candidates.considered)],
            ['refused by', candidates.reasons.map(({ reason, count }) => `${String(count)} ${reason}`).join(', ')],
            ['could take it', candidates.top.map(({ slaveId, score }) => `${host(slaveId)} (${String(Number(score.toFixed(3)))})`).join(', ')],
            ['gave way', decision.victims === undefined || decision.victims.length === 0 ? null : String(decision.victims.length)],
            ['policy', decision.policy],
            ['decision', decision.id],
          ]);
        });
      }),
    );
}

/** As the formula has them: what raises it, then what lowers it. */
function priorityInParts({ pi, pfv, ras, mon, log2R, lnE, aging = 0, usage = 0 }: NonNullable<Decision['priority']>): string {
  const short = (part: number): string => String(Number(part.toFixed(2)));
  const inQueue = [aging === 0 ? [] : `+${short(aging)} for waiting`, usage === 0 ? [] : `${short(usage)} for past use`].flat();
  const beside = inQueue.length === 0 ? '' : `; in the queue ${inQueue.join(' and ')}`;
  return `${String(Number(pi.toFixed(3)))} (platform +${short(pfv)}, lends a host +${short(ras)}, member +${short(mon)}, RAM -${short(log2R)}, time -${short(lnE)}; 10 + 0.2 × their sum)${beside}`;
}

async function decisionsOf(context: Context, said: string, many: { readonly most?: number }): Promise<{ readonly items: readonly Decision[]; readonly next: string | null }> {
  if (isId(said)) {
    const id = said.toLowerCase();
    const tries = [
      async () => ({ items: [await context.call('get /decisions/:decisionId', { params: { decisionId: id } })], next: null }),
      () => context.list('get /instances/:instanceId/why', {}, { ...many, params: { instanceId: id } }),
      () => context.list('get /reservations/:reservationId/why', {}, { ...many, params: { reservationId: id } }),
    ];
    for (const one of tries) {
      try {
        return await one();
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
      }
    }
    throw nothingToExplain(said);
  }
  try {
    const { id } = await find(context, instances, said);
    return await context.list('get /instances/:instanceId/why', {}, { ...many, params: { instanceId: id } });
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    if (!/^[0-9a-f-]{8,}$/i.test(said)) throw nothingToExplain(said);
  }
  const { id } = await find(context, reservations, said);
  return context.list('get /reservations/:reservationId/why', {}, { ...many, params: { reservationId: id } });
}

const nothingToExplain = (said: string): NotFound => new NotFound(`There is no instance, reservation or decision "${said}", or it is not yours to see.`, 'paravcl instances list');
