import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import { Refusal, wrongUsage } from '../errors/refusal';
import { askMachines, askMaster } from '../fabric/ask-first';
import { bringUp } from '../fabric/bring-up';
import { cameOfIt } from '../fabric/came-of-it';
import { confirmKeys, faultsOfKeys, type KeyOptions } from '../fabric/confirm-keys';
import { sayFileFault, type FileFault } from '../fabric/file-fault';
import { machineCredentials, type MachineCredentialOptions } from '../fabric/machine-credentials';
import { readFabricFiles, type FabricFiles } from '../fabric/read-files';
import { writeHostAddress } from '../fabric/read-pm-file';
import { servingLines } from '../fabric/serving';
import { tellBytes } from '../output/sizes';
import { caFileOf, type CaFile } from '../session/ca-file';

interface FabricOptions extends MachineCredentialOptions, KeyOptions {
  readonly user: string;
  readonly start: string;
  readonly dryRun?: boolean;
}

const again = 'mend that and say the same line again: what is there is kept';
const examples = `
Examples:
  paravcl fabric machines.txt images.txt flavors.txt --key ~/.ssh/id_ed25519
  paravcl fabric machines.txt images.txt flavors.txt --dry-run

Every fault of the files and of the way to the machines is told before anything is done. Again, it keeps what is there and does the rest.`;

export function addFabric(program: Command, act: Act): void {
  program
    .command('fabric')
    .argument('<pm_file>', 'addresses of physical machines, one a line')
    .argument('<image_file>', 'full paths of images, one a line')
    .argument('<flavor_file>', 'a dictionary of flavors, as JSON or in Python’s way')
    .description('bring up hosts, images and types from three files, and serve the Fabric API')
    .option('-u, --user <name>', 'who logs in where the file names nobody', 'root')
    .option('--key <file>', 'private key that opens the machines')
    .option('--password-file <file>', 'password that opens them, from a file or standard input (-); asked for otherwise')
    .option('--key-for <machine=file>', 'private key of one machine that another one opens; as often as need be', (said: string, before: readonly string[] | undefined) => [...(before ?? []), said])
    .option('--accept-host-keys <known_hosts>', 'take the host keys of this file, and no others')
    .option('--yes-host-keys', 'take the host keys that are shown, unless one has changed')
    .option('--replace-host-key', 'host keys that have changed replace the ones that were confirmed before: you compared them on the hosts')
    .option('--start <how>', 'systemd, or unsupervised where none runs', 'systemd')
    .option('--dry-run', 'tell faults, or what would be done, and do nothing')
    .addHelpText('after', examples)
    .action(
      act(async (context, pmFile: string, imageFile: string, flavorFile: string, options: FabricOptions) => {
        if (options.start !== 'systemd' && options.start !== 'unsupervised') throw wrongUsage(`--start takes systemd or unsupervised, not "${options.start}".`);
        const files = await readFabricFiles(pmFile, imageFile, flavorFile);
        try {
          await serve(context, pmFile, files, { ...options, start: options.start });
        } finally {
          for (const { file } of files.images) await file.close();
        }
      }),
    );
}

async function serve(context: Context, pmFile: string, { machines, images, flavors, faults }: FabricFiles, options: FabricOptions & { readonly start: 'systemd' | 'unsupervised' }): Promise<void> {
  const { output } = context;
  const { missing } = await askMaster(context);
  // The files of somebody who may not do it are looked at all the same; the machines are not.
  const { reached, faults: unreached } = missing.length > 0 ? { reached: [], faults: [] } : await askMachines(context, pmFile, machines);
  refuseFaults(context, [...faults, ...unreached, ...(await faultsOfKeys(context, pmFile, reached, options))], missing);
  if (options.dryRun === true) {
    if (output.json) return output.document({ ok: true, machines: reached.map(({ host, port, user, shown }) => ({ host, port, user: user ?? options.user, fingerprint: shown.fingerprint, standing: shown.standing })), images: images.map(({ path, name, format, sizeBytes }) => ({ path, name, format, sizeBytes })), types: flavors.map(({ name, vcpus, ramMiB, diskMiB }) => ({ name, vcpus, ramMiB, diskMiB })) });
    output.text([...reached.map((one) => `machine ${writeHostAddress({ ...one, user: one.user ?? options.user })}: ${one.shown.fingerprint}, ${one.shown.standing}`), ...images.map(({ path, name, format, sizeBytes }) => `image ${name}: ${path}, ${format}, ${tellBytes(sizeBytes)}`), ...flavors.map(({ name, vcpus, ramMiB, diskMiB }) => `type ${name}: ${String(vcpus)} cores, ${String(ramMiB)} MiB, ${String(diskMiB / 1024)} GiB`)].join('\n'));
    return output.say('No fault. Nothing was done.');
  }
  await confirmKeys(context, reached, options);
  const credential = await machineCredentials(context, reached, options, `${options.user} at the machines`);
  const brought = await context.world.interruptible(async (signal) => {
    try {
      return await bringUp(context, { machines: reached, user: options.user, credentialOf: credential, start: options.start, images, flavors }, signal);
    } catch (error) {
      if (signal.aborted) throw new Refusal('You do not wait for it any more; what the master has begun with machines goes on.', 'the same line again: what is there is kept');
      throw error;
    }
  });
  const fabric = await context.call('get /fabric', {}).catch((error: unknown) => ({ fault: error }));
  const isServing = !('fault' in fabric);
  const ca: CaFile = output.json || !isServing ? { path: null, fault: null } : await caFileOf(context.world, (await context.session()).access);
  if (output.json) output.document({ ok: isServing && brought.failed.length === 0, fabric: isServing ? fabric : null, ...brought });
  else if (isServing) output.text(servingLines(fabric, ca.path).join('\n'));
  if (ca.fault !== null) output.warn(ca.fault);
  if (isServing && brought.failed.length === 0) return;
  if (!output.json) {
    const { there, notThere } = cameOfIt(brought);
    for (const line of there) output.say(line);
    for (const line of notThere) output.warn(line);
  }
  const count = `${String(brought.failed.length)} of ${String(reached.length + images.length + 1)} parts did not come up${output.json ? '' : ', see above'}`;
  if (isServing) throw new Refusal(`${count}; the rest serves.`, again, 1, { isTold: true });
  if (fabric.fault instanceof NoAnswer) throw new Refusal(`The master does not answer any more. ${count}; what it has begun with machines is told by: paravcl slaves.`, 'paravcl doctor, then the same line again: what is there is kept', 1, { isTold: true });
  throw fabric.fault;
}

function refuseFaults(context: Context, faults: readonly FileFault[], missing: readonly string[]): void {
  const count = faults.length + missing.length;
  if (count === 0) return;
  const { output } = context;
  if (output.json) output.document({ ok: false, faults, missing });
  else for (const line of [...faults.map(sayFileFault), ...missing.map((sentence) => `the master: ${sentence}`)]) output.say(line);
  throw new Refusal(`${String(count)} fault${count === 1 ? '' : 's'}; nothing was done.`, 'mend them, then say the same line again', 1, { isTold: true });
}
