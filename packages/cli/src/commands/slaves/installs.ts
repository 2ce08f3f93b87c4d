import { hostInstallStateSchema, type HostInstall, type HostInstallState } from '@paravcl/shared/domain/host-install';
import { Option, type Command } from 'commander';
import type { Act } from '../../act';
import type { Context } from '../../context';
import { writeHostAddress } from '../../fabric/read-pm-file';
import { userNames } from '../../names/kinds';
import { find, isId, type Kind } from '../../names/resolve';
import { line } from '../../output/advice';
import { levelCell } from '../../output/states';
import { commandLine } from '../../talk/command-line';
import { examples } from '../examples';
import { manyOf } from '../many';
import { sayDone } from '../say-done';
import { toItsEnd } from './to-its-end';

const levels = { running: 'waits', succeeded: 'good', failed: 'bad', cancelled: 'quiet', interrupted: 'bad' } as const satisfies Record<HostInstallState, string>;
const purposes = { install: 'put on', remove: 'taken off' } as const;

/** One that runs by its host too: there is one of a host at a time. */
const installs: Kind<'get /host-installs'> = {
  key: 'get /host-installs',
  noun: 'work on a host by SSH',
  list: 'paravcl slaves installs',
  as: ({ id, address, name, state, sentence }) => ({ id, names: state === 'running' ? [address, ...(name === null ? [] : [name])] : [], more: sentence }),
};

async function installOf(context: Context, said: string): Promise<HostInstall> {
  return isId(said) ? context.call('get /host-installs/:hostInstallId', { params: { hostInstallId: said.toLowerCase() } }) : find(context, installs, said);
}

/** The line that goes on with one that did not succeed. */
function lineAgain({ purpose, address, port, user, name, slaveId, slaveKind, ownerUserId, preapproved, start, keepPackages }: HostInstall): string {
  const where = writeHostAddress({ host: address, port, user });
  return purpose === 'install' ? commandLine(['slaves', 'add', where], { '--name': name ?? undefined, '--volunteer': slaveKind === 'volunteer', '--owner': ownerUserId ?? undefined, '--start': start === 'unsupervised' ? start : undefined, '--no-approve': preapproved === false }) : commandLine(['slaves', 'remove', slaveId ?? name ?? ''], { '--address': where, '--keep-packages': keepPackages === true });
}

export function addSlaveInstalls(noun: Command, act: Act): void {
  const group = noun.command('installs').description('what was and is done to hosts by SSH');
  const one = (verb: string, about: string): Command => group.command(verb).argument('<install>', 'its id, or the host’s address or name while it goes on').description(about);

  group
    .command('list', { isDefault: true })
    .alias('ls')
    .description('what was and is done, newest first')
    .addOption(new Option('--state <state>', 'only those that are').choices(hostInstallStateSchema.options))
    .option('--limit <number>', 'at most so many', '20')
    .addHelpText('after', examples('slaves installs', 'slaves installs list --state running'))
    .action(
      act(async (context, { state, limit }: { readonly state?: string; readonly limit?: string }) => {
        const page = await context.list('get /host-installs', { state }, manyOf(limit));
        const { output } = context;
        if (output.json) return output.document(page);
        const times = await context.times();
        output.table(
          [
            { title: 'ID', cell: ({ id }) => (context.options.output === 'wide' ? id : id.slice(0, 13)) },
            { title: 'STATE', cell: (install) => levelCell(levels[install.state], install.state, output.unicode) },
            { title: 'HOST', cell: ({ name, address, port }) => `${name === null ? '' : `${name} at `}${writeHostAddress({ host: address, port, user: null })}` },
            { title: 'AGENT', cell: ({ purpose }) => purposes[purpose] },
            { title: 'BEGAN', cell: ({ createdAt }) => times.moment(createdAt) },
            { title: 'ENDED', cell: ({ endedAt }) => times.moment(endedAt), wide: true },
            { title: 'NOTE', cell: ({ sentence }) => sentence },
          ],
          page.items,
          'Nothing was done to a host by SSH. Add one: paravcl slaves add root@HOST',
        );
      }),
    );

  one('show', 'one of them, step by step')
    .addHelpText('after', examples('slaves installs show lab-pc-07'))
    .action(
      act(async (context, said: string) => {
        const install = await installOf(context, said);
        const { output } = context;
        if (output.json) return output.document(install);
        const [times, person] = await Promise.all([context.times(), userNames(context)]);
        output.facts([
          ['host', writeHostAddress({ host: install.address, port: install.port, user: install.user })],
          ['name', install.name],
          ['owner', install.ownerUserId === null ? null : person(install.ownerUserId)],
          ['agent', purposes[install.purpose]],
          ['state', levelCell(levels[install.state], install.state, output.unicode)],
          ['why', install.sentence],
          ['began', times.moment(install.createdAt)],
          ['ended', install.endedAt === null ? null : times.moment(install.endedAt)],
          ['id', install.id],
          ...install.steps.map(({ step, state, sentence }) => [step, sentence === '' ? state : `${state}: ${sentence}`] as const),
          ['next', install.state === 'succeeded' ? null : install.state === 'running' ? line`paravcl slaves installs follow ${install.id}` : lineAgain(install)],
        ]);
        for (const { level, sentence, remedy } of install.findings) if (level !== 'fine') output.warn(`${sentence}${remedy === null ? '' : ` ${remedy}`}`);
      }),
    );

  one('follow', 'follow one to its end')
    .addHelpText('after', examples('slaves installs follow lab-pc-07'))
    .action(
      act(async (context, said: string) => {
        const install = await installOf(context, said);
        await toItsEnd(context, install, lineAgain(install));
      }),
    );

  one('cancel', 'end one; what was done stays, and begun again it goes on there')
    .addHelpText('after', examples('slaves installs cancel lab-pc-07'))
    .action(
      act(async (context, said: string) => {
        const { id } = await installOf(context, said);
        const ended = await context.call('post /host-installs/:hostInstallId/cancel', { params: { hostInstallId: id } });
        sayDone(context, ended.sentence, ended);
      }),
    );
}
