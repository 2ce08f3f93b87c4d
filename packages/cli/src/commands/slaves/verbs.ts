import { slaveKindSchema } from '@paravcl/shared/domain/slave';
import { Option, type Command } from 'commander';
import type { Act } from '../../act';
import { wrongUsage } from '../../errors/refusal';
import { slaveOf, userIdOf } from '../../names/kinds';
import { line } from '../../output/advice';
import { examples } from '../examples';
import { speedTyped } from '../instances/sizes';
import { settled } from '../operation';
import { sayDone } from '../say-done';

const host = (noun: Command, verb: string, about: string): Command => noun.command(verb).argument('<host>', 'its name or id').description(about);

interface About {
  readonly kind?: 'dedicated' | 'volunteer';
  readonly owner?: string;
}

export function addSlaveVerbs(noun: Command, act: Act): void {
  const withAbout = (command: Command): Command => command.addOption(new Option('--kind <kind>', 'dedicated, or somebody’s own').choices(slaveKindSchema.options)).option('--owner <user>', 'whose machine it is; "nobody" for none');

  withAbout(host(noun, 'approve', 'let a waiting or quarantined host take part'))
    .option('--accept-identity', 'of a quarantined one: take the machine id and addresses it showed last as its own')
    .addHelpText('after', examples('slaves approve lab-pc-07', 'slaves approve lab-pc-07 --accept-identity'))
    .action(
      act(async (context, said: string, { kind, owner, acceptIdentity = false }: About & { readonly acceptIdentity?: boolean }) => {
        const { id } = await slaveOf(context, said);
        const ownerUserId = owner === undefined ? undefined : owner === 'nobody' ? null : await userIdOf(context, owner);
        const slave = await context.call('post /slaves/:slaveId/approve', { params: { slaveId: id }, body: { acceptIdentity, ...(kind === undefined ? {} : { kind }), ...(ownerUserId === undefined ? {} : { ownerUserId }) } });
        sayDone(context, `${slave.name} takes part.`, slave);
      }),
    );

  host(noun, 'drain', 'keep what it has, give it nothing new')
    .addHelpText('after', examples('slaves drain lab-pc-07'))
    .action(
      act(async (context, said: string) => {
        const { id } = await slaveOf(context, said);
        const slave = await context.call('post /slaves/:slaveId/drain', { params: { slaveId: id } });
        sayDone(context, `${slave.name} is given nothing new; ${String(slave.used.instances)} stay on it. Empty it: ${line`paravcl slaves evacuate ${slave}`}`, slave);
      }),
    );

  host(noun, 'undrain', 'give it instances again')
    .addHelpText('after', examples('slaves undrain lab-pc-07'))
    .action(
      act(async (context, said: string) => {
        const { id } = await slaveOf(context, said);
        const slave = await context.call('post /slaves/:slaveId/undrain', { params: { slaveId: id } });
        sayDone(context, `${slave.name} is given instances again.`, slave);
      }),
    );

  host(noun, 'evacuate', 'drain it and let everything on it leave')
    .option('--no-wait', 'do not wait until it is empty')
    .addHelpText('after', examples('slaves evacuate lab-pc-07', 'slaves evacuate lab-pc-07 --no-wait'))
    .action(
      act(async (context, said: string, { wait }: { readonly wait: boolean }) => {
        const { id } = await slaveOf(context, said);
        const accepted = await context.call('post /slaves/:slaveId/evacuate', { params: { slaveId: id } });
        const operation = await settled(context, accepted.operation, wait, line`paravcl slaves show ${accepted.slave}`);
        sayDone(context, operation.sentence, { ...accepted, operation });
      }),
    );

  withAbout(host(noun, 'edit', 'change name, kind, owner, speed or how many connections to its guests are open at a time'))
    .option('--name <name>', 'its new name')
    .option('--max-connections <number>', 'at most so many; "site" for what the site says')
    .option('--speed <speed>', 'of a core, the reference machine having 1; "measured" for what its agent measured')
    .addHelpText('after', examples('slaves edit lab-pc-07 --name lab-pc-08', 'slaves edit lab-pc-07 --owner alice --kind volunteer'))
    .action(
      act(async (context, said: string, { kind, owner, name, maxConnections, speed }: About & { readonly name?: string; readonly maxConnections?: string; readonly speed?: string }) => {
        if (maxConnections !== undefined && maxConnections !== 'site' && !/^\d{1,5}$/.test(maxConnections)) throw wrongUsage(`--max-connections takes a number or "site", not "${maxConnections}".`);
        const { id } = await slaveOf(context, said);
        const ownerUserId = owner === undefined ? undefined : owner === 'nobody' ? null : await userIdOf(context, owner);
        const body = {
          ...(name === undefined ? {} : { name }),
          ...(kind === undefined ? {} : { kind }),
          ...(ownerUserId === undefined ? {} : { ownerUserId }),
          ...(maxConnections === undefined ? {} : { maxConnections: maxConnections === 'site' ? null : Number(maxConnections) }),
          ...(speed === undefined ? {} : { speed: speed === 'measured' ? null : speedTyped(speed, '--speed') }),
        };
        if (Object.keys(body).length === 0) throw wrongUsage('Say what to change.', 'paravcl slaves edit --help');
        const slave = await context.call('patch /slaves/:slaveId', { params: { slaveId: id }, body });
        sayDone(context, `${slave.name} is changed.`, slave);
      }),
    );

  host(noun, 'retire', 'take it out of the pool for good')
    .option('--force', 'give up the instances on it')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('slaves retire lab-pc-07', 'slaves retire lab-pc-07 --force --yes'))
    .action(
      act(async (context, said: string, { force = false, yes = false }: { readonly force?: boolean; readonly yes?: boolean }) => {
        const { id, name, used } = await slaveOf(context, said);
        if (force) await context.questions.confirm(`Retire ${name} and give up the ${String(used.instances)} instances on it? They cannot be had back.`, yes);
        else await context.questions.confirm(`Retire ${name}? It joins again only with a new join token.`, yes);
        const slave = await context.call('post /slaves/:slaveId/retire', { params: { slaveId: id }, body: { force } });
        sayDone(context, `${slave.name} has left the pool.`, slave);
      }),
    );

  host(noun, 'declare-dead', 'say that a lost host will not come back: its instances may start elsewhere from snapshots')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('slaves declare-dead lab-pc-07'))
    .action(
      act(async (context, said: string, { yes = false }: { readonly yes?: boolean }) => {
        const { id, name } = await slaveOf(context, said);
        await context.questions.confirm(`Declare ${name} dead? Its instances may be started elsewhere from snapshots, and what they did since is lost.`, yes);
        const slave = await context.call('post /slaves/:slaveId/declare-dead', { params: { slaveId: id } });
        sayDone(context, `${slave.name} is declared dead. Start its instances elsewhere: paravcl instances recover NAME`, slave);
      }),
    );
}
