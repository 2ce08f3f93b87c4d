import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import { HostInstallFault, type HostDialler, type HostKeySeen, type HostPlace } from './host-install-ports';

const readKeyMs = 20_000;

export interface HostKeyShown extends HostKeySeen {
  readonly address: string;
  readonly resolved: string;
  readonly port: number;
  /** `changed`: another one is pinned. */
  readonly standing: 'new' | 'known' | 'changed';
  readonly sentence: string;
}

/** A key that somebody has confirmed, and which pinned one it may replace. */
export interface ConfirmedKey {
  readonly fingerprint: string;
  /** Fingerprint of what was pinned when somebody said that the new key replaces it; null: it replaces none. */
  readonly replaces: string | null;
}

/** Who confirmed it, and in which install it is used. */
export interface KeyUse {
  readonly principal: Principal;
  readonly clientAddress: string;
  readonly hostInstallId: string;
}

/**
 * Keys of hosts: shown, confirmed by a person, and pinned once somebody was let in by them. INVARIANT: a pinned key is replaced by another one
 * only when a person said so of exactly these two keys.
 */
export class HostKeyConfirmation {
  constructor(private readonly parts: { readonly unit: UnitOfWork; readonly clock: Clock; readonly dialler: HostDialler }) {}

  /** The key of a host, for somebody to compare and confirm. Throws `host-unreachable` where no key is shown. */
  async show(place: HostPlace): Promise<HostKeyShown> {
    let key;
    try {
      key = await this.parts.dialler.readKey(place, AbortSignal.timeout(readKeyMs));
    } catch (error) {
      if (!(error instanceof HostInstallFault)) throw error;
      throw new ParavclError('host-unreachable', error.message, { field: 'address' });
    }
    const pinned = await this.pinned(place);
    const standing = pinned === null ? 'new' : pinned === key.fingerprint ? 'known' : 'changed';
    const who = `${place.address}${place.address === place.resolved ? '' : ` (${place.resolved})`}`;
    const sentences = {
      new: `${who} shows a key that nobody has confirmed here yet: ${key.fingerprint} (${key.keyType}). Compare it with what ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub says on that host.`,
      known: `${who} shows the key that was confirmed before: ${key.fingerprint} (${key.keyType}).`,
      changed: `${who} shows another key than before: now ${key.fingerprint} (${key.keyType}), confirmed was ${pinned ?? ''}. When it was installed anew, compare the new one on that host; otherwise somebody may be in between.`,
    } as const;
    return { address: place.address, resolved: place.resolved, port: place.port, ...key, standing, sentence: sentences[standing] };
  }

  /** Throws `conflict` when another key is pinned and nobody said that this one replaces it. */
  async confirm(place: HostPlace, fingerprint: string, replaceHostKey: boolean): Promise<ConfirmedKey> {
    const pinned = await this.pinned(place);
    if (pinned === null || pinned === fingerprint) return { fingerprint, replaces: null };
    if (!replaceHostKey) throw new ParavclError('conflict', changedKey(place, fingerprint, pinned), { field: 'hostKey' });
    return { fingerprint, replaces: pinned };
  }

  /** Before anything that lets somebody in is sent: what is pinned may have changed since. Throws `conflict`. */
  async check(place: HostPlace, { fingerprint, replaces }: ConfirmedKey): Promise<void> {
    const pinned = await this.pinned(place);
    if (pinned !== null && pinned !== fingerprint && pinned !== replaces) throw new ParavclError('conflict', changedKey(place, fingerprint, pinned), { field: 'hostKey' });
  }

  /** Somebody was let in at this key. Throws `conflict` when another one was pinned meanwhile. */
  async pin(place: HostPlace, key: HostKeySeen, { replaces }: ConfirmedKey, { principal, clientAddress, hostInstallId }: KeyUse): Promise<void> {
    const { unit, clock } = this.parts;
    const { resolved: address, port } = place;
    await unit.transaction(async (write) => {
      const now = clock.now();
      const record = { address, port, ...key, confirmedByUserId: principal.userId, confirmedAt: now };
      const pinned = await write.hostKeys.pinOrLock(record);
      if (pinned === key.fingerprint) return;
      if (pinned !== replaces) throw new ParavclError('conflict', changedKey(place, key.fingerprint, pinned), { field: 'hostKey' });
      await write.hostKeys.replace(record);
      const sentence = `${principal.userName} confirmed another host key of ${nameOf(place)}: ${key.fingerprint} in the place of ${pinned}.`;
      await write.events.append({ kind: 'host-install.key-replaced', subjectType: 'host-install', subjectId: hostInstallId, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress, sentence }, now);
    });
  }

  private async pinned({ resolved, port }: HostPlace): Promise<string | null> {
    return (await this.parts.unit.read.hostKeys.find(resolved, port))?.fingerprint ?? null;
  }
}

const nameOf = ({ address, port }: HostPlace): string => `${address}${port === 22 ? '' : ` port ${port}`}`;

function changedKey(place: HostPlace, fingerprint: string, pinned: string): string {
  return `You confirmed the key ${fingerprint} for ${nameOf(place)}, and ${pinned} was confirmed for it before. If that host was installed anew, compare the new key on it (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub) and say that it replaces the other (replaceHostKey, --replace-host-key); otherwise somebody may be in between.`;
}
