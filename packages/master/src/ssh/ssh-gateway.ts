import type { Clock } from '@paravcl/shared/clock';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { Server } from 'ssh2';
import type { GuestPorts } from '../services/guest-ports';
import { many } from '../services/say-count';
import { RefusalLimiter } from '../services/refusal-limiter';
import type { SshLogins, SshPerson } from '../services/ssh-logins';
import type { HostKey } from './host-key';
import { SshConnection } from './ssh-connection';
import { sshAlgorithms, sshLimits, type SshSettings } from './ssh-settings';

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
  readonly socket: Socket;
  readonly address: string;
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
  private readonly refusals: RefusalLimiter;

  constructor(private readonly parts: SshGatewayParts) {
    const { hostKey, clock, log } = parts;
    this.refusals = new RefusalLimiter(clock, sshLimits.refusals);
    this.ssh = new Server({ hostKeys: [hostKey.privateKey], ident: 'ParaVCL', algorithms: { ...sshAlgorithms, kex: [...sshAlgorithms.kex], cipher: [...sshAlgorithms.cipher], hmac: [...sshAlgorithms.hmac], compress: [...sshAlgorithms.compress] } });
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
    const { settings, clock } = this.parts;
    const { remoteAddress, remotePort } = socket;
    socket.on('error', () => undefined);
    const address = plainAddress(remoteAddress);
    const unproven = [...this.arrived.values()].filter(({ connection }) => connection?.person == null);
    if (
      remoteAddress === undefined ||
      this.arrived.size >= settings.maxConnections ||
      unproven.length >= sshLimits.mostUnproven ||
      unproven.filter((one) => one.address === address).length >= sshLimits.mostUnprovenOfAddress ||
      this.refusals.waitMs(address) > 0
    ) {
      socket.destroy();
      return;
    }
    const key = keyOf(remoteAddress, remotePort);
    const at: Arrived = { socket, address, connection: null };
    this.arrived.set(key, at);
    const cancel = clock.after(sshLimits.loginWithinMs, () => {
      if (at.connection === null) socket.destroy();
      else if (at.connection.person === null) at.connection.end();
    });
    socket.once('close', () => {
      cancel();
      this.arrived.delete(key);
      if (at.connection?.person == null) this.refusals.refused(address);
    });
    this.ssh.injectSocket(socket);
  }

  private async admitted(person: SshPerson, address: string): Promise<string | null> {
    const { logins, settings } = this.parts;
    const theirs = [...this.arrived.values()].filter(({ connection }) => connection?.person?.userId === person.userId).length;
    await logins.admitted(person, address);
    return theirs > settings.maxPerUser ? `${person.userName} has ${many(settings.maxPerUser, 'connection')} to this gateway, the most at a time. Close one of them first.` : null;
  }
}

const keyOf = (address: string | undefined, port: number | undefined): string => `${address ?? ''} ${port ?? 0}`;

/** An IPv4 client of a dual-stack socket (RFC 4291 2.5.5.2) is the same client as over IPv4. */
function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:/, '');
}
