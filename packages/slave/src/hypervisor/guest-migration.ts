import type { Duplex } from 'node:stream';
import type { MigrationChannel } from '@paravcl/shared/protocol/streams';

/** A guest on its way between two hosts. */
export interface MigratingGuest {
  readonly instanceId: string;
  /** Its own directory, which nobody but root writes: the source's sockets are made there, for as long as it takes. */
  readonly directory: string;
  /** Below it, written by QEMU's user: the destination's QEMU makes its sockets there. Whatever lies there may be another guest's doing. */
  readonly qemuDirectory: string;
  /** A home volume goes with it, as a second disk. */
  readonly hasHome: boolean;
}

/**
 * Sends guests that run to another host, and takes them from one, disk and RAM, over streams that somebody else brings. Libvirt
 * and the simulation implement it.
 */
export interface GuestMigration {
  /**
   * Sends a guest. Returns when it is on the other host, paused, and this hypervisor knows nothing of it any more. When it throws, the guest
   * is here, be it paused, and may be on the other host too, paused there: who is to go on is for others to decide.
   * @param connect brings a stream to the other host's end of that channel
   */
  send(guest: MigratingGuest, connect: (channel: MigrationChannel) => Promise<Duplex>, deadlineMs: number): Promise<void>;
  /**
   * This host's end of one channel of a guest that is defined here and off. What arrives stays paused.
   * @param begin called once, before anything is let in that writes on its disk; throws when nothing is to be let in any more
   */
  receive(guest: MigratingGuest, channel: MigrationChannel, begin: () => Promise<void>): Promise<Duplex>;
}
