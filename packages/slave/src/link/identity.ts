import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What proves that this agent is the one that was enrolled. */
export interface AgentKey {
  /** Ed25519 public key, SPKI DER, base64url. */
  readonly publicKey: string;
  /** Ed25519 signature, base64url. */
  sign(bytes: Buffer): string;
}

export const keyFileName = 'agent-key.pem';

/** Makes the agent's key, once: the file is written with mode 0600 and an existing one is never replaced. */
export async function createAgentKey(stateDir: string): Promise<AgentKey> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(join(stateDir, keyFileName), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  return agentKey(privateKey);
}

/** Null when this host has no key yet. */
export async function readAgentKey(stateDir: string): Promise<AgentKey | null> {
  const pem = await readFile(join(stateDir, keyFileName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return pem === null ? null : agentKey(createPrivateKey(pem));
}

function agentKey(privateKey: KeyObject): AgentKey {
  return {
    publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64url'),
    sign: (bytes) => sign(null, bytes, privateKey).toString('base64url'),
  };
}

/**
 * machine-id(5): 32 hexadecimal digits that are this installation's own. Throws with the command that
 * makes one when the file is missing, empty or says "uninitialized".
 */
export async function readMachineId(path = '/etc/machine-id'): Promise<string> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (!/^[0-9a-f]{32}$/.test(text)) throw new Error(`${path} holds no machine id, which the master knows this host by. Make one: systemd-machine-id-setup`);
  return text;
}

/** Changes whenever the host starts. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
