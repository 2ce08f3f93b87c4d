import { systemClock, type Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { StreamEnd } from '@paravcl/shared/protocol/streams';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pino } from 'pino';
import type { InstanceRecord } from '../../src/core/instance-record';
import { GuestConnections } from '../../src/services/guest-connections';
import { GuestPorts } from '../../src/services/guest-ports';
import { PasswordService } from '../../src/services/password-service';
import { SessionService } from '../../src/services/session-service';
import { SshLogins } from '../../src/services/ssh-logins';
import { hostKeyFile, openHostKey } from '../../src/ssh/host-key';
import { SshGateway } from '../../src/ssh/ssh-gateway';
import { greetingLines } from '../../src/ssh/ssh-greeting';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { OpenSsh } from './open-ssh';
import { sampleInstance } from './sample-records';
import { openTestSite } from './test-site';

/** What is behind a port of a guest: a TCP server of this machine. */
export class FarEnd {
  readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(answer: (socket: Socket) => void) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
      answer(socket);
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

/** The gateway over real people and machines in a real database; of a slave there is only the far end of its streams. */
export async function openSshRig() {
  const site = await openTestSite();
  const { unit } = site.database;
  const clock = systemClock;
  const directory = mkdtempSync(join(tmpdir(), 'ssh-gateway-'));
  const faults: unknown[] = [];
  const limits = { perUser: 20, perSlave: 100 };
  const connections = new GuestConnections({ unit, clock, limits, timeZone: 'UTC', sessions: { watch: () => () => undefined }, onFault: (error) => void faults.push(error) });
  const joins: { readonly slaveId: string; readonly end: StreamEnd }[] = [];
  /** By port of the guest: where it leads, or what the slave says against it. */
  const farEnds = new Map<number, number | string>();
  const relay = {
    join: async (slaveId: string, end: StreamEnd): Promise<Duplex> => {
      joins.push({ slaveId, end });
      const to = end.kind === 'port' ? farEnds.get(end.port) : undefined;
      if (typeof to !== 'number') throw new ParavclError('slave-refused', to ?? 'Nothing listens there.');
      const socket = connect(to, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  };
  const passwords = new PasswordService({ cost: { ln: 4, r: 8, p: 1 } });
  const logins = new SshLogins({ unit, clock, sessions: new SessionService({ unit, clock, passwords }) });
  const ports = new GuestPorts({ unit, ports: [80, 3389], connections, relay });
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const hostKey = await openHostKey(directory);
  const gateways = new Set<SshGateway>();

  /** A gateway of its own limits; its port. */
  const gateway = async (settings: { readonly maxConnections?: number; readonly maxPerUser?: number } = {}, gatewayClock: Clock = clock): Promise<{ readonly gateway: SshGateway; readonly port: number }> => {
    const made = new SshGateway({
      hostKey, clock: gatewayClock, log, logins, ports,
      settings: { host: '127.0.0.1', port: 0, maxConnections: 50, maxPerUser: 10, ...settings },
      greeting: async ({ userId, userName }) => greetingLines({ userName, host: 'lab.example', port: 2222, guestUser: 'student', machines: await ports.running(userId), ports: ports.ports }),
    });
    gateways.add(made);
    const port = await made.listen();
    await ssh.know(`[127.0.0.1]:${port}`, (await runProgram('ssh-keygen', ['-y', '-f', hostKeyFile(directory)])).trim());
    return { gateway: made, port };
  };

  const ssh = new OpenSsh();
  const machine = async (owner: { readonly id: string }, name: string, facts: Partial<InstanceRecord> = {}): Promise<InstanceRecord> => {
    const instance = sampleInstance({ name, userId: owner.id, observed: 'running', slaveId: newId(clock.now()), booted: true, ...facts });
    await unit.read.instances.insert(instance);
    return instance;
  };
  const events = async (kind: string) => (await unit.read.events.page({ kind, limit: 100 })).items;

  return {
    site, unit, connections, limits, faults, joins, farEnds, ports, logins, lines, gateway, ssh, machine, events, directory, hostKey,
    close: async (): Promise<void> => {
      ssh.close();
      for (const one of gateways) await one.close();
      rmSync(directory, { recursive: true, force: true });
      await site.close();
    },
  };
}

export type SshRig = Awaited<ReturnType<typeof openSshRig>>;

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
