import { systemClock } from '@paravcl/shared/clock';
import { Command } from 'commander';
import { readConfig } from './config';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { follow } from './link/follow';

interface FollowFlags extends ConfigFlags {
  readonly master: string;
  readonly caFingerprint?: string;
}

/** `paravcl-slave follow`: the master this host is enrolled at has another address. */
export function followCommand(): Command {
  return withConfigOptions(new Command('follow').description('go on by another address of the master this host is enrolled at; agent and mirror dial it once they are started anew'))
    .requiredOption('--master <url>', 'address that the master has now, as in https://master.example:8443')
    .option('--ca-fingerprint <fingerprint>', 'SHA-256 of the authority that vouches for it, as join tokens end with (-: a public one); without it the one of before has to')
    .action(async (flags: FollowFlags) => {
      const { stateDir } = readConfig({ config: flags.config, stateDir: flags.stateDir, poolDir: flags.poolDir, driver: flags.driver }, process.env);
      const { name, masterUrl, isNew } = await follow({ stateDir, masterUrl: flags.master, caFingerprint: flags.caFingerprint === '-' ? null : flags.caFingerprint, clock: systemClock });
      process.stdout.write(isNew ? `"${name}" goes on by ${masterUrl}. Start both anew: systemctl restart paravcl-mirror paravcl-slave\n` : followedAlready(name, masterUrl));
    });
}

/** The install script knows by its end that nothing is to be started anew. */
export const followedAlready = (name: string, masterUrl: string): string => `"${name}" goes by ${masterUrl} already. Nothing was changed.\n`;
