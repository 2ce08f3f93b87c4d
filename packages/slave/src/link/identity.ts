import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What proves that this agent is the one that was enrolled. */
export interface AgentKey {
  /** Ed25519 public key, SPKI DER, base64url. */
  readonly publicKey: string;
  /** Ed25519 signature, base64url. */
  sign(bytes: Buffer): string;
}

export const keyFileName = 'agent-key.pem';

/** Where a key waits until a master has taken it: the one in force stays what it is. */
const newKeyFileName = `${keyFileName}.new`;

/**
 * The key for an enrolment that is being tried, never one that an earlier enrolment used: the master
 * refuses a key it knows. One that an attempt before this left behind is used again. Mode 0600.
 */
export async function newAgentKey(stateDir: string): Promise<AgentKey> {
  const path = join(stateDir, newKeyFileName);
  const earlier = await readKey(path);
  if (earlier !== null) return earlier;
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  return agentKey(privateKey);
}

/** Drops a key that was never in force. */
export async function dropNewAgentKey(stateDir: string): Promise<void> {
  await rm(join(stateDir, newKeyFileName), { force: true });
}

/** Puts the new key in force; the enrolment it belongs to was answered. */
export async function adoptAgentKey(stateDir: string): Promise<void> {
  await rename(join(stateDir, newKeyFileName), join(stateDir, keyFileName));
}

/** Null when this host has no key in force. */
export function readAgentKey(stateDir: string): Promise<AgentKey | null> {
  return readKey(join(stateDir, keyFileName));
}

async function readKey(path: string): Promise<AgentKey | null> {
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
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
