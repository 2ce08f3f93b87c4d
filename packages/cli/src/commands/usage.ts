import type { Command } from 'commander';
import type { Act } from '../act';
import { tellMiB } from '../output/sizes';
import { examples } from './examples';

const of = (used: number, most: number | null, say: (amount: number) => string = String): string => `${say(used)}${most === null ? '' : ` of ${say(most)}`}`;

export function addUsage(program: Command, act: Act): void {
  program
    .command('usage')
    .description('how much you and your groups use of what you may')
    .addHelpText('after', examples('usage'))
    .action(
      act(async (context) => {
        const usage = await context.call('get /usage', {});
        if (context.output.json) return context.output.document(usage);
        const rows = [{ name: 'you', ...usage.active }, ...usage.groups];
        context.output.line(`machines, also those that are off: ${of(usage.machines.used, usage.machines.most)}`);
        context.output.table(
          [
            { title: 'WHO', cell: ({ name }) => name },
            { title: 'MACHINES', cell: ({ used, most }) => of(used.instances, most.instances), align: 'right' },
            { title: 'CORES', cell: ({ used, most }) => of(used.vcpus, most.vcpus), align: 'right' },
            { title: 'RAM', cell: ({ used, most }) => of(used.ramMiB, most.ramMiB, tellMiB), align: 'right' },
            { title: 'DISK', cell: ({ used, most }) => of(used.diskMiB, most.diskMiB, tellMiB), align: 'right' },
          ],
          rows,
          '',
        );
      }),
    );
}
