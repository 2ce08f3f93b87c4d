import { chmod, lchown, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { splice } from '@paravcl/shared/protocol/splice';
import type { MigrationChannel } from '@paravcl/shared/protocol/streams';
import { HypervisorError } from '../driver';
import type { GuestMigration, MigratingGuest } from '../guest-migration';
import { ownDisk } from './disk-chain';
import { homeTarget } from './domain-xml';
import { MigrationCalls } from './migration-calls';
import { MigrationGate } from './migration-gate';
import { connected, connectedToNoLink } from './unix-socket';
import { Virsh, virshDefaults, type VirshOptions } from './virsh';
import { child, readXml } from './xml';

export interface LibvirtMigrationOptions {
  readonly virsh?: Partial<VirshOptions>;
  /** QEMU's user, who has to reach the source's sockets; without one QEMU runs as the agent does. */
  readonly qemuUid?: number;
  /** Sockets of this host's libvirt, the first that is there is taken; by default those of a whole host. */
  readonly libvirtSockets?: readonly string[];
}

/** Not longer than `vnc.sock`, whose path is checked when the domain is defined. */
const socketNames: Readonly<Record<MigrationChannel, string>> = { libvirt: 'rpc.sock', ram: 'ram.sock', disk: 'nbd.sock' };
/** libvirt's own socket; that of its modular daemons comes first where both are there. */
const libvirtSockets = ['/run/libvirt/virtqemud-sock', '/run/libvirt/libvirt-sock'];
/** Targets of the disks that go with a guest; its seed is made on each host. */
const migratedDisks = ({ hasHome }: MigratingGuest): readonly string[] => (hasHome ? [ownDisk, homeTarget] : [ownDisk]);

/**
 * Live migration by `virsh migrate`, its three connections over unix sockets and the streams that bring them (decision 0019).
 * The source's agent listens in the guest's directory for virsh and QEMU; the destination's QEMU in its own below that, for what its agent joins.
 */
export class LibvirtMigration implements GuestMigration {
  private readonly options: VirshOptions;
  private readonly virsh: Virsh;

  constructor(private readonly given: LibvirtMigrationOptions = {}) {
    this.options = { ...virshDefaults, ...given.virsh };
    this.virsh = new Virsh(this.options);
  }

  async send(guest: MigratingGuest, connect: (channel: MigrationChannel) => Promise<Duplex>, deadlineMs: number): Promise<void> {
    const { instanceId, directory } = guest;
    const joined = new Set<Duplex>();
    const doors: Server[] = [];
    let brokenBecause: string | null = null;
    const path = (channel: MigrationChannel): string => join(directory, socketNames[channel]);
    try {
      for (const channel of ['libvirt', 'ram', 'disk'] as const) {
        doors.push(
          await listen(path(channel), channel === 'libvirt' ? null : this.given.qemuUid ?? null, (socket) => {
            void joinTo(socket, () => connect(channel), joined).catch((error: unknown) => (brokenBecause ??= error instanceof Error ? error.message : String(error)));
          }),
        );
      }
      await this.virsh.run(
        [
          'migrate', '--live', '--suspend', '--undefinesource', '--copy-storage-inc', '--auto-converge', '--migrate-disks', migratedDisks(guest).join(','), '--domain', instanceId,
          '--desturi', `qemu+unix:///system?socket=${encodeURIComponent(path('libvirt')).replaceAll('%2F', '/')}`,
          '--migrateuri', unixUri(path('ram')), '--disks-uri', unixUri(path('disk')),
        ],
        deadlineMs,
      );
    } catch (error) {
      // virsh says only that its connection ended.
      if (brokenBecause !== null && error instanceof HypervisorError) throw new HypervisorError(error.code, `${brokenBecause} (${error.message})`, { cause: error });
      throw error;
    } finally {
      for (const door of doors) door.close();
      for (const stream of joined) stream.destroy();
      await this.removeSockets(directory);
    }
  }

  async receive(guest: MigratingGuest, channel: MigrationChannel, begin: () => Promise<void>): Promise<Duplex> {
    const path = (of: MigrationChannel): string => join(guest.qemuDirectory, socketNames[of]);
    if (channel !== 'libvirt') return connectedToNoLink(path(channel));
    const definition = await this.virsh.run(['dumpxml', '--domain', guest.instanceId, '--inactive', '--migratable', '--security-info']);
    const name = child(readXml(definition), 'name')?.text ?? '';
    const calls = new MigrationCalls({ name, definition, ramUri: unixUri(path('ram')), diskUri: unixUri(path('disk')), disks: migratedDisks(guest) }, this.options.uri);
    return new MigrationGate(await this.libvirt(), calls, async () => {
      await begin();
      await this.removeSockets(guest.qemuDirectory);
    });
  }

  private async libvirt(): Promise<Socket> {
    const paths = this.given.libvirtSockets ?? libvirtSockets;
    for (const path of paths) {
      const socket = await connected(path).catch(() => null);
      if (socket !== null) return socket;
    }
    throw new HypervisorError('unavailable', `libvirt listens at none of ${paths.join(', ')}`);
  }

  private async removeSockets(directory: string): Promise<void> {
    for (const name of Object.values(socketNames)) await rm(join(directory, name), { force: true });
  }
}

/** A path in `unix://`, its signs escaped. */
function unixUri(path: string): string {
  return pathToFileURL(path).href.replace(/^file:/, 'unix:');
}

/** For root, and for the user `uid` when one is named. */
async function listen(path: string, uid: number | null, onConnection: (socket: Socket) => void): Promise<Server> {
  await rm(path, { force: true });
  const server = createServer({ allowHalfOpen: false }, onConnection);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  if (uid !== null) await lchown(path, uid, 0);
  return server;
}

/** Carries a connection over the stream that is opened for it, until either ends. */
async function joinTo(socket: Socket, open: () => Promise<Duplex>, joined: Set<Duplex>): Promise<void> {
  joined.add(socket);
  socket.on('error', () => socket.destroy());
  try {
    const stream = await open();
    joined.add(stream);
    await splice<Duplex>(socket, stream);
  } finally {
    socket.destroy();
  }
}
