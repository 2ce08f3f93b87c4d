import type { Admission, AddressCheck } from '@paravcl/shared/domain/slave';
import type { Principal, Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetStoreJob } from '../../src/jobs/fleet-store-job';
import { LivenessJob } from '../../src/jobs/liveness-job';
import { createApp } from '../../src/http/app';
import { agentDeltaRoutes, type AgentDeltaRoutesDeps } from '../../src/http/agent-delta-routes';
import type { Authenticate } from '../../src/http/authentication';
import type { BoundRoute } from '../../src/http/binding';
import type { UpgradeDoor } from '../../src/http/refused-upgrade';
import { agentRoutes, agentRoutesPath, type FindImage, type ImageContent } from '../../src/http/agent-routes';
import { joinTokenRoutes } from '../../src/http/join-token-routes';
import { slaveRoutes } from '../../src/http/slave-routes';
import { EnrolmentService } from '../../src/services/enrolment-service';
import { FleetPulse } from '../../src/services/fleet-pulse';
import { HelloService } from '../../src/services/hello-service';
import { JoinTokenService } from '../../src/services/join-token-service';
import type { AgentReports } from '../../src/services/ports';
import { RefusalLimiter } from '../../src/services/refusal-limiter';
import { defaultScheduling } from '../../src/services/instance-settings';
import { SlaveService } from '../../src/services/slave-service';
import { arrivalLimits, beginLiveHandshakes } from '../../src/live-handshakes';
import { AgentCommands } from '../../src/ws/agent-commands';
import { AgentGateway } from '../../src/ws/agent-gateway';
import { AgentSessions } from '../../src/ws/agent-sessions';
import { defaultLimits, linkTimings, type LinkLimits, type LinkLog } from '../../src/ws/link-settings';
import { StreamDoor } from '../../src/ws/stream-door';
import { StreamRelay } from '../../src/ws/stream-relay';
import { AgentDouble, newIdentity } from './agent-double';
import { HandClock } from './hand-clock';
import { openTestDatabase, type TestDatabase } from './test-database';

/** What agents told, and what is answered to a hello; set by tests. */
export class ReportsDouble implements AgentReports {
  readonly connections: { slaveId: string; inventory: readonly ObservedInstance[]; complete: boolean }[] = [];
  readonly observations: { slaveId: string; instances: readonly ObservedInstance[] }[] = [];
  readonly changes: string[] = [];
  /** While set, services are as slow as it. */
  busy: Promise<void> | null = null;
  /** Thrown once by the next call. */
  fault: Error | null = null;
  /** What follows from the changes of these slaves fails every time. */
  readonly broken = new Set<string>();
  desired: readonly DesiredInstance[] = [];

  connected(slaveId: string, inventory: readonly ObservedInstance[], complete: boolean): Promise<readonly DesiredInstance[]> {
    this.connections.push({ slaveId, inventory, complete });
    return (this.busy ?? Promise.resolve()).then(() => this.desired);
  }

  observed(slaveId: string, instances: readonly ObservedInstance[]): Promise<void> {
    this.observations.push({ slaveId, instances });
    return this.failOnce();
  }

  fleetChanged(slaveId: string): Promise<void> {
    this.changes.push(slaveId);
    if (this.broken.has(slaveId)) return Promise.reject(new Error(`nothing of ${slaveId} can be written`));
    return this.failOnce();
  }

  private failOnce(): Promise<void> {
    const { fault } = this;
    this.fault = null;
    return fault === null ? Promise.resolve() : Promise.reject(fault);
  }
}

export function person(role: Role, name: string = role): Principal {
  return { userId: newId(Date.now()), userName: name, role, groupIds: [], ownedGroupIds: [], sessionId: newId(Date.now()) };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: unknown;
  readonly bytes: Buffer;
}

export interface LinkServerOptions {
  readonly addressCheck?: AddressCheck;
  readonly limits?: Partial<LinkLimits>;
  readonly images?: ImageContent & { readonly find: FindImage };
  readonly refusals?: number;
  /** Where agents send what differs in frozen disks. */
  readonly deltas?: AgentDeltaRoutesDeps['deltas'];
  /** What people reach beside the fleet: routes and doors, and who they are. */
  readonly people?: (parts: PeopleParts) => { readonly routes: readonly BoundRoute[]; readonly doors: readonly UpgradeDoor[]; readonly authenticate: Authenticate };
}

export interface PeopleParts {
  readonly unit: TestDatabase['unit'];
  readonly clock: HandClock;
  readonly agents: AgentSessions;
  readonly streams: StreamRelay;
  readonly log: LinkLog;
}

