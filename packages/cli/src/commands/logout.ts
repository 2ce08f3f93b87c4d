import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Command } from 'commander';
import type { Act } from '../act';
import { Refusal } from '../errors/refusal';
import { line } from '../output/advice';
import { findAccess } from '../session/access';
import { changeConfig, configPath, readConfig, type Config } from '../session/config-file';

export function addLogout(program: Command, act: Act): void {
  program
    .command('logout')
    .description('end the session at the master and forget it; its CA stays known')
    .option('--forget', 'forget the master and its CA too')
    .addHelpText('after', '\nExamples:\n  paravcl logout\n  paravcl logout --master lab')
    .action(
      act(async (context, { forget }: { readonly forget?: boolean }) => {
        const access = await findAccess(context.world, context.options.master);
        const path = configPath(context.world);
        const config = await readConfig(path);
        const known = access.name === null ? undefined : config.masters[access.name];
        if (access.name === null || known === undefined) throw new Refusal(`You are not logged in to ${access.origin}.`, line`paravcl login ${access.origin}`);
        if (known.token === null && forget !== true) throw new Refusal(`You are not logged in to ${access.origin}.`, line`paravcl login ${access.origin}`);
        let fault: unknown = null;
        if (known.token !== null) {
          const { client } = context.open({ ...access, token: known.token, byEnvironment: false });
          // A session that is over already is what was asked for.
          await client.call('delete /sessions/current', {}).catch((error: unknown) => (error instanceof ApiProblem && error.status === 401 ? undefined : (fault = error)));
        }
        const { name } = access;
        await changeConfig(path, (now) => (now.masters[name]?.token === known.token ? without(now, name, forget === true) : now));
        if (fault !== null) {
          context.output.warn('The session is forgotten here, but its master could not be told: it ends by itself.');
          throw fault;
        }
        context.output.say(`Logged out of ${access.origin}.`);
        if (context.output.json) context.output.document({ master: access.origin, loggedOut: true });
      }),
    );
}

/** The configuration without a session, or without the master at all. */
function without({ current, masters }: Config, name: string, forget: boolean): Config {
  const known = masters[name];
  const others = Object.fromEntries(Object.entries(masters).filter(([one]) => one !== name));
  if (!forget && known !== undefined) return { current, masters: { ...others, [name]: { ...known, token: null, expiresAt: null } } };
  return { current: current === name ? (Object.keys(others)[0] ?? null) : current, masters: others };
}
