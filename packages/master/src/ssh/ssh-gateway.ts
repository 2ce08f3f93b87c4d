import type { Clock } from '@paravcl/shared/clock';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { Server } from 'ssh2';
import type { GuestPorts } from '../services/guest-ports';
import { originOf } from '../services/origin-of';
import { many } from '../services/say-count';
import type { SshLogins, SshPerson } from '../services/ssh-logins';
import { whoGivesWay, type Waiting } from './giving-way';
import type { HostKey } from './host-key';
import { SshConnection } from './ssh-connection';
import { sshAlgorithms, sshIdent, sshLimits, type SshSettings } from './ssh-settings';
import { TurnedAway } from './turned-away';

export interface SshGatewayParts {
  readonly hostKey: HostKey;
  readonly settings: SshSettings;
  readonly logins: Pick<SshLogins, 'byKey' | 'byPassword' | 'admitted' | 'refused' | 'lapsed'>;
  readonly ports: Pick<GuestPorts, 'join'>;
  /** What somebody reads who asks for a shell. */
  greeting(person: SshPerson): Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A client from its first byte on; `connection` once it has said what it is. */
interface Arrived {
  readonly key: string;
  readonly socket: Socket;
  readonly address: string;
  readonly sinceMs: number;
  connection: SshConnection | null;
}

/**
 * The jump host: `ssh -J student@master:2222 user@machine`. It counts whoever is there, and hangs up on those who may not be any more.
 * ssh2 speaks the protocol; the TCP server is ours, so that who says nothing is counted and limited too.
 */
export class SshGateway {
  private readonly server: TcpServer;
  private readonly ssh: Server;
  private readonly arrived = new Map<string, Arrived>();
  private readonly turnedAway: TurnedAway;

  constructor(private readonly parts: SshGatewayParts) {
    const { hostKey, clock, log } = parts;
    this.turnedAway = new TurnedAway(clock);
    this.ssh = new Server({ hostKeys: [hostKey.privateKey], ident: sshIdent, algorithms: { ...sshAlgorithms, kex: [...sshAlgorithms.kex], cipher: [...sshAlgorithms.cipher], hmac: [...sshAlgorithms.hmac], compress: [...sshAlgorithms.compress] } });
    this.ssh.on('connection', (client, info) => {
      const at = this.arrived.get(keyOf(info.ip, info.port));
      if (at === undefined) {
        // It has gone already, and what is wrong with it is nobody's.
        client.on('error', () => undefined).end();
        return;
      }
      at.connection = new SshConnection(client, at.socket, at.address, {
        clock, log, logins: parts.logins, ports: parts.ports,
        admitted: (person) => this.admitted(person, at.address),
        greeting: parts.greeting,
      });
    });
    this.server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.arrive(socket));
  }

  /** Answers the port that it listens at. Throws with the way out when the port is not to be had. */
  async listen(): Promise<number> {
    const { host, port } = this.parts.settings;
    this.server.listen({ host, port });
    try {
      await once(this.server, 'listening');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const why: Readonly<Record<string, string>> = {
        EADDRINUSE: 'another program has this port; stop it, set gateway.ssh.port, or set gateway.ssh.enabled to false',
        EACCES: 'ports below 1024 need the right to bind them; set gateway.ssh.port to a higher one',
        EADDRNOTAVAIL: 'this machine does not have that address; set gateway.ssh.host',
      };
      throw new Error(`Cannot listen for SSH on ${host}:${port}: ${why[code ?? ''] ?? String(error)}.`, { cause: error });
    }
    return (this.server.address() as AddressInfo).port;
  }

  /** Hangs up on everybody. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.turnedAway.close();
    const left = [...this.arrived.values()];
    for (const { connection, socket } of left) {
      if (connection === null) socket.destroy();
      else connection.end();
    }
    await Promise.all([closed, ...left.map(({ connection }) => connection?.idle())]);
  }

  /** Hangs up on those who are disabled by now, or came with a key or a password that is theirs no more. */
  async endLapsed(): Promise<void> {
    const connections = [...this.arrived.values()].flatMap(({ connection }) => (connection?.person == null ? [] : [{ ...connection.person, connection }]));
    for (const { userName, connection } of await this.parts.logins.lapsed(connections)) {
      this.parts.log.info({ user: userName, address: connection.address }, 'a connection by SSH was ended: what it was opened with holds no more');
      connection.end();
    }
  }

  private arrive(socket: Socket): void {
    const { clock } = this.parts;
    const { remoteAddress, remotePort } = socket;
    socket.on('error', () => undefined);
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const address = plainAddress(remoteAddress);
    if (!this.makeRoom(socket, address)) return;
    const key = keyOf(remoteAddress, remotePort);
    const at: Arrived = { key, socket, address, sinceMs: clock.monotonicMs(), connection: null };
    this.arrived.set(key, at);
    const cancels = [
      clock.after(sshLimits.identifiedWithinMs, () => {
        if (at.connection === null) this.hangUp(at, `No SSH identification came within ${sshLimits.identifiedWithinMs / 1000} s.`);
      }),
      clock.after(sshLimits.loginWithinMs, () => {
        if (at.connection?.person == null) this.hangUp(at, `Nobody logged in within ${sshLimits.loginWithinMs / 1000} s.`);
      }),
    ];
    socket.once('close', () => {
      for (const cancel of cancels) cancel();
      this.arrived.delete(key);
    });
    this.ssh.injectSocket(socket);
  }

  /** Full, somebody who has not logged in gives way; false: there is no such, and the new one was told so. */
  private makeRoom(socket: Socket, address: string): boolean {
    const { settings, clock } = this.parts;
    const waiting = [...this.arrived.values()].flatMap((at) => (at.connection?.person == null ? [{ ...standingOf(at), at }] : []));
    if (this.arrived.size < settings.maxConnections && waiting.length < sshLimits.mostUnproven) return true;
    const next = whoGivesWay(waiting, originOf(address), clock.monotonicMs());
    if (next === null) this.turnedAway.tell(socket, `This gateway has ${many(settings.maxConnections, 'connection')}, the most it takes. Try again later.`, false);
    else this.hangUp(next.at, 'Too many are logging in at this moment, and this connection gave way to a newer one. Try again.');
    return next !== null;
  }

  /** From now on it counts no more. */
  private hangUp({ key, socket, connection }: Arrived, sentence: string): void {
    this.arrived.delete(key);
    if (connection === null) this.turnedAway.tell(socket, sentence, true);
    else this.turnedAway.add(socket, () => connection.end());
  }

  private async admitted(person: SshPerson, address: string): Promise<string | null> {
    const { logins, settings } = this.parts;
    const theirs = [...this.arrived.values()].filter(({ connection }) => connection?.person?.userId === person.userId).length;
    await logins.admitted(person, address);
    return theirs > settings.maxPerUser ? `${person.userName} has ${many(settings.maxPerUser, 'connection')} to this gateway, the most at a time. Close one of them first.` : null;
  }
}

const keyOf = (address: string | undefined, port: number | undefined): string => `${address ?? ''} ${port ?? 0}`;

function standingOf({ address, sinceMs, connection }: Arrived): Waiting {
  return { origin: originOf(address), sinceMs, progress: connection === null ? 'silent' : connection.isEncrypted ? 'encrypted' : 'identified' };
}

/** An IPv4 client of a dual-stack socket (RFC 4291 2.5.5.2) is the same client as over IPv4. */
function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:/, '');
}
