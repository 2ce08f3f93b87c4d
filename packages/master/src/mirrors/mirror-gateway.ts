import type { Cancel } from '@paravcl/shared/clock';
import { mirrorPath, mirrorUpgrade } from '@paravcl/shared/chunks/mirror-messages';
import { WayOut, type WayOutLimits } from '@paravcl/shared/chunks/way-out';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { clientAddress } from '../http/client-address';
import { refuseUpgrade, upgradePath, type UpgradeDoor } from '../http/refused-upgrade';
import { RefusalLimiter } from '../services/refusal-limiter';
import { MirrorSession, type MirrorLimits, type MirrorSessionParts } from './mirror-session';

export interface MirrorDoorLimits extends MirrorLimits {
  readonly maxConnections: number;
  /** Connections that have not proved who they are. */
  readonly maxUnproven: number;
  readonly maxUnprovenPerAddress: number;
  /** Hellos from one address that proved the key of no slave of ours; above it the address has to wait. */
  readonly maxStrangersPerMinute: number;
  /** Bytes of chunks and manifests on their way out. */
  readonly out: WayOutLimits;
}

/** Room for 5,000 hosts, twice over; an address stands for a whole lab behind NAT. */
export const defaultMirrorLimits: MirrorDoorLimits = {
  handshakeMs: 20_000,
  maxChannels: 2000,
  maxConnections: 12_000,
  maxUnproven: 4000,
  maxUnprovenPerAddress: 250,
  maxStrangersPerMinute: 300,
  // Of one connection, some hundred milliseconds of a link of 25 Mbit/s; and no more memory than a small master has.
  out: { bytes: 256 * 1024 * 1024, bytesPerConnection: 1024 * 1024 },
};

/** A mirror of which nothing leaves for so long, twice at most, does not read: it is cut. */
const lookForStuckMs = 20_000;

/**
 * The door of the hosts' mirrors: an HTTP upgrade to `paravcl-chunks`. Any Origin is refused, as at the agents' door: browsers always
 * send one and mirrors never do.
 */
export class MirrorGateway implements UpgradeDoor {
  private readonly open = new Set<MirrorSession>();
  private readonly unprovenByAddress = new Map<string, number>();
  private readonly out: WayOut;
  private readonly strangers: RefusalLimiter;
  private unproven = 0;
  private connections = 0;
  private stopping = false;
  private cancelLook: Cancel;

  constructor(
    private readonly parts: MirrorSessionParts,
    private readonly limits: MirrorDoorLimits = defaultMirrorLimits,
  ) {
    this.out = new WayOut(limits.out);
    this.strangers = new RefusalLimiter(parts.clock, { refusals: limits.maxStrangersPerMinute, windowMs: 60_000 });
    const look = (): void => {
      this.out.cutStuck();
      this.cancelLook = parts.clock.after(lookForStuckMs, look);
    };
    this.cancelLook = parts.clock.after(lookForStuckMs, look);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (upgradePath(request) !== mirrorPath) return false;
    const address = clientAddress(request);
    const { limits } = this;
    if (request.headers.origin !== undefined) refuseUpgrade(socket, 403, 'Mirrors send no Origin; browsers have nothing to do here.');
    else if (request.headers.upgrade?.toLowerCase() !== mirrorUpgrade) refuseUpgrade(socket, 400, `Here one upgrades to ${mirrorUpgrade}.`);
    else if (this.strangers.waitMs(address) > 0) refuseUpgrade(socket, 429, `Too many hellos from ${address} proved the key of no host. Try again in a minute.`);
    else if (this.stopping) refuseUpgrade(socket, 503, 'The master is stopping.');
    else if (this.open.size >= limits.maxConnections) refuseUpgrade(socket, 503, `${limits.maxConnections} mirrors are connected, the most this master takes.`);
    else if (this.unproven >= limits.maxUnproven) refuseUpgrade(socket, 503, 'Too many mirrors are connecting at this moment. Try again in a few seconds.');
    else if ((this.unprovenByAddress.get(address) ?? 0) >= limits.maxUnprovenPerAddress) refuseUpgrade(socket, 503, 'Too many mirrors are connecting from there at this moment. Try again in a few seconds.');
    // Node hands over the socket of the connection, which is one of TLS here.
    else this.accept(socket as Socket, head, address);
    return true;
  }

  /** Connected now, whether proven or not. */
  get size(): number {
    return this.open.size;
  }

  /** Bytes read from the store that have not left. */
  get bytesOnTheirWay(): number {
    return this.out.heldBytes;
  }

  /** Takes no more connections and ends those there are. */
  close(): void {
    this.stopping = true;
    this.cancelLook();
    for (const session of [...this.open]) session.goAway();
  }

  private accept(socket: Socket, head: Buffer, address: string): void {
    if (socket.destroyed) return;
    this.unproven += 1;
    this.unprovenByAddress.set(address, (this.unprovenByAddress.get(address) ?? 0) + 1);
    let isUnproven = true;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${mirrorUpgrade}\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    const session: MirrorSession = new MirrorSession(
      socket,
      address,
      ++this.connections,
      { ...this.parts, out: this.out, strangers: this.strangers, limits: this.limits },
      () => {
        if (!isUnproven) return;
        isUnproven = false;
        this.leave(address);
      },
      (ended) => void this.open.delete(ended),
    );
    this.open.add(session);
  }

  private leave(address: string): void {
    this.unproven -= 1;
    const left = (this.unprovenByAddress.get(address) ?? 1) - 1;
    if (left <= 0) this.unprovenByAddress.delete(address);
    else this.unprovenByAddress.set(address, left);
  }
}
