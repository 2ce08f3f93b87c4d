import type { Clock } from '@paravcl/shared/clock';
import { hostLabelSchema } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import { splice } from '@paravcl/shared/protocol/splice';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { AcceptConnection, Connection, ServerChannel, Session, TcpipRequestInfo } from 'ssh2';
import type { GuestPorts, JoinedPort } from '../services/guest-ports';
import type { SshPerson } from '../services/ssh-logins';
import { ChannelStream } from './channel-stream';
import { channelRefusals, refuseChannel } from './refuse-channel';
import { SocketRoom } from './socket-room';
import { greet } from './ssh-greeting';
import { SshLogin, type SshLoginParts } from './ssh-login';
import { sshLimits } from './ssh-settings';

export interface SshConnectionParts {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly logins: SshLoginParts['logins'];
  readonly ports: Pick<GuestPorts, 'join'>;
  /** It counts among those of the person from now on. A sentence: it may do nothing but read that. */
  admitted(person: SshPerson): Promise<string | null>;
  greeting(person: SshPerson): Promise<readonly string[]>;
}

/**
 * One client: it logs in, and has channels opened to ports of guests (`direct-tcpip`) and nothing else. What it asks for besides finds
 * no listener, and is refused by ssh2: forwarding to us (`tcpip-forward`), sockets, sftp, agents, X11.
 */
export class SshConnection {
  person: SshPerson | null = null;
  /** Keys are agreed on. */
  isEncrypted = false;
  private readonly login: SshLogin;
  private readonly room: SocketRoom;
  private readonly channels = new Set<ServerChannel>();
  private readonly joined = new Set<JoinedPort>();
  /** That are open or being opened. */
  private forwards = 0;
  /** Forwards, so far. */
  private refused = 0;
  private sessions = 0;
  /** Why it may open nothing; null: it may. */
  private barred: string | null = null;
  private isEnding = false;
  /** What goes on for it, and is written down when it ends. */
  private readonly work = new Set<Promise<void>>();

  constructor(
    private readonly client: Connection,
    private readonly socket: Socket,
    readonly address: string,
    private readonly parts: SshConnectionParts,
  ) {
    this.room = new SocketRoom(socket);
    const onFault = (error: unknown): void => this.fault(error, 'a login by SSH failed for a fault of ours');
    this.login = new SshLogin({ logins: parts.logins, address, admit: (person) => this.admit(person), giveUp: () => this.end(), onFault });
    client.on('error', () => this.end());
    client.once('handshake', () => (this.isEncrypted = true));
    client.on('authentication', (context) => void this.login.attempt(context));
    client.on('session', (accept, reject) => this.session(accept, reject));
    client.on('tcpip', (accept, reject, asked) => {
      const work = this.forward(accept, reject, asked).finally(() => this.work.delete(work));
      this.work.add(work);
    });
    // ssh2 does not hold a client to the window it was given.
    socket.on('data', () => {
      for (const { readableLength } of this.channels) if (readableLength > sshLimits.mostUnreadBytes) this.end();
    });
    socket.on('close', () => {
      for (const { stream } of this.joined) stream.destroy();
      if (this.person === null) this.login.ended().catch((error: unknown) => this.fault(error, 'a refused login by SSH could not be written down'));
    });
  }

  /** Resolves when nothing of it goes on: after `end`. */
  async idle(): Promise<void> {
    await Promise.all(this.work);
  }

  /** Hangs up. */
  end(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    for (const { stream } of this.joined) stream.destroy();
    this.client.end();
    const cancel = this.parts.clock.after(sshLimits.hangUpWithinMs, () => this.socket.destroy());
    this.socket.once('close', cancel);
  }

  private async admit(person: SshPerson): Promise<void> {
    this.person = person;
    this.barred = await this.parts.admitted(person);
    if (this.barred !== null) this.parts.clock.after(sshLimits.hangUpOnBarredMs, () => this.end());
  }

  private session(accept: AcceptConnection<Session>, reject: () => void): void {
    this.sessions += 1;
    if (this.sessions > sshLimits.mostSessions) {
      refuseChannel(this.client, reject, `This connection has asked for a shell ${sshLimits.mostSessions} times, the most it may.`, channelRefusals.resourceShortage);
      return;
    }
    greet(accept(), () => this.greeting());
  }

  private async greeting(): Promise<readonly string[]> {
    const { person, barred } = this;
    if (barred !== null || person === null) return [barred ?? 'Log in first.'];
    try {
      return await this.parts.greeting(person);
    } catch (error) {
      this.fault(error, 'a greeting could not be made');
      return ['A fault of the master. Try again.'];
    }
  }

  private async forward(accept: AcceptConnection<ServerChannel>, reject: () => void, { destIP, destPort }: TcpipRequestInfo): Promise<void> {
    if (this.forwards >= sshLimits.mostForwards) {
      refuseChannel(this.client, reject, `This connection leads to ${sshLimits.mostForwards} ports at a time, the most it may.`, channelRefusals.resourceShortage);
      return;
    }
    this.forwards += 1;
    try {
      const joined = await this.join(destIP.toLowerCase(), destPort);
      await this.carry(joined, accept);
    } catch (error) {
      this.refuse(reject, error, destIP, destPort);
    } finally {
      this.forwards -= 1;
    }
  }

  private async join(name: string, port: number): Promise<JoinedPort> {
    const { person, barred } = this;
    // Channels are opened by who has logged in only.
    if (person === null) throw new ParavclError('unauthenticated', 'Log in first.');
    if (barred !== null) throw new ParavclError('quota-exceeded', barred);
    return this.parts.ports.join({ userId: person.userId, name, port, fromAddress: this.address });
  }

  private refuse(reject: () => void, error: unknown, name: string, port: number): void {
    const isOurs = error instanceof ParavclError;
    if (!isOurs) this.fault(error, 'a port of a guest could not be joined for a fault of ours');
    const sentence = isOurs ? error.message : 'A fault of the master. Try again.';
    const isProhibited = isOurs && (error.code === 'forbidden' || error.code === 'not-found' || error.code === 'quota-exceeded');
    // It is whatever came over the wire.
    const machine = hostLabelSchema.safeParse(name).data ?? 'no name of a machine';
    this.parts.log.info({ user: this.person?.userName, address: this.address, machine, port, sentence }, 'a forward by SSH was refused');
    refuseChannel(this.client, reject, sentence, isProhibited ? channelRefusals.prohibited : channelRefusals.connectFailed);
    this.refused += 1;
    if (this.refused >= sshLimits.mostRefusedForwards) this.end();
  }

  /** Until either end is gone. */
  private async carry(joined: JoinedPort, accept: AcceptConnection<ServerChannel>): Promise<void> {
    // The client may have gone meanwhile.
    const channel = this.isEnding || this.socket.destroyed ? null : accept();
    const near = channel === null ? null : new ChannelStream(channel, this.room, this.parts.clock);
    this.joined.add(joined);
    if (channel !== null) this.channels.add(channel);
    if (near === null) joined.stream.destroy();
    else await splice(joined.stream, near);
    if (channel !== null) this.channels.delete(channel);
    this.joined.delete(joined);
    joined.closed((near?.received ?? 0) + (near?.sent ?? 0));
  }

  private fault(error: unknown, what: string): void {
    // Beyond the limits of logins: theirs, not ours.
    if (error instanceof ParavclError) this.parts.log.info({ address: this.address, sentence: error.message }, 'a login by SSH was refused');
    else this.parts.log.error({ err: error, address: this.address }, what);
  }
}
