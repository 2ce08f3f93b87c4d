import type { Answered } from '@paravcl/shared/client/routes';
import type { Context } from '../context';
import { Refusal, wrongUsage } from '../errors/refusal';
import type { HostAddress } from '../fabric/read-pm-file';

export type ShownKey = Answered<'post /host-keys'>;

export interface TrustOptions {
  readonly fingerprint?: string;
  readonly yes?: boolean;
}

/** Asks the master which key a host shows. */
export function shownKey(context: Context, { host, port }: Pick<HostAddress, 'host' | 'port'>): Promise<ShownKey> {
  return context.call('post /host-keys', { body: { address: host, port } });
}

/**
 * Lets a person compare the key of a host, or compares it with what they were told. A key that has changed is never taken by --yes alone. Throws
 * Refusal; nothing was sent to the host then.
 */
export async function confirmKey({ output, questions }: Context, shown: ShownKey, { fingerprint, yes = false }: TrustOptions): Promise<string> {
  if (fingerprint !== undefined) {
    if (fingerprint.trim() === shown.fingerprint) return shown.fingerprint;
    throw new Refusal(`${shown.address} shows a host key with another fingerprint than you named: ${shown.fingerprint}. Nothing was sent to it.`, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, on that host');
  }
  output.say(`${shown.address}${shown.resolved === shown.address ? '' : ` (${shown.resolved})`} shows this ${shown.keyType} host key:`);
  output.say(`  ${shown.fingerprint}`);
  (shown.standing === 'changed' ? output.warn.bind(output) : output.say.bind(output))(shown.sentence);
  if (yes && shown.standing !== 'changed') return shown.fingerprint;
  if (!questions.canAsk) throw wrongUsage('Nobody is here to compare it, so nothing was sent to the host.', `say it again with --fingerprint ${shown.fingerprint}`);
  await questions.confirm('Is it that host’s?', false);
  return shown.fingerprint;
}
