import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Refusal } from '../errors/refusal';
import { configPath } from '../session/config-file';
import type { World } from '../world';

/** The gateway as the API tells it. */
export interface Gateway {
  readonly host: string;
  readonly port: number;
  readonly hostKeyFingerprint: string;
  readonly hostKey: string;
  readonly guestUser: string;
}

export interface SshTarget {
  /** Of the machine, which is what the gateway knows it by. */
  readonly name: string;
  readonly instanceId: string;
  /** Who one is at the gateway. */
  readonly userName: string;
  /** Full path of the private key that opens both; null: as ssh is configured here. */
  readonly identity: string | null;
}

/** `[host]:port` as known_hosts has it; the host alone at SSH's own port. */
export const knownAs = (host: string, port: number): string => (port === 22 ? host : `[${host}]:${String(port)}`);

/** Throws Refusal when the key is not that of the fingerprint: the gateway would be trusted by what it is not. */
export function knownHostsLine({ host, port, hostKey, hostKeyFingerprint }: Gateway): string {
  const blob = Buffer.from(hostKey.split(' ')[1] ?? '', 'base64');
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  if (fingerprint !== hostKeyFingerprint) throw new Refusal(`The master tells a host key of its SSH gateway, and the fingerprint of another (${hostKeyFingerprint}). Nothing was connected; tell its operators.`);
  return `${knownAs(host, port)} ${hostKey}\n`;
}

/**
 * What OpenSSH is run with, as lines of ssh_config: a jump over the gateway, whose key is known from the API, to the machine, whose key is
 * remembered from the first time on under the machine's id: another machine of the same name is another host. What people have configured
 * for themselves holds behind it. A file, because the options of a command line do not reach the jump host.
 */
export function sshConfig({ name, instanceId, userName, identity }: SshTarget, { host, port, guestUser }: Gateway, files: { readonly gateways: string; readonly guests: string }): string {
  const key = identity === null ? [] : [`  IdentityFile ${quoted(identity)}`, '  IdentitiesOnly yes'];
  const place = host.includes(':') ? `[${host}]` : host;
  return [
    '# Written by `paravcl ssh` each time it is run.',
    `Host ${name}`,
    `  User ${guestUser}`,
    `  ProxyJump ${userName}@${place}:${String(port)}`,
    `  HostKeyAlias paravcl-${instanceId}`,
    '  StrictHostKeyChecking accept-new',
    `  UserKnownHostsFile ${quoted(files.guests)}`,
    '  GlobalKnownHostsFile /dev/null',
    ...key,
    `Host ${host}`,
    `  HostKeyAlias ${knownAs(host, port)}`,
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile ${quoted(files.gateways)}`,
    '  GlobalKnownHostsFile /dev/null',
    '  HostKeyAlgorithms ssh-ed25519',
    ...key,
    'Host *',
    '  Include ~/.ssh/config',
    '  Include /etc/ssh/ssh_config',
    '',
  ].join('\n');
}

const word = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/;
const hostWord = /^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$/;

/** What the master says becomes lines that ssh obeys, and names of files: only plain words do. Throws Refusal. */
function requirePlainWords({ name, instanceId, userName }: SshTarget, { host, guestUser }: Gateway): void {
  const strange = [name, instanceId, userName, guestUser].find((said) => !word.test(said)) ?? (hostWord.test(host) ? undefined : host);
  if (strange !== undefined) throw new Refusal(`The master says ${JSON.stringify(strange)} where a plain name belongs. Nothing was connected; tell its operators.`);
}

/** Writes them below the configuration directory; answers the path of the ssh_config. Throws Refusal for what is no plain name. */
export async function writeSshFiles(world: Pick<World, 'env' | 'home'>, target: SshTarget, gateway: Gateway): Promise<string> {
  requirePlainWords(target, gateway);
  const directory = join(dirname(configPath(world)), 'ssh', gateway.host.replaceAll(':', '-'));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = { gateways: join(directory, 'known_gateways'), guests: join(directory, 'known_guests') };
  await replace(files.gateways, knownHostsLine(gateway));
  const config = join(directory, `${target.name}.config`);
  await replace(config, sshConfig(target, gateway, files));
  return config;
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  await writeFile(beside, text, { mode: 0o600, flag: 'wx' });
  await rename(beside, path);
}

/** OpenSSH reads `%` in paths, and quotes around blanks. */
const quoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`;
