import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { passwordIn } from '../hosts/credential';
import { timesIn } from '../output/times';
import { originOrNull } from '../session/access';
import { changeConfig, configPath, readConfig } from '../session/config-file';
import { decideTrust, type TrustOptions } from '../session/trust';
import { makeOwnDirectory } from '../session/whole-file';

interface LoginOptions extends TrustOptions {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly as?: string;
}

const examples = `
Examples:
  paravcl login https://lab.example:8443
  paravcl login lab.example:8443 --user alice --fingerprint AB:CD:…
  pass lab | paravcl login lab.example:8443 --user alice --password-file - --ca ca.pem

Scripts log in with an API token instead (paravcl tokens create NAME):
  PARAVCL_MASTER  address of the master       PARAVCL_TOKEN  the token
  PARAVCL_CA      file with its CA, in PEM`;

/** What a master may be called: a word that no shell and no object takes for something else. */
const callable = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

export function addLogin(program: Command, act: Act): void {
  program
    .command('login')
    .argument('[url]', 'address of the master; absent: that of the current one')
    .description('log in to a master, and make it the current one')
    .option('-u, --user <name>', 'user name; asked for otherwise')
    .option('--password-file <file>', 'read the password from a file, or from standard input (-)')
    .option('--ca <file>', "the site's CA, in PEM")
    .option('--fingerprint <sha256>', "fingerprint of the site's CA, instead of comparing it when asked")
    .option('--trust-anew', 'ask for trust again, after the master was set up anew')
    .option('--as <name>', 'what to call this master here; its address unless told')
    .addHelpText('after', examples)
    .action(
      act(async (context, url: string | undefined, options: LoginOptions) => {
        if (options.as !== undefined && !callable.test(options.as)) throw wrongUsage(`--as takes a name of at most 100 letters, digits, ".", "_", ":" and "-" that begins with a letter or a digit, not "${options.as}".`);
        const path = configPath(context.world);
        const config = await readConfig(path);
        const asked = url ?? context.options.master ?? config.current;
        if (asked === null) throw wrongUsage('Say which master: its address, such as https://lab.example:8443.', 'paravcl login URL');
        const byName = config.masters[asked];
        const origin = byName?.origin ?? originOrNull(asked);
        if (origin === null) throw wrongUsage(`"${asked}" is no address of a master. It is one such as https://lab.example:8443.`, 'paravcl login URL');
        const name = options.as ?? (byName === undefined ? (Object.keys(config.masters).find((one) => config.masters[one]?.origin === origin) ?? new URL(origin).host) : asked);
        const known = config.masters[name];
        const trusted = known?.origin === origin ? known : null;
        context.origin = origin;
        const caPem = await decideTrust(context, origin, trusted, options);
        const { client } = context.open({ name, origin, caPem, token: null, user: null, expiresAt: null, byEnvironment: false });
        // Tells whether the master is the one, before anybody types a password.
        const site = await client.call('get /site', {});
        // What cannot be kept is not opened.
        await makeOwnDirectory(dirname(path));
        const user = options.user ?? (await askUser(context, trusted?.user ?? null));
        const password = await passwordOf(context, user, site.name, options);
        const opened = await client.call('post /sessions', { body: { name: user, password, transport: 'bearer' } });
        const { client: asUser } = context.open({ name, origin, caPem, token: opened.token, user, expiresAt: null, byEnvironment: false });
        await changeConfig(path, ({ masters }) => ({ current: name, masters: { ...masters, [name]: { origin, caPem, user: opened.user.name, token: opened.token, expiresAt: opened.expiresAt } } })).catch(async (error: unknown) => {
          await asUser.call('delete /sessions/current', {}).catch(() => undefined);
          throw error;
        });
        const { timeZone } = await asUser.call('get /site/details', {});
        context.output.say(`Logged in to ${site.name} (${origin}) as ${opened.user.name}, ${opened.user.role}. The session ends ${timesIn(timeZone, context.world.now).moment(opened.expiresAt)} (${timeZone}) at the latest, and earlier when it is not used for long.`);
        for (const { sentence } of opened.claimable) context.output.say(sentence);
        if (context.output.json) context.output.document({ master: origin, user: opened.user, expiresAt: opened.expiresAt, claimable: opened.claimable });
      }),
    );
}

async function askUser({ questions }: Context, before: string | null): Promise<string> {
  if (!questions.canAsk) throw wrongUsage('Say as whom: --user NAME.');
  const suggested = before ?? userInfo().username;
  const typed = (await questions.ask(`User name [${suggested}]: `)).trim();
  return typed === '' ? suggested : typed;
}

async function passwordOf({ questions, world }: Context, user: string, site: string, { passwordFile }: LoginOptions): Promise<string> {
  if (passwordFile === undefined) {
    if (!questions.canAsk) throw wrongUsage('Nobody is here to type the password.', 'hand it over with --password-file -');
    return questions.askSecretly(`Password of ${user} at ${site}: `);
  }
  return passwordIn(world, passwordFile);
}
