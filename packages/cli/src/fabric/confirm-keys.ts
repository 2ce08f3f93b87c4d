import { readFile } from 'node:fs/promises';
import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { fingerprintsIn } from '../hosts/known-hosts';
import type { ReachedMachine } from './ask-first';
import type { FileFault } from './file-fault';

export interface KeyOptions {
  /** A known_hosts file, whose keys are taken. */
  readonly acceptHostKeys?: string;
  /** Those that are shown are taken, unless one has changed. */
  readonly yesHostKeys?: boolean;
}

/** What is wrong with the keys that the machines show: changed ones, and those that the known_hosts file does not have. */
export async function faultsOfKeys(file: string, reached: readonly ReachedMachine[], { acceptHostKeys }: KeyOptions): Promise<readonly FileFault[]> {
  const known = acceptHostKeys === undefined ? null : await readFile(acceptHostKeys, 'utf8').catch((error: unknown) => Promise.reject(wrongUsage(`${acceptHostKeys} cannot be read: ${(error as Error).message}.`)));
  return reached.flatMap(({ line, host, port, shown }) => {
    if (known !== null) {
      if (fingerprintsIn(known, host, port).has(shown.fingerprint)) return [];
      return [{ file, line, sentence: `${host} shows the host key ${shown.fingerprint}, which ${acceptHostKeys ?? ''} does not have for it.` }];
    }
    return shown.standing === 'changed' ? [{ file, line, sentence: `${host}: ${shown.sentence} If it was set up anew, confirm it once: paravcl slaves add ${host}` }] : [];
  });
}

/** Lets a person compare all keys at once. Throws Refusal. */
export async function confirmKeys({ output, questions }: Context, reached: readonly ReachedMachine[], { acceptHostKeys, yesHostKeys = false }: KeyOptions): Promise<void> {
  if (acceptHostKeys !== undefined) return;
  output.say('The machines show these host keys:');
  for (const { host, port, shown } of reached) output.say(`  ${host}${port === 22 ? '' : `:${String(port)}`}  ${shown.keyType}  ${shown.fingerprint}  ${shown.standing}`);
  if (yesHostKeys) return;
  if (!questions.canAsk) throw wrongUsage('Nobody is here to compare them, so nothing was done.', 'say it again with --accept-host-keys KNOWN_HOSTS_FILE, or --yes-host-keys');
  await questions.confirm('Are they theirs?', false);
}
