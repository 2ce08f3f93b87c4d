import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { Command } from 'commander';
import type { Act } from '../../act';
import type { Context } from '../../context';
import { wrongUsage } from '../../errors/refusal';
import { parseHostAddress, writeHostAddress, type HostAddress } from '../../fabric/read-pm-file';
import { beginOrFollow, isAt } from '../../hosts/begin-install';
import { confirmKey, shownKey, type ShownKey, type TrustOptions } from '../../hosts/confirm-key';
import { credentialOf, type CredentialOptions, type HostCredential } from '../../hosts/credential';
import { slaveOf, userIdOf } from '../../names/kinds';
import { line } from '../../output/advice';
import { commandLine } from '../../talk/command-line';
import { examples } from '../examples';
import { toItsEnd } from './to-its-end';

interface LoginOptions extends CredentialOptions, TrustOptions {
  readonly sudoPasswordFile?: string;
}

interface AddOptions extends LoginOptions {
  readonly name?: string;
  readonly volunteer?: boolean;
  readonly owner?: string;
  readonly start: string;
  readonly approve: boolean;
}

interface RemoveOptions extends LoginOptions {
  readonly address?: string;
  readonly force?: boolean;
  readonly deleteDisks?: boolean;
  readonly keepPackages?: boolean;
}

const withLogin = (command: Command, yes: string): Command =>
  command
    .option('--key <file>', 'private key that lets you in')
    .option('--password-file <file>', 'password that lets you in, from a file or standard input (-); asked for otherwise')
    .option('--sudo-password-file <file>', 'password for sudo, where it is another one')
    .option('--fingerprint <SHA256:…>', 'of the host key, instead of comparing it when asked')
    .option('--replace-host-key', 'a host key that has changed replaces the one that was confirmed before: you compared it on the host')
    .option('-y, --yes', yes);

export function addSlaveInstall(noun: Command, act: Act): void {
  withLogin(noun.command('add').argument('<address>', 'user@host[:port]; root unless told').description('put the agent on a host by SSH and let it join the pool, or bring it up to date'), 'take the host key that is shown, unless it has changed')
    .option('--name <name>', 'what it is called here; as it calls itself unless told')
    .option('--volunteer', 'somebody’s own machine, not one of the lab')
    .option('--owner <user>', 'whose machine it is, with --volunteer; yours unless told')
    .option('--start <how>', 'systemd, or unsupervised where none runs', 'systemd')
    .option('--no-approve', 'let it wait for approval')
    .addHelpText('after', `${examples('slaves add root@lab-pc-07 --key ~/.ssh/id_ed25519', 'slaves add admin@10.0.0.7:2222 --name lab-pc-07', 'slaves add root@10.0.0.8 --volunteer --owner alice')}\n\nAgain, it goes on where it was. Neither key nor password is kept anywhere.`)
    .action(
      act(async (context, said: string, options: AddOptions) => {
        if (options.start !== 'systemd' && options.start !== 'unsupervised') throw wrongUsage(`--start takes systemd or unsupervised, not "${options.start}".`);
        const start: 'systemd' | 'unsupervised' = options.start;
        if (options.owner !== undefined && options.volunteer !== true) throw wrongUsage('--owner goes with --volunteer: a host of the lab has no owner.');
        const { address, user } = addressOf(said);
        const ownerUserId = options.volunteer !== true ? null : options.owner === undefined ? (await context.call('get /me', {})).user.id : await userIdOf(context, options.owner);
        const held = await heldLogin(context, address, user, options);
        const shown = await shownKey(context, address);
        const login = await loginOf(context, shown, held, options);
        const body = { address: address.host, ...login, slaveKind: options.volunteer === true ? ('volunteer' as const) : ('dedicated' as const), ...(ownerUserId === null ? {} : { ownerUserId }), preapproved: options.approve, start, ...(options.name === undefined ? {} : { name: options.name }) };
        const begun = await beginOrFollow(context, () => context.call('post /host-installs', { body }), { isSame: (other) => other.purpose === 'install' && isAt(other, shown) && isAsked(other, { ...body, ownerUserId }) });
        const again = { '--name': options.name, '--volunteer': options.volunteer, '--owner': options.owner, '--start': start === 'systemd' ? undefined : start, '--no-approve': !options.approve, ...loginAgain(options) };
        await toItsEnd(context, begun, commandLine(['slaves', 'add', writeHostAddress({ ...address, user })], again));
      }),
    );

  withLogin(noun.command('remove').argument('<host>', 'its name or id').description('retire a host and take off it, by SSH, what was put there'), 'do not ask: take it out of the pool, and take the host key that is shown, unless it has changed')
    .option('--address <address>', 'user@host[:port] where it is reached; where it connected from last unless told')
    .option('--force', 'although instances live on it: they are given up')
    .option('--delete-disks', 'delete what is still on the host of instances, with all that is on their disks')
    .option('--keep-packages', 'let the Debian packages stay that were installed for it')
    .addHelpText('after', examples('slaves remove lab-pc-07 --key ~/.ssh/id_ed25519'))
    .action(
      act(async (context, said: string, options: RemoveOptions) => {
        const slave = await slaveOf(context, said);
        const where = options.address ?? slave.address;
        if (where === null) throw wrongUsage(`Nobody knows where ${slave.name} is: it never connected.`, line`paravcl slaves remove ${slave} --address root@HOST`);
        const { address, user } = addressOf(where.includes(':') && options.address === undefined ? `[${where}]` : where);
        if (options.yes !== true) await context.questions.confirm(`Take ${slave.name} out of the pool and the agent off it?${lostWith(slave.used.instances, options)}`, false);
        const held = await heldLogin(context, address, user, options);
        const login = await loginOf(context, await shownKey(context, address), held, options);
        const body = { address: address.host, ...login, force: options.force === true, deleteDisks: options.deleteDisks === true, keepPackages: options.keepPackages === true };
        const begun = await beginOrFollow(context, () => context.call('post /slaves/:slaveId/removal', { params: { slaveId: slave.id }, body }), { isSame: (other) => other.purpose === 'remove' && other.slaveId === slave.id });
        // By its id and where it is: once it is retired it has another name, and no connection tells its address.
        const again = { '--address': writeHostAddress({ ...address, user }), '--force': options.force, '--delete-disks': options.deleteDisks, '--keep-packages': options.keepPackages, ...loginAgain(options) };
        await toItsEnd(context, begun, commandLine(['slaves', 'remove', slave.id], again));
      }),
    );
}

