import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import type { Times } from '../output/times';
import { passes, waitMs } from '../talk/passes';
import { pastMoment } from '../times/moments';
import { EventTail, type SiteEvent } from './events/event-tail';
import { examples } from './examples';
import { manyOf } from './many';

/** How often is asked for what is new. */
const everyMs = 2000;

interface EventOptions {
  readonly kind?: string;
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

export function addEvents(program: Command, act: Act): void {
  program
    .command('events')
    .description('who did what to what, oldest of the last ones first')
    .option('--kind <kind>', 'the kind or its beginning: "user.", "slave.enrolled"')
    .option('--since <time>', 'not those before: "today 08:00", "2h" ago')
    .option('--limit <number>', 'the last so many', '20')
    .option('-f, --follow', 'go on with what happens, until Ctrl-C')
    .addHelpText('after', examples('events', 'events --follow --kind instance.', 'events --follow --json | jq -r .sentence'))
    .action(
      act(async (context, { kind, since, limit, follow = false }: EventOptions) => {
        const times = await context.times();
        const query = { kind, since: since === undefined ? undefined : pastMoment(since, '--since', { zone: times.zone, now: context.world.now() }) };
        const page = await context.list('get /events', query, manyOf(limit));
        if (!follow && context.output.json) return context.output.document(page);
        const newestLast = [...page.items].reverse();
        for (const event of newestLast) tell(context, event, times);
        if (follow) await goOn(context, { kind, tail: new EventTail(newestLast, query.since), times });
        else if (page.items.length === 0) context.output.say('Nothing of this kind happened.');
      }),
    );
}

/**
 * What happens from now on. The master's feed tells browsers with a session cookie that things changed, without what: it takes no bearer token and
 * does not know of events. So the list is asked again every few seconds.
 */
async function goOn(context: Context, { kind, tail, times }: { readonly kind: string | undefined; readonly tail: EventTail; readonly times: Times }): Promise<void> {
  let silent = false;
  let againMs = everyMs;
  await context.world.interruptible(async (interrupted) => {
    while (!interrupted.aborted) {
      try {
        const { items } = await context.list('get /events', { kind, since: tail.since }, { signal: interrupted });
        if (silent) context.output.say('The master answers again.');
        [silent, againMs] = [false, everyMs];
        for (const event of tail.fresh(items)) tell(context, event, times);
      } catch (error) {
        if (interrupted.aborted) return;
        if (!passes(error)) throw error;
        againMs = waitMs(error, everyMs);
        if (!silent) context.output.warn('The master does not answer; asking again until it does.');
        silent = true;
      }
      await pause(againMs, undefined, { signal: interrupted }).catch(() => undefined);
    }
  });
}

function tell({ output }: Context, event: SiteEvent, times: Times): void {
  if (output.json) output.documentLine(event);
  else output.line(`${times.moment(event.at)}  ${event.kind}  ${event.sentence} (${event.actor})`);
}
