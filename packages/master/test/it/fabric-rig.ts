import type { Principal, Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { createServer, request as sendRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { composeFabric } from '../../src/compose-fabric';
import type { MasterConfig } from '../../src/config';
import { configSchema } from '../../src/config';
import { createApp } from '../../src/http/app';
import { answerBrokenRequests } from '../../src/http/broken-request';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { ApiTokenService } from '../../src/services/api-token-service';
import { openRig, type Rig, type RigOptions } from './instance-rig';

export interface FabricAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; null of an empty answer. */
  readonly body: unknown;
  /** X-Fabric-Reason. */
  readonly reason: string | undefined;
}

export interface Asking {
  readonly method?: string;
  /** An API token. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface FabricSite {
  readonly rig: Rig;
  readonly logged: object[];
  /** Asks as a client of the original does: a GET, with nothing but what is said. */
  ask(path: string, asking?: Asking): Promise<FabricAnswer>;
  /** A call of the REST API with a token. */
  rest(method: string, path: string, token: string, body?: unknown): Promise<FabricAnswer>;
  token(of: Principal, scope?: 'read' | 'full'): Promise<string>;
  person(role: Role, name: string): Promise<Principal>;
  /** The next start of the master, over the same books. */
  restart(fabric?: Partial<MasterConfig['fabric']>): Promise<void>;
  close(): Promise<void>;
}

/** The Fabric API over HTTP before the real services, with agents that answer what a test says. */
export async function openFabricSite(fabric: Partial<MasterConfig['fabric']> = {}, options: RigOptions = {}): Promise<FabricSite> {
  const rig = await openRig(options);
  const { unit, clock, instances, agents, pulse, scheduling } = rig;
  const apiTokens = new ApiTokenService(unit, clock);
  const logged: object[] = [];
  let close: () => Promise<void> = () => Promise.resolve();
  let port = 0;

  const start = async (settings: Partial<MasterConfig['fabric']>): Promise<void> => {
    const config = configSchema.parse({ publicUrl: 'https://lab.example:8443', fabric: { enabled: true, ...settings } });
    const log = { info: (fields: object) => void logged.push(fields), error: (fields: object) => void rig.faults.push(fields) };
    const composed = composeFabric({ config, unit, clock, instances, agents, figures: pulse, limits: scheduling, maxMinutes: rig.settings.minutes.max, log });
    const app = createApp({
      routes: composed.routes,
      routers: composed.routers,
      authenticate: async ({ headers }) => {
        const principal = await apiTokens.principalOf(headers.authorization?.replace('Bearer ', '') ?? '');
        return principal === null ? null : { principal, by: 'bearer' };
      },
      idempotency: idempotencyStore(unit.read.idempotencyKeys, clock),
      checkAnswers: true,
      log,
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    answerBrokenRequests(server);
    await new Promise((resolve) => server.once('listening', resolve));
    ({ port } = server.address() as AddressInfo);
    close = () => new Promise((resolve) => { server.close(() => { resolve(); }); server.closeAllConnections(); });
  };
  await start(fabric);

  const ask: FabricSite['ask'] = (path, { method = 'GET', token, headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const sent = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers };
      const request = sendRequest({ host: '127.0.0.1', port, path, method, headers: sent, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const reason = response.headers['x-fabric-reason'];
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text === '' ? null : parseJson(text), reason: typeof reason === 'string' ? reason : undefined });
        });
      });
      request.on('error', reject);
      request.end(body);
    });

  return {
    rig, logged, ask,
    rest: (method, path, token, body) => ask(`/api/v1${path}`, { method, token, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) }),
    token: async (of, scope = 'full') => (await apiTokens.create({ principal: { ...of, sessionId: newId(clock.now()) }, clientAddress: '127.0.0.1' }, { name: 'program', scope, days: 30 })).token,
    person: (role, name) => rig.person(role, name),
    restart: async (settings = fabric) => {
      await close();
      await start(settings);
    },
    close: async () => {
      await close();
      await rig.close();
    },
  };
}
