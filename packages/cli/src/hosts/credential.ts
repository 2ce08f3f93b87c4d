import type { Asked } from '@paravcl/shared/client/routes';
import { stat } from 'node:fs/promises';
import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { textFrom, textOfFile } from '../files/plain-file';
import { line } from '../output/advice';
import type { World } from '../world';

export type HostCredential = Asked<'post /host-installs'>['body']['credential'];

export interface CredentialOptions {
  readonly key?: string;
  readonly passwordFile?: string;
}

const largestKey = 20_000;
const longestPassword = 4096;

/**
 * What lets somebody in at a host: a private key from a file, or a password from a file or typed. It is in no argument and no variable, which others
 * on this machine could read; it goes to the master over TLS, which keeps it nowhere. `who`: for the question. Throws Refusal.
 */
export async function credentialOf(context: Context, { key, passwordFile }: CredentialOptions, who: string): Promise<HostCredential> {
  if (key !== undefined && passwordFile !== undefined) throw wrongUsage('Say either --key or --password-file.');
  if (key !== undefined) return keyOf(context, key);
  const password = passwordFile === undefined ? await typed(context, who) : await passwordIn(context.world, passwordFile);
  if (password === '') throw wrongUsage('The password is empty.');
  return { kind: 'password', password };
}

/** A password from a file, or standard input (`-`), without the line end it ends with. Throws Refusal. */
export async function passwordIn(world: Pick<World, 'stdin'>, file: string): Promise<string> {
  const password = (await textFrom(world, file, longestPassword)).replace(/\r?\n$/, '');
  if (password === '') throw wrongUsage('The password is empty.');
  return password;
}

async function typed({ questions }: Context, who: string): Promise<string> {
  if (!questions.canAsk) throw wrongUsage(`Nobody is here to type the password of ${who}.`, 'hand it over with --password-file -, or say --key FILE');
  return questions.askSecretly(`Password of ${who}: `);
}

async function keyOf({ questions, output }: Context, path: string): Promise<HostCredential> {
  const privateKey = await textOfFile(path, largestKey);
  if (/^(ssh-|ecdsa-)/.test(privateKey)) throw wrongUsage(`${path} is a public key. The private one is the file without .pub.`);
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(privateKey)) throw wrongUsage(`${path} is no private key: it would begin with "-----BEGIN OPENSSH PRIVATE KEY-----".`);
  if (((await stat(path)).mode & 0o077) !== 0) output.warn(`${path} can be read by others: ${line`chmod 600 ${path}`}`);
  if (!isEncrypted(privateKey)) return { kind: 'key', privateKey };
  if (!questions.canAsk) throw wrongUsage(`${path} has a passphrase, and nobody is here to type it.`, 'take a key without one, or --password-file -');
  return { kind: 'key', privateKey, passphrase: await questions.askSecretly(`Passphrase of ${path}: `) };
}

/** OpenSSH names the cipher in the key's head, PEM in its lines. */
export function isEncrypted(privateKey: string): boolean {
  if (/ENCRYPTED/.test(privateKey)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(privateKey)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  const head = 'openssh-key-v1\0'.length;
  if (bytes.length < head + 4) return false;
  const length = bytes.readUInt32BE(head);
  return bytes.subarray(head + 4, head + 4 + length).toString('latin1') !== 'none';
}
