import { Refusal, wrongUsage } from '../errors/refusal';
import { line } from '../output/advice';
import { textOfFile } from '../files/plain-file';
import type { MasterAccess } from '../transport';
import type { World } from '../world';
import { configPath, readConfig } from './config-file';

/** A master to ask, and as whom. */
export interface Access extends MasterAccess {
  /** As it is called in the configuration; null when it was named by PARAVCL_MASTER. */
  readonly name: string | null;
  readonly user: string | null;
  /** When the session ends at the latest; null where nobody knows. */
  readonly expiresAt: string | null;
  readonly byEnvironment: boolean;
}

/**
 * Whom to ask: the master of `--master`, else PARAVCL_MASTER, else the current one. PARAVCL_TOKEN takes the place of the session, and PARAVCL_CA
 * (a file) that of the remembered CA; a master that is named by its address is asked with what is remembered of it.
 */
export async function findAccess(world: World, named: string | undefined): Promise<Access> {
  const { env } = world;
  const config = await readConfig(configPath(world));
  const asked = named ?? said(env['PARAVCL_MASTER']) ?? config.current;
  if (asked === null) throw new Refusal('You are not logged in to any master.', 'paravcl login URL');
  const name = config.masters[asked] === undefined ? (Object.keys(config.masters).find((one) => config.masters[one]?.origin === originOrNull(asked)) ?? null) : asked;
  const known = name === null ? null : (config.masters[name] ?? null);
  const origin = known?.origin ?? originOrNull(asked);
  if (origin === null) throw wrongUsage(`There is no master called ${asked}${Object.keys(config.masters).length === 0 ? '' : `; there are ${Object.keys(config.masters).join(', ')}`}.`, 'paravcl login URL');
  const caFile = said(env['PARAVCL_CA']);
  const token = said(env['PARAVCL_TOKEN']);
  return {
    name,
    origin,
    caPem: caFile === null ? (known?.caPem ?? null) : await readCa(caFile),
    token: token ?? known?.token ?? null,
    user: token === null ? (known?.user ?? null) : null,
    expiresAt: token === null ? (known?.expiresAt ?? null) : null,
    byEnvironment: token !== null,
  };
}

/** The same, of somebody who is logged in. Throws Refusal. */
export async function findSession(world: World, named: string | undefined): Promise<Access & { readonly token: string }> {
  const access = await findAccess(world, named);
  const { token, expiresAt } = access;
  if (token === null) throw new Refusal(`You are not logged in to ${access.origin}.`, line`paravcl login ${access.origin}`);
  if (expiresAt !== null && Date.parse(expiresAt) <= world.now()) throw new Refusal(`Your session at ${access.origin} is over.`, line`paravcl login ${access.origin}`);
  return { ...access, token };
}

/** Of a file with certificates. */
const mostCaBytes = 1024 * 1024;

/** A CA as PEM. Throws Refusal. */
export async function readCa(path: string): Promise<string> {
  const pem = await textOfFile(path, mostCaBytes);
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw wrongUsage(`${path} is no certificate in PEM form (it would begin with "-----BEGIN CERTIFICATE-----").`);
  return pem;
}

/** `https://host:port` of an address as people type it; null when it is none. */
export function originOrNull(text: string): string | null {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : /[.:]|^localhost$/.test(text) ? `https://${text}` : null;
  if (whole === null || !URL.canParse(whole)) return null;
  const { origin, protocol } = new URL(whole);
  return protocol === 'https:' ? origin : null;
}

const said = (value: string | undefined): string | null => (value === undefined || value === '' ? null : value);
