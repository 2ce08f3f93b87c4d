import { sshGatewaySchema } from '@paravcl/shared/api/ssh-gateway';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { instanceOf } from '../names/kinds';
import { shellWord } from '@paravcl/shared/shell-quote';
import { line } from '../output/advice';
import { writeSshFiles, type Gateway } from '../ssh/ssh-files';
import { startSsh } from '../ssh/start-ssh';
import { examples } from './examples';

interface SshOptions {
  readonly user?: string;
  readonly identity?: string;
  readonly print?: boolean;
}

export function addSsh(program: Command, act: Act): void {
  program
    .command('ssh')
    .argument('<instance>', 'its name or id')
    .argument('[command...]', 'what to run there, behind --; a shell unless told')
    .description("a shell on a machine, by this machine's ssh through the site's gateway")
    .option('-u, --user <name>', 'user in the machine; the one that machines are made with unless told')
    .option('-i, --identity <file>', 'private key to log in with')
    .option('--print', 'show the command instead of running it')
    .addHelpText('after', `${examples('ssh web', 'ssh web -- uname -a', 'ssh web --print')}\n\nExit code: that of the command over there; 255 when ssh could not connect.`)
    .action(
      act(async (context, said: string, command: readonly string[], options: SshOptions) => {
        const gateway = await gatewayOf(context);
        const instance = await instanceOf(context, said);
        const userName = (await context.session()).access.user ?? (await context.call('get /me', {})).user.name;
        const config = await writeSshFiles(context.world, { name: instance.name, instanceId: instance.id, userName, identity: options.identity === undefined ? null : resolve(options.identity) }, gateway);
        const args = ['-F', config, ...(options.user === undefined ? [] : ['-l', options.user]), instance.name, ...(command.length === 0 ? [] : ['--', ...command])];
        if (context.output.json) return context.output.document({ program: 'ssh', arguments: args, gateway });
        if (options.print === true) return context.output.line(['ssh', ...args].map(shellWord).join(' '));
        if (instance.observed !== 'running') context.output.warn(`${instance.name} does not run (${instance.observed}): ${line`paravcl instances start ${instance}`}`);
        const status = await startSsh(args).catch((error: unknown) => {
          throw new Refusal(`ssh cannot be started: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not installed here' : (error as Error).message}.`, 'apt install openssh-client');
        });
        // The status of what ran there is ours.
        if (status !== 0) process.exit(status);
      }),
    );
}

async function gatewayOf(context: Context): Promise<Gateway> {
  const told = sshGatewaySchema.safeParse(await context.call('get /ssh-gateway', {}));
  if (!told.success) throw new Refusal('This master does not tell the host key of its SSH gateway, so it is older than this program. Its operators upgrade it; until then use ssh -J by hand.', 'paravcl doctor');
  if (!told.data.enabled) throw new Refusal('This site has no SSH gateway: its operators have switched it off.', 'paravcl console NAME');
  return told.data;
}
