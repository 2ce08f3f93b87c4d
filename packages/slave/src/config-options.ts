import { Option, type Command } from 'commander';
import { defaultConfigFile, defaultStateDir, type ConfigArguments } from './config';

export type ConfigFlags = ConfigArguments;

/** The options every command shares. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', `YAML file with settings (default: ${defaultConfigFile} when it is there)`)
    .option('--state-dir <directory>', `where the agent keeps its key and its journal (default: ${defaultStateDir})`)
    .option('--pool-dir <directory>', 'where images and disks are kept (default: pool in the state directory)')
    .addOption(new Option('--driver <driver>', 'libvirt, or simulated: no guests, for tests').choices(['libvirt', 'simulated']));
}
