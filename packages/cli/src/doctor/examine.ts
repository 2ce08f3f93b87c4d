import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { sayError } from '../errors/say-error';
import { line } from '../output/advice';
import { findAccess, type Access } from '../session/access';
import { configPath } from '../session/config-file';
import { fault, ok, type Finding } from '@paravcl/shared/finding';
import { clockAheadMs, clockFinding, lookAtPool, lookAtSsh, sessionFinding, versionFinding } from './look-at-site';
import { hostOf, lookAtCertificate, lookAtName, lookAtPort, portOf } from './look-at-way';

/**
 * Looks at everything between this machine and the site, in the order in which it is needed: where one thing is missing, what stands on
 * it is not looked at. `found` is told of each finding as it comes.
 */
export async function examine(context: Context, found: (finding: Finding) => void): Promise<void> {
  const access = await configured(context, found);
  if (access === null) return;
  const { origin } = access;
  const way = [
    () => lookAtName(origin),
    () => lookAtPort('tcp', hostOf(origin), portOf(origin), 'the master', null, line`curl -k ${`${origin}/api/v1/site`}`),
    () => lookAtCertificate(access, context.world.now()),
  ];
  for (const look of way) {
    const finding = await look();
    found(finding);
    if (finding.state === 'fault') return;
  }
  await attempt(context, 'master', found, async () => {
    const session = context.open(access);
    const site = await session.client.call('get /site', {});
    found(ok('master', `${site.name} answers at ${origin}.`));
    const aheadMs = await clockAheadMs(context, session);
    if (aheadMs !== null) found(clockFinding(aheadMs));
    if (access.token === null) found(fault('session', `You are not logged in to ${origin}.`, line`paravcl login ${origin}`));
    else await attempt(context, 'session', found, () => known(context, access, found));
  });
}

async function configured(context: Context, found: (finding: Finding) => void): Promise<Access | null> {
  const path = configPath(context.world);
  try {
    const access = await findAccess(context.world, context.options.master);
    context.origin = access.origin;
    found(ok('config', access.name === null ? `PARAVCL_MASTER names ${access.origin}.` : `${path} is yours alone and names ${access.origin}.`));
    return access;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    found(fault('config', error.message, error.tryThis));
    return null;
  }
}

/** What a session sees. */
async function known(context: Context, access: Access, found: (finding: Finding) => void): Promise<void> {
  const me = await context.call('get /me', {});
  const [times, details] = [await context.times(), await context.call('get /site/details', {})];
  found(sessionFinding(me, access, context.world.now(), (iso) => times.moment(iso)));
  found(versionFinding(details.version));
  await attempt(context, 'gateway', found, async () => (await lookAtSsh(context)).forEach(found));
  if (me.user.role === 'operator' || me.user.role === 'admin') await attempt(context, 'hosts', found, async () => (await lookAtPool(context)).forEach(found));
}

/** What cannot be asked is a finding itself. */
async function attempt(context: Context, check: string, found: (finding: Finding) => void, look: () => Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    const { error: said } = sayError(error, { origin: context.origin, byEnvironment: context.byEnvironment, noun: null, list: null, command: null });
    found(fault(error instanceof ApiProblem && error.status === 401 ? 'session' : check, said.detail, said.try));
  }
}
