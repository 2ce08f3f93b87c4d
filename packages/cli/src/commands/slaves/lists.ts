import { admissionSchema, livenessSchema } from '@paravcl/shared/domain/slave';
import { Option, type Command } from 'commander';
import type { Act } from '../../act';
import { slaveOf, userNames } from '../../names/kinds';
import { tellMiB } from '../../output/sizes';
import { examples } from '../examples';
import { manyOf } from '../many';
import { nextForReader, standing } from './standing';

interface Listed {
  readonly admission?: string;
  readonly liveness?: string;
  readonly limit?: string;
}

export function addSlaveLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('hosts, newest first; retired ones only with --admission retired')
    .addOption(new Option('--admission <admission>', 'only those that are').choices(admissionSchema.options))
    .addOption(new Option('--liveness <liveness>', 'only those that are').choices(livenessSchema.options))
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('slaves list', 'slaves list -o wide', 'slaves list --admission pending'))
    .action(
      act(async (context, { admission, liveness, limit }: Listed) => {
        const page = await context.list('get /slaves', { admission, liveness }, manyOf(limit));
        const { output } = context;
        if (output.json) return output.document(page);
        const isWide = context.options.output === 'wide';
        const [times, user] = await Promise.all([context.times(), isWide ? userNames(context) : (): string => '-']);
        output.table(
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'STATE', cell: (slave) => standing(slave, output.unicode) },
            { title: 'KIND', cell: ({ kind }) => kind },
            { title: 'GUESTS', cell: ({ used }) => String(used.instances), align: 'right' },
            { title: 'CORES', cell: ({ used, lent }) => `${String(used.vcpus)}/${String(lent.vcpus)}`, align: 'right' },
            { title: 'RAM', cell: ({ used, lent }) => `${tellMiB(used.ramMiB)}/${tellMiB(lent.ramMiB)}`, align: 'right' },
            { title: 'ADDRESS', cell: ({ address }) => address ?? '-', wide: true },
            { title: 'OWNER', cell: ({ ownerUserId }) => user(ownerUserId), wide: true },
            { title: 'HYPERVISOR', cell: ({ describe }) => describe.hypervisor.kind, wide: true },
            { title: 'SEEN', cell: ({ lastSeenAt }) => times.moment(lastSeenAt), wide: true },
            { title: 'AGENT', cell: ({ agentBuild }) => agentBuild ?? '-', wide: true },
            { title: 'ID', cell: ({ id }) => id, wide: true },
            { title: 'NOTE', cell: ({ admissionReason, evacuation, warnings }) => admissionReason ?? evacuation?.sentence ?? warnings[0] ?? '' },
          ],
          page.items,
          'There are no such hosts. Let one join: paravcl slaves token',
        );
      }),
    );

  noun
    .command('show')
    .argument('<host>', 'its name or id')
    .description('one host, and what an operator should mend')
    .addHelpText('after', examples('slaves show lab-pc-07'))
    .action(
      act(async (context, said: string) => {
        const slave = await slaveOf(context, said);
        const { output } = context;
        if (output.json) return output.document(slave);
        const [times, user] = await Promise.all([context.times(), userNames(context)]);
        const { describe } = slave;
        output.facts([
          ['name', slave.name],
          ['state', standing(slave, output.unicode)],
          ['why', slave.admissionReason],
          ['being emptied', slave.evacuation === null ? null : `${String(slave.evacuation.left)} of ${String(slave.evacuation.of)} have left; ${slave.evacuation.sentence}`],
          ['kind', slave.kind],
          ['owner', slave.ownerUserId === null ? null : user(slave.ownerUserId)],
          ['address', slave.address],
          ['guests', String(slave.used.instances)],
          ['cores', `${String(slave.used.vcpus)} of ${String(slave.lent.vcpus)} lent`],
          ['RAM', `${tellMiB(slave.used.ramMiB)} of ${tellMiB(slave.lent.ramMiB)} lent`],
          ['pool', `${tellMiB(describe.poolAvailableMiB)} of ${tellMiB(describe.poolTotalMiB)} free`],
          ['processor', `${describe.cpuModel}, ${String(describe.cores)} cores, ${String(describe.threads)} threads`],
          ['speed', `${String(slave.speed ?? describe.relativeSpeed)} of the reference machine${slave.speed === undefined ? ', as measured' : `, as set; measured ${String(describe.relativeSpeed)}`}`],
          ['hypervisor', `${describe.hypervisor.kind}: ${describe.hypervisor.why}`],
          ['connections', slave.maxConnections === null ? null : `at most ${String(slave.maxConnections)}`],
          ['not ours', slave.foreignDomains.map(({ name }) => name).join(', ')],
          ['agent', slave.agentBuild],
          ['seen', times.moment(slave.lastSeenAt)],
          ['joined', times.moment(slave.createdAt)],
          ['id', slave.id],
          ['next', nextForReader(slave)],
        ]);
        for (const warning of slave.warnings) output.warn(warning);
      }),
    );
}
