import type { Command } from 'commander';
import type { Act } from '../../act';
import { textOfFile } from '../../files/plain-file';
import { groups, launchableOf } from '../../names/kinds';
import { find } from '../../names/resolve';
import { sayAccepted } from './accepted';
import { addNeeds, needsOf, timeOf, type NeedOptions } from './sizes';

interface LaunchOptions extends NeedOptions {
  readonly name?: string;
  readonly time?: string;
  readonly group?: string;
  readonly sshKey?: string[];
  readonly home?: boolean;
  readonly asSlave?: boolean;
  readonly wait: boolean;
}

export function addInstanceLaunch(noun: Command, act: Act): void {
  addNeeds(
    noun
      .command('launch')
      .argument('<image>', 'an image (its production version), a version of it (EMI-UBUNTU-9AF, Ubuntu:3), or a template')
      .description('launch a machine, and wait until it runs')
      .option('--name <name>', 'host name in the guest; one is made otherwise')
      .option('--time <time>', 'for how long: 90m, 2h; "endless" for those who may'),
  )
    .option('--group <name>', 'the group whose teacher may see and operate it')
    .option('--ssh-key <file...>', 'public keys that open it; those of your account unless told')
    .option('--home', 'with your home volume, and refused while another machine has it')
    .option('--no-home', 'without your home volume')
    .option('--as-slave', 'pledge a machine of your own as a host with it, for a higher priority')
    .option('--no-wait', 'do not wait until it runs')
    .addHelpText('after', '\nExamples:\n  paravcl instances launch Ubuntu\n  paravcl instances launch Ubuntu --name web --vcpus 2 --ram 4G --time 3h\n  paravcl instances launch EMI-UBUNTU-9AF --no-wait --json')
    .action(
      act(async (context, said: string, options: LaunchOptions) => {
        const body = {
          ...(await launchableOf(context, said)),
          ...needsOf(options),
          ...timeOf(options.time),
          ...(options.name === undefined ? {} : { name: options.name }),
          ...(options.group === undefined ? {} : { groupId: (await find(context, groups, options.group)).id }),
          ...(options.sshKey === undefined ? {} : { sshPublicKeys: await keysOf(options.sshKey) }),
          ...(options.home === undefined ? {} : { home: options.home }),
          ...(options.asSlave === undefined ? {} : { asSlave: options.asSlave }),
        };
        await sayAccepted(context, await context.call('post /instances', { body }), options.wait, ({ name, address }) => `${name} runs${address === null ? '' : ` at ${address}`}.`);
      }),
    );

  addNeeds(noun.command('check').argument('<image>', 'as of launch').description('whether a launch would fit now, for how long, and what it risks').option('--time <time>', 'for how long'))
    .addHelpText('after', '\nExample:\n  paravcl instances check Ubuntu --time 4h')
    .action(
      act(async (context, said: string, options: NeedOptions & { readonly time?: string }) => {
        const { minutes } = timeOf(options.time);
        const found = await context.call('get /launch-options', { query: { ...(await launchableOf(context, said)), ...needsOf(options), ...(minutes === null || minutes === undefined ? {} : { minutes }) } });
        if (context.output.json) return context.output.document(found);
        const times = await context.times();
        context.output.facts([
          ['now', found.fitsNow ? 'it could start at once' : 'it would wait'],
          ['why', found.sentence],
          ['priority', String(Number(found.priority.pi.toFixed(3)))],
          ['risk', found.risk],
          ['kept from', found.keptFrom === null ? null : times.moment(found.keptFrom)],
          ['fits for', found.options.map((one) => times.span(one.minutes * 60_000)).join(', ')],
        ]);
      }),
    );
}

const mostKeysBytes = 256 * 1024;

async function keysOf(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => textOfFile(file, mostKeysBytes)));
  return texts.flatMap((text) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')));
}

