import type { Command } from 'commander';
import type { Act } from '../act';
import { examples } from './examples';

export function addQueue(program: Command, act: Act): void {
  program
    .command('queue')
    .description('who waits, in order of service, and for what')
    .addHelpText('after', examples('queue', 'queue -o wide'))
    .action(
      act(async (context) => {
        const answer = await context.call('get /queue', {});
        const { output } = context;
        if (output.json) return output.document(answer);
        const times = await context.times();
        output.table(
          [
            { title: 'PLACE', cell: ({ place }) => String(place), align: 'right' },
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'WAITS FOR', cell: ({ waitsFor }) => waitsFor },
            { title: 'AT THE LATEST', cell: ({ earliestStart }) => (earliestStart === null ? 'nobody can tell' : times.moment(earliestStart)) },
            { title: 'PRIORITY', cell: ({ priority }) => String(Number((priority.pi + (priority.aging ?? 0) + (priority.usage ?? 0)).toFixed(3))), wide: true },
            { title: 'WHY', cell: ({ reason }) => reason?.sentence ?? '', wide: true },
          ],
          answer.items,
          answer.length === 0 ? 'Nobody waits.' : `None of yours waits; ${String(answer.length)} of others do.`,
        );
      }),
    );
}