/** The fleet link as main composes it, over a real HTTPS server and a real database, with a clock held in hand. */
export async function startLinkServer(options: LinkServerOptions = {}) {
  const database: TestDatabase = await openTestDatabase();
  const { unit } = database;
  const clock = new HandClock();
  const tls = selfSigned();
  const people = new Map<string, Principal>();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const siteId = newId(clock.now());
  const network = { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 };
  const fleet = { heartbeatMs: 5_000, suspectAfterMs: 15_000, lostAfterMs: 60_000 };
  const reports = new ReportsDouble();

  const pulse = new FleetPulse(clock);
  const commands = new AgentCommands(unit, clock, log);
  const sessions: AgentSessions = new AgentSessions(commands, (slaveId) => streams.shutOut(slaveId));
  const streams = new StreamRelay({ agents: sessions, clock, log });
  const streamDoor = new StreamDoor({ clock, relay: streams });
  const hellos = new HelloService(unit, clock, options.addressCheck ?? 'warn');
  const gateway = new AgentGateway({
    clock, hellos, sessions, reports, pulse, log, unitOfWork: unit,
    settings: { siteId, network, timings: linkTimings(fleet), limits: { ...defaultLimits, ...options.limits } },
  });
  const slaves = new SlaveService(unit, clock, sessions, reports, pulse, fleet, defaultScheduling);
  const tokens = new JoinTokenService(unit, clock, { url: 'https://master.example:8443', caFingerprint: null });
  const limiter = new RefusalLimiter(clock, { refusals: options.refusals ?? 1000, windowMs: 60_000 });
  const unasked = () => Promise.reject(new Error('no test expected an image to be read'));
  const images = options.images ?? { openRead: unasked, find: unasked };
  const faults: object[] = [];
  /** What jobs told of single items; who expects it takes it out. */
  const jobFaults: unknown[] = [];
  const more = options.people?.({ unit, clock, agents: sessions, streams, log });
  const app = createApp({
    routes: [...slaveRoutes(slaves), ...joinTokenRoutes(tokens), ...(more?.routes ?? [])],
    routers: [
      { path: agentRoutesPath, router: agentRoutes({ enrolments: new EnrolmentService(unit, clock, siteId), limiter, holders: sessions, images, findImage: images.find }) },
      ...(options.deltas === undefined ? [] : [{ path: agentRoutesPath, router: agentDeltaRoutes({ holders: sessions, deltas: options.deltas, clock }) }]),
    ],
    authenticate: (request) => {
      const principal = people.get(String(request.headers['x-test-user'] ?? ''));
      return principal === undefined ? (more?.authenticate(request) ?? Promise.resolve(null)) : Promise.resolve({ principal, by: 'bearer' });
    },
    idempotency: { begin: () => Promise.resolve({ kind: 'first', subjectId: '' }), finish: () => Promise.resolve(), forget: () => Promise.resolve(), abandon: () => undefined },
    checkAnswers: true,
    log: { error: (fields: object) => faults.push(fields) },
  });

  // Express is the server's request listener; its types say it returns something, which nobody reads.
  const server: Server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => void app(request, response));
  beginLiveHandshakes(server, arrivalLimits);
  server.on('upgrade', (request, socket, head) => {
    if (!gateway.upgrade(request, socket, head) && !streamDoor.upgrade(request, socket, head) && more?.doors.some((door) => door.upgrade(request, socket, head)) !== true) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;

  const ask = (method: string, path: string, as: Principal | null, body?: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> => {
    if (as !== null) people.set(as.userId, as);
    const text = body === undefined ? null : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        `${url}${path}`,
        {
          method,
          ca: tls.cert,
          agent: false,
          headers: {
            ...(as === null ? {} : { 'x-test-user': as.userId }),
            ...(text === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
            ...headers,
          },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(parts);
            const json = String(response.headers['content-type'] ?? '').includes('json');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, body: json ? (JSON.parse(bytes.toString('utf8')) as unknown) : null });
          });
        },
      );
      request.on('error', reject);
      request.end(text ?? undefined);
    });
  };
  const post = (path: string, body: unknown): Promise<HttpAnswer> => ask('POST', path, null, body);
  const admin = person('admin');

  const self = {
    connections: () => new Promise<number>((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))),
    unit, db: database.db, clock, reports, pulse, commands, sessions, gateway, streams, streamDoor, slaves, tokens, url, ca: tls.cert, ask, post, admin, faults, jobFaults,
    liveness: () => {
      const job = new LivenessJob(unit, clock, pulse, reports, fleet);
      return { run: () => job.run((error) => jobFaults.push(error)) };
    },
    store: new FleetStoreJob(unit, pulse),

    agent: (name?: string) => new AgentDouble(url, tls.cert, newIdentity(name)),
    async token(wish: { preapproved?: boolean; kind?: 'dedicated' | 'volunteer'; lifetimeMinutes?: number } = {}, as: Principal = admin): Promise<string> {
      return (await tokens.create(as, { preapproved: wish.preapproved ?? false, kind: wish.kind, note: '', lifetimeMinutes: wish.lifetimeMinutes ?? 60 }, '127.0.0.1')).token;
    },
    /** A slave that has enrolled: approved unless told. */
    async enrolled(admission: 'approved' | 'pending' = 'approved', name?: string): Promise<AgentDouble> {
      const agent = self.agent(name);
      const answer = await agent.enrol(await self.token({ preapproved: admission === 'approved' }), post);
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return agent;
    },
    async admissionOf(agent: AgentDouble): Promise<{ admission: Admission; reason: string | null }> {
      const slave = await unit.read.slaves.find(agent.slaveId);
      if (slave === null) throw new Error('no such host');
      return { admission: slave.admission, reason: slave.admissionReason };
    },
    /** Kinds of the events about a slave, by time; those of one moment (the clock stands still) by name. */
    async eventsOf(slaveId: string): Promise<string[]> {
      return (await database.db('events').where({ subject_id: slaveId }).orderBy(['at', 'kind']).pluck('kind')) as string[];
    },
    async close(): Promise<void> {
      gateway.close();
      streamDoor.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
      if (jobFaults.length > 0) throw new AggregateError(jobFaults, 'jobs told of faults that no test expected');
      if (faults.length > 0) throw new Error(`the edge answered with faults: ${JSON.stringify(faults, (_key, value: unknown) => (value instanceof Error ? value.stack : value))}`);
    },
  };
  return self;
}

export type LinkServer = Awaited<ReturnType<typeof startLinkServer>>;

/** A certificate for 127.0.0.1, by openssl, as a department would make one for a trial. */
function selfSigned(): { key: string; cert: string } {
  const directory = mkdtempSync(join(tmpdir(), 'paravcl-test-tls-'));
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
  try {
    const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2', '-subj', '/CN=master', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...options, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
