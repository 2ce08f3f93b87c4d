import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { utils } from 'ssh2';
import { keyFingerprint } from './host-fingerprint';

export interface HostKey {
  /** OpenSSH's private key format. */
  readonly privateKey: string;
  /** As `ssh-keygen -l` says it: SHA256:… */
  readonly fingerprint: string;
  /** As a line of known_hosts has it: type and base64. */
  readonly publicKey: string;
}

export const hostKeyFile = (directory: string): string => join(directory, 'ssh_host_ed25519_key');

/**
 * The key by which people's SSH clients know the gateway: made once, kept as `ssh_host_ed25519_key` in the directory, readable by the
 * master alone. Throws when what is there is no key of that kind: a new one would look to everybody like somebody in between.
 */
export async function openHostKey(directory: string): Promise<HostKey> {
  const file = hostKeyFile(directory);
  if (!existsSync(file)) await makeKey(directory, file);
  const privateKey = await readFile(file, 'utf8');
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error || Array.isArray(parsed) || parsed.type !== 'ssh-ed25519' || !parsed.isPrivateKey()) {
    throw new Error(`${file} is no ed25519 private key. Restore it from a backup, or remove it to have a new one made; people's SSH clients will then warn of a changed host key.`);
  }
  const blob = parsed.getPublicSSH();
  return { privateKey, fingerprint: keyFingerprint(blob), publicKey: `${parsed.type} ${blob.toString('base64')}` };
}

/** ssh2 1.17 writes about one key in 300 so that not even itself can read it (a leading zero is missing): such a one is thrown away. */
export function newPrivateKey(): string {
  for (;;) {
    const made = utils.generateKeyPairSync('ed25519', { comment: 'ParaVCL SSH gateway' }).private;
    if (!(utils.parseKey(made) instanceof Error)) return made;
  }
}

async function makeKey(directory: string, file: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const next = await open(`${file}.new`, 'w', 0o600);
  try {
    await next.writeFile(newPrivateKey());
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${file}.new`, file);
}
