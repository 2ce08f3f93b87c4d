import { sshGatewaySchema } from '@paravcl/shared/api/ssh-gateway';
import type { Answered } from '@paravcl/shared/client/routes';
import { nextForSlave } from '../commands/slaves/standing';
import type { Context, Session } from '../context';
import type { SlaveItem } from '../names/kinds';
import { line } from '../output/advice';
import { sshVersion } from '../ssh/start-ssh';
import { version } from '../version';
import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';
import { lookAtPort } from './look-at-way';

/** Times of reservations and sessions are told wrongly beyond this. */
const clockWarnMs = 30_000;
const clockFaultMs = 5 * 60_000;
const soonMs = 24 * 60 * 60_000;

/** How far this machine's clock is ahead of the master's, as the head of an HTTP answer tells it: to a second. Null where it tells nothing. */
export async function clockAheadMs({ world }: Pick<Context, 'world'>, { transport, access }: Session): Promise<number | null> {
  const asked = world.now();
  const { headers } = await transport.fetch(`${access.origin}/api/v1/site`, { method: 'GET', headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(10_000) });
  const date = Date.parse(headers.get('date') ?? '');
  // It is cut to whole seconds, and from somewhere between asking and being answered.
  return Number.isNaN(date) ? null : (asked + world.now()) / 2 - (date + 500);
}

export function clockFinding(aheadMs: number): Finding {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const sentence = `The clock of this machine is ${String(seconds)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the master's`;
  if (Math.abs(aheadMs) > clockFaultMs) return fault('clock', `${sentence}: times and the ends of sessions are told wrongly.`, 'timedatectl set-ntp true');
  if (Math.abs(aheadMs) > clockWarnMs) return warning('clock', `${sentence}.`, 'timedatectl set-ntp true');
  return ok('clock', `The clock of this machine agrees with the master's within ${String(Math.max(1, seconds))} s.`);
}

/** What the master's version says to this program's. */
export function versionFinding(master: string): Finding {
  const minor = (text: string): string => text.split('.').slice(0, 2).join('.');
  if (minor(master) === minor(version)) return ok('version', `The master is of version ${master}, this program of ${version}.`);
  return warning('version', `The master is of version ${master} and this program of ${version}: some commands may not be understood. Take the program that came with the master.`, null);
}

export function sessionFinding({ user }: Answered<'get /me'>, access: { readonly origin: string; readonly expiresAt: string | null; readonly byEnvironment: boolean }, now: number, told: (iso: string) => string): Finding {
  const who = `You are ${user.name}, ${user.role}`;
  if (access.byEnvironment) return ok('session', `${who}, by the token in PARAVCL_TOKEN.`);
  if (access.expiresAt === null) return ok('session', `${who}.`);
  const sentence = `${who}; your session ends ${told(access.expiresAt)} at the latest.`;
  return Date.parse(access.expiresAt) - now < soonMs / 24 ? warning('session', sentence, line`paravcl login ${access.origin}`) : ok('session', sentence);
}

/** The SSH gateway of the site, and the program that goes through it. */
export async function lookAtSsh(context: Context): Promise<readonly Finding[]> {
  const installed = await sshVersion();
  const program = installed === null ? warning('ssh', 'There is no ssh on this machine: `paravcl ssh` cannot work.', 'apt install openssh-client') : ok('ssh', `ssh is ${installed}.`);
  const told = sshGatewaySchema.safeParse(await context.call('get /ssh-gateway', {}));
  if (!told.success) return [program, warning('gateway', 'The master tells no host key of its SSH gateway: it is older than this program, and `paravcl ssh` does not work with it.', null)];
  if (!told.data.enabled) return [program, ok('gateway', 'The site has no SSH gateway; `paravcl console NAME` leads to a machine.')];
  const { host, port, hostKeyFingerprint } = told.data;
  const found = await lookAtPort('gateway', host, port, 'the SSH gateway', 'SSH-2.0', line`nc -vz ${host} ${String(port)}`);
  return [program, found.state === 'ok' ? ok('gateway', `The SSH gateway at ${host}:${String(port)} answers; its key is ${hostKeyFingerprint}.`) : found];
}

/** For those who run the site: what needs them. */
export async function lookAtPool(context: Context): Promise<readonly Finding[]> {
  const { items } = await context.list('get /slaves');
  const present = items.filter(({ admission }) => admission !== 'retired');
  const troubled = present.flatMap(findingsOf);
  const store = storeFindings(await context.call('get /store', {}));
  if (present.length === 0) return [warning('hosts', 'The pool has no hosts: nothing can be launched.', 'paravcl slaves add root@HOST'), ...store];
  return [...(troubled.length === 0 ? [ok('hosts', `All hosts (${String(present.length)}) are online and without trouble.`)] : troubled), ...store];
}

export function findingsOf(slave: Pick<SlaveItem, 'id' | 'name' | 'admission' | 'admissionReason' | 'evacuation' | 'liveness' | 'lastSeenAt'> & { readonly warnings: readonly string[] }): readonly Finding[] {
  const { name, admission, admissionReason, liveness, warnings, lastSeenAt } = slave;
  const check = `host ${name}`;
  const silent = liveness === 'lost' ? fault : warning;
  return [
    ...(admission === 'pending' ? [warning(check, `${name} waits for approval.`, nextForSlave(slave))] : []),
    ...(admission === 'quarantined' ? [fault(check, `${name} is quarantined: ${admissionReason ?? 'nobody said why.'}`, nextForSlave(slave))] : []),
    ...(liveness === 'online' || admission === 'pending' ? [] : [silent(check, `${name} is ${liveness === 'lost' ? 'not connected' : 'silent for a moment'}${lastSeenAt === null ? ' and never was' : `, seen last at ${lastSeenAt}`}.`, line`on ${name}: paravcl-slave doctor`)]),
    ...warnings.map((sentence) => warning(check, `${name}: ${sentence}`, line`on ${name}: paravcl-slave doctor`)),
  ];
}

export function storeFindings({ sentence, lastVerification }: Pick<Answered<'get /store'>, 'sentence' | 'lastVerification'>): readonly Finding[] {
  const mend = 'read "The store" in docs/images.md';
  if (lastVerification !== null && lastVerification.damagedChunks > lastVerification.repairedChunks) return [fault('store', `${sentence} ${lastVerification.sentence}`, mend)];
  if (lastVerification?.state === 'failed') return [warning('store', `${sentence} The last verification failed: ${lastVerification.sentence}`, mend)];
  return [ok('store', sentence)];
}
