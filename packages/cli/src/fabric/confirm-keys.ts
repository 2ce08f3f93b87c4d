import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { textOfFile } from '../files/plain-file';
import { fingerprintsIn } from '../hosts/known-hosts';
import type { ReachedMachine } from './ask-first';
import type { FileFault } from './file-fault';

export interface KeyOptions {
  /** A known_hosts file, whose keys are taken. */
  readonly acceptHostKeys?: string;
  /** Those that are shown are taken, unless one has changed. */
  readonly yesHostKeys?: boolean;
  /** Those that have changed replace the ones that were confirmed before. */
  readonly replaceHostKey?: boolean;
}

/** A whole site's. */
const mostKnownHostsBytes = 4 * 1024 * 1024;

/** What is wrong with the keys that the machines show: changed ones where nobody can be asked, and those that the known_hosts file does not have. */
export async function faultsOfKeys({ questions }: Context, file: string, reached: readonly ReachedMachine[], { acceptHostKeys, replaceHostKey = false }: KeyOptions): Promise<readonly FileFault[]> {
  const known = acceptHostKeys === undefined ? null : await textOfFile(acceptHostKeys, mostKnownHostsBytes);
  return reached.flatMap(({ line, host, port, shown }) => {
    if (known !== null && !fingerprintsIn(known, host, port).has(shown.fingerprint)) return [{ file, line, sentence: `${host} shows the host key ${shown.fingerprint}, which ${acceptHostKeys ?? ''} does not have for it.` }];
    if (shown.standing !== 'changed' || replaceHostKey || questions.canAsk) return [];
    return [{ file, line, sentence: `${host}: ${shown.sentence} If it was set up anew, compare the key on it and say the same line again with --replace-host-key.` }];
  });
}

/** Lets a person compare all keys at once, and once more those that have changed. Throws Refusal. */
export async function confirmKeys({ output, questions }: Context, reached: readonly ReachedMachine[], { acceptHostKeys, yesHostKeys = false, replaceHostKey = false }: KeyOptions): Promise<void> {
  const changed = reached.filter(({ shown }) => shown.standing === 'changed');
  if (acceptHostKeys === undefined) {
    output.say('The machines show these host keys:');
    for (const { host, port, shown } of reached) output.say(`  ${host}${port === 22 ? '' : `:${String(port)}`}  ${shown.keyType}  ${shown.fingerprint}  ${shown.standing}`);
    if (!yesHostKeys) {
      if (!questions.canAsk) throw wrongUsage('Nobody is here to compare them, so nothing was done.', 'say it again with --accept-host-keys KNOWN_HOSTS_FILE, or --yes-host-keys');
      await questions.confirm('Are they theirs?', false);
    }
  }
  if (changed.length === 0 || replaceHostKey) return;
  for (const { shown } of changed) output.warn(shown.sentence);
  await questions.confirm(`${changed.map(({ host }) => host).join(', ')}: these keys replace those that were confirmed before. Were the hosts installed anew, and did you compare the new keys on them?`, false);
}
