import type { Answered } from '@paravcl/shared/client/routes';
import type { Context } from '../context';
import { Refusal, wrongUsage } from '../errors/refusal';
import type { HostAddress } from '../fabric/read-pm-file';

export type ShownKey = Answered<'post /host-keys'>;

export interface TrustOptions {
  readonly fingerprint?: string;
  readonly yes?: boolean;
  /** A key that has changed replaces the one that was confirmed before. */
  readonly replaceHostKey?: boolean;
}

/** Asks the master which key a host shows. */
export function shownKey(context: Context, { host, port }: Pick<HostAddress, 'host' | 'port'>): Promise<ShownKey> {
  return context.call('post /host-keys', { body: { address: host, port } });
}

export interface TrustedKey {
  readonly hostKey: string;
  readonly replaceHostKey: boolean;
}

/**
 * Lets a person compare the key of a host, or compares it with what they were told, or with what was confirmed before. A key that has changed is never taken by --yes or --fingerprint
 * alone: that it replaces the one before is asked, or said by --replace-host-key. Throws Refusal; nothing was sent to the host then.
 */
export async function confirmKey({ output, questions }: Context, shown: ShownKey, { fingerprint, yes = false, replaceHostKey = false }: TrustOptions): Promise<TrustedKey> {
  const isChanged = shown.standing === 'changed';
  const trusted = { hostKey: shown.fingerprint, replaceHostKey: isChanged };
  if (fingerprint !== undefined && fingerprint.trim() !== shown.fingerprint) {
    throw new Refusal(`${shown.address} shows a host key with another fingerprint than you named: ${shown.fingerprint}. Nothing was sent to it.`, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, on that host');
  }
  if (fingerprint === undefined) {
    output.say(`${shown.address}${shown.resolved === shown.address ? '' : ` (${shown.resolved})`} shows this ${shown.keyType} host key:`);
    output.say(`  ${shown.fingerprint}`);
  }
  if (fingerprint === undefined || isChanged) (isChanged ? output.warn.bind(output) : output.say.bind(output))(shown.sentence);
  const isCompared = fingerprint !== undefined || shown.standing === 'known' || (yes && !isChanged);
  if (!questions.canAsk && (!isCompared || (isChanged && !replaceHostKey))) {
    throw wrongUsage('Nobody is here to compare it, so nothing was sent to the host.', `say it again with --fingerprint ${shown.fingerprint}${isChanged ? ' --replace-host-key, once it was compared on that host' : ''}`);
  }
  if (!isCompared) await questions.confirm('Is it that host’s?', false);
  if (isChanged && !replaceHostKey) await questions.confirm('It replaces the key that was confirmed before. Was the host installed anew, and did you compare the new key on it?', false);
  return trusted;
}