/** What cannot be had back afterwards. */
function lostWith(instances: number, { force = false, deleteDisks = false }: RemoveOptions): string {
  const given = force ? ` The ${String(instances)} instances that are on it by the books are given up.` : '';
  return `${given}${deleteDisks ? ' Instances that are still on the host are deleted with all that is on their disks.' : ''}${force || deleteDisks ? ' They cannot be had back.' : ''}`;
}

/** Whether what is under way was asked for in the same way: nobody is approved, and no machine becomes somebody else's, by following another's. */
function isAsked(other: HostInstall, body: Pick<HostInstall, 'slaveKind' | 'ownerUserId' | 'preapproved' | 'start'>): boolean {
  return other.slaveKind === body.slaveKind && other.ownerUserId === body.ownerUserId && other.preapproved === body.preapproved && other.start === body.start;
}

function addressOf(said: string): { readonly address: HostAddress; readonly user: string } {
  const address = parseHostAddress(said);
  if (typeof address === 'string') throw wrongUsage(`${address.charAt(0).toUpperCase()}${address.slice(1)}`);
  return { address, user: address.user ?? 'root' };
}

/** Files of secrets, never a secret. */
const loginAgain = ({ key, passwordFile, sudoPasswordFile }: LoginOptions) => ({ '--key': key, '--password-file': passwordFile, '--sudo-password-file': sudoPasswordFile });

interface HeldLogin {
  readonly port: number;
  readonly user: string;
  readonly files: HostCredential | null;
  readonly sudo: HostCredential | null;
  /** Asks for what no file holds. */
  readonly typed: () => Promise<HostCredential>;
}

/** What files hold of it, before the host is asked for its key: one that is not there ends it. */
async function heldLogin(context: Context, address: HostAddress, user: string, options: LoginOptions): Promise<HeldLogin> {
  const typed = (): Promise<HostCredential> => credentialOf(context, options, `${user} at ${address.host}`);
  const files = options.key === undefined && options.passwordFile === undefined ? null : await typed();
  const sudo = options.sudoPasswordFile === undefined ? null : await credentialOf(context, { passwordFile: options.sudoPasswordFile }, 'sudo');
  return { port: address.port, user, files, sudo, typed };
}

async function loginOf(context: Context, shown: ShownKey, { port, user, files, sudo, typed }: HeldLogin, options: LoginOptions) {
  const trusted = await confirmKey(context, shown, options);
  const credential = files ?? (await typed());
  return { port, user, ...trusted, credential, ...(sudo?.kind === 'password' ? { sudoPassword: sudo.password } : {}) };
}
