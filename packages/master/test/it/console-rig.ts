import { consoleOpenSchema } from '@paravcl/shared/api/connections';
import { consolePath } from '@paravcl/shared/api/sockets';
import type { Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { systemClock } from '@paravcl/shared/clock';
import type { StreamEnd } from '@paravcl/shared/protocol/streams';
import { dialStream } from '@paravcl/slave/link/master-stream';
import { StreamJoins } from '@paravcl/slave/link/stream-joins';
import { duplexPair, type Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { InstanceRecord } from '../../src/core/instance-record';
import { consoleRoutes } from '../../src/http/console-routes';
import { sessionAuthentication } from '../../src/http/session-authentication';
import { ConsoleService } from '../../src/services/console-service';
import { ConsoleTickets } from '../../src/services/console-tickets';
import { GuestConnections, type ConnectionLimits } from '../../src/services/guest-connections';
import { PasswordService } from '../../src/services/password-service';
import { hashSecret, newSecret } from '../../src/services/secrets';
import { defaultSessionLifetime, SessionService } from '../../src/services/session-service';
import { SessionWatch } from '../../src/services/session-watch';
import { ConsoleDoor } from '../../src/ws/console-door';
import type { AgentDouble } from './agent-double';
import { eventually } from './eventually';
import { HandClock } from './hand-clock';
import { startLinkServer, type HttpAnswer, type LinkServer } from './link-server';
import { sampleInstance, sampleImage } from './sample-records';

export interface LoggedIn {
  readonly id: string;
  readonly name: string;
  readonly sessionId: string;
  readonly token: string;
}

/** A browser or program at the console door. */
export class ConsoleClient {
  readonly received: Buffer[] = [];
  opened: { readonly connectionId: string } | null = null;
  closed: { readonly code: number; readonly reason: string } | null = null;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.received.push(data as Buffer);
      else this.opened = consoleOpenSchema.parse(parseJson((data as Buffer).toString()));
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
  }

  isOpen(): Promise<{ readonly connectionId: string }> {
    return eventually('the console to open', () => {
      if (this.closed !== null) throw new Error(`closed: ${this.closed.code} ${this.closed.reason}`);
      return this.opened;
    });
  }

  isClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    return eventually('the console to close', () => this.closed);
  }

  text(): string {
    return Buffer.concat(this.received).toString();
  }
}

/** Sessions, consoles and connections as main composes them, over one slave that an agent's double plays. */
export class ConsoleRig {
  private constructor(
    readonly server: LinkServer,
    readonly parts: { readonly tickets: ConsoleTickets; readonly connections: GuestConnections; readonly watch: SessionWatch; readonly door: ConsoleDoor },
    /** Of tickets and the door: it can be moved without the agent falling silent. */
    readonly clock: HandClock,
    readonly agent: AgentDouble,
    readonly faults: unknown[],
  ) {}

  static async start(limits: ConnectionLimits = { perUser: 20, perSlave: 100 }): Promise<ConsoleRig> {
    const faults: unknown[] = [];
    const edgeClock = new HandClock();
    let parts: ConsoleRig['parts'] | undefined;
    const server = await startLinkServer({
      people: ({ unit, clock, agents, streams, log }) => {
        const authenticate = sessionAuthentication(new SessionService({ unit, clock, passwords: new PasswordService({ siteNames: [] }) }), { principalOf: () => Promise.resolve(null) });
        const watch = new SessionWatch(unit.read.sessions, clock, defaultSessionLifetime.idleMs);
        const connections = new GuestConnections({ unit, clock, sessions: watch, limits, timeZone: 'UTC', onFault: (error) => faults.push(error) });
        const tickets = new ConsoleTickets(edgeClock);
        const consoles = new ConsoleService({ unit, agents, tickets, timeZone: 'UTC' });
        const door = new ConsoleDoor({ clock: edgeClock, log, tickets, consoles, connections, relay: streams, authenticate });
        parts = { tickets, connections, watch, door };
        return { routes: consoleRoutes(consoles, connections), doors: [door], authenticate };
      },
    });
    if (parts === undefined) throw new Error('The server asked for no people.');
    const agent = await server.enrolled();
    await agent.connect();
    return new ConsoleRig(server, parts, edgeClock, agent, faults);
  }

  async close(): Promise<void> {
    this.parts.door.close();
    await eventually('every console to be closed', () => this.parts.connections.size === 0);
    await this.agent.end();
    await this.server.close();
    if (this.faults.length > 0) throw new AggregateError(this.faults, 'connections told of faults that no test expected');
  }

