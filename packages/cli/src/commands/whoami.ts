import type { Command } from 'commander';
import type { Act } from '../act';
import { timesIn } from '../output/times';

export function addWhoami(program: Command, act: Act): void {
  program
    .command('whoami')
    .description('who you are at the master, and until when')
    .addHelpText('after', '\nExamples:\n  paravcl whoami\n  paravcl whoami --json')
    .action(
      act(async (context) => {
        const { access } = await context.session();
        const me = await context.call('get /me', {});
        if (context.output.json) return context.output.document(me);
        const times = await context.times().catch(() => timesIn('UTC', context.world.now));
        context.output.facts([
          ['user', `${me.user.name} (${me.user.displayName})`],
          ['role', me.user.role],
          ['groups', me.groups.map(({ name }) => name).join(', ')],
          ['master', access.name === null || access.name === access.origin ? access.origin : `${access.name}, ${access.origin}`],
          ['by', access.byEnvironment ? 'the token of PARAVCL_TOKEN' : 'a session'],
          ['until', access.expiresAt === null ? null : `${times.moment(access.expiresAt)} (${times.zone})`],
        ]);
      }),
    );
}
