import type { Command } from 'commander';
import type { Act } from '../act';
import { tellMiB } from '../output/sizes';
import { examples } from './examples';
import { wholeNumber } from './many';

export function addCapacity(program: Command, act: Act): void {
  program
    .command('capacity')
    .description('how much of the pool is free in each hour to come')
    .option('--hours <number>', 'for so many hours', '24')
    .addHelpText('after', examples('capacity', 'capacity --hours 48'))
    .action(
      act(async (context, { hours }: { readonly hours: string }) => {
        const answer = await context.call('get /capacity', { query: { hours: wholeNumber(hours, '--hours') } });
        const { output } = context;
        if (output.json) return output.document(answer);
        const times = await context.times();
        output.say(`The pool lends ${String(answer.total.vcpus)} cores and ${tellMiB(answer.total.ramMiB)} RAM (times in ${answer.timeZone}).`);
        output.table(
          [
            { title: 'HOUR', cell: ({ start }) => times.moment(start) },
            { title: 'FREE CORES', cell: ({ freeVcpus }) => String(freeVcpus), align: 'right' },
            { title: 'ON ONE HOST', cell: ({ largestVcpus }) => String(largestVcpus), align: 'right' },
            { title: 'FREE RAM', cell: ({ freeRamMiB }) => tellMiB(freeRamMiB), align: 'right' },
            { title: 'LENT', cell: ({ lentVcpus }) => String(lentVcpus), align: 'right', wide: true },
          ],
          answer.hours,
          'The pool lends nothing.',
        );
      }),
    );
}