  async person(name: string, role: Role, displayName = name): Promise<LoggedIn> {
    const id = newId(Date.now());
    await this.server.unit.transaction((write) => write.users.insert({ id, name, displayName, role, passwordHash: null, primaryGroupId: null, sshPublicKeys: [] }, this.server.clock.now()));
    return this.login({ id, name });
  }

  async login({ id, name }: { readonly id: string; readonly name: string }): Promise<LoggedIn> {
    const { unit, clock } = this.server;
    const token = newSecret('pvs');
    const sessionId = newId(Date.now());
    await unit.transaction((write) => write.sessions.insert({ id: sessionId, tokenHash: hashSecret(token), userId: id, expiresAt: clock.now() + 3_600_000, clientAddress: '127.0.0.1' }, clock.now()));
    return { id, name, sessionId, token };
  }

  async instance(owner: LoggedIn, facts: Partial<InstanceRecord> = {}): Promise<InstanceRecord> {
    const image = sampleImage({ name: newId(Date.now()) });
    const instance = sampleInstance({ userId: owner.id, slaveId: this.agent.slaveId, observed: 'running', booted: true, imageId: image.id, ...facts });
    await this.server.unit.transaction(async (write) => {
      await write.images.insert(image);
      await write.instances.insert(instance);
    });
    return instance;
  }

  ask(method: string, path: string, as: LoggedIn, body?: unknown): Promise<HttpAnswer> {
    return this.server.ask(method, `/api/v1${path}`, null, body, { authorization: `Bearer ${as.token}` });
  }

  async ticket(as: LoggedIn, instance: InstanceRecord, kind: 'screen' | 'serial' = 'screen'): Promise<string> {
    const { status, body } = await this.ask('POST', `/instances/${instance.id}/console-tickets`, as, { kind });
    if (status !== 201) throw new Error(JSON.stringify(body));
    expect(body).toMatchObject({ path: consolePath });
    return (body as { ticket: string }).ticket;
  }

  /** Rejects with the status and the sentence of a refused upgrade. */
  dial(headers: Record<string, string>, path: string = consolePath): Promise<ConsoleClient> {
    const socket = new WebSocket(`${this.server.url.replace(/^https/, 'wss')}${path}`, { ca: this.server.ca, headers, perMessageDeflate: false });
    const client = new ConsoleClient(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(client));
      socket.once('unexpected-response', (_request, response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => reject(new Error(`${response.statusCode ?? 0}: ${Buffer.concat(parts).toString().trim()}`)));
      });
      socket.once('error', reject);
    });
  }

  dialAs(as: LoggedIn): Promise<ConsoleClient> {
    return this.dial({ authorization: `Bearer ${as.token}` });
  }

  /** As a browser of a page of the master's own does. */
  dialAsBrowser(as: LoggedIn): Promise<ConsoleClient> {
    return this.dial({ cookie: `__Host-paravcl=${as.token}`, origin: this.server.url });
  }

  /** The agent is told to open a stream, and joins it to what is answered: the guest's end. */
  async join(connect?: (end: StreamEnd) => Promise<Duplex>): Promise<{ readonly end: StreamEnd; readonly guest: Duplex }> {
    const [local, guest] = duplexPair();
    guest.on('error', () => undefined);
    const { commandId, command } = (await this.agent.expect('command')).payload;
    if (command.kind !== 'open-stream') throw new Error(`${command.kind} came`);
    const { url, ca } = this.server;
    const joins = new StreamJoins({ targets: { connect: connect ?? (() => Promise.resolve(local)) }, dial: (hello) => dialStream({ clock: systemClock, masterUrl: url, ca: [ca] }, hello) });
    const outcome = await joins.join(command).then(
      () => ({ ok: true as const, body: null }),
      (error: Error) => ({ ok: false as const, code: 'failed' as const, message: error.message }),
    );
    this.agent.send({ type: 'result', payload: { commandId, outcome } });
    await this.agent.expect('result-stored');
    return { end: command.end, guest };
  }

  /** A console that is open, with the guest's end. */
  async open(as: LoggedIn, instance: InstanceRecord, kind: 'screen' | 'serial' = 'screen'): Promise<{ readonly client: ConsoleClient; readonly guest: Duplex; readonly end: StreamEnd; readonly connectionId: string }> {
    const ticket = await this.ticket(as, instance, kind);
    const client = await this.dialAs(as);
    client.socket.send(JSON.stringify({ ticket }));
    const { end, guest } = await this.join();
    const { connectionId } = await client.isOpen();
    return { client, guest, end, connectionId };
  }

  async events(instance: InstanceRecord): Promise<readonly { readonly kind: string; readonly sentence: string }[]> {
    return (await this.server.db('events').where({ subject_id: instance.id }).orderBy('id').select('kind', 'sentence')) as { kind: string; sentence: string }[];
  }
}
