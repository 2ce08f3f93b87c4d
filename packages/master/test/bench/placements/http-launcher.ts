import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { composePeople } from '../../../src/compose-people';
import { composeScheduling } from '../../../src/compose-scheduling';
import { loadConfig } from '../../../src/config-file';
import { apiPrefix, createApp } from '../../../src/http/app';
import { idempotencyStore } from '../../../src/http/idempotency-store';
import { instanceRoutes } from '../../../src/http/instance-routes';
import { operationRoutes } from '../../../src/http/operation-routes';
import { ApiTokenService } from '../../../src/services/api-token-service';
import { InstanceConsoleService } from '../../../src/services/instance-console-service';
import { defaultScheduling } from '../../../src/services/instance-settings';
import { JoinTokenService } from '../../../src/services/join-token-service';
import { OperationService } from '../../../src/services/operation-service';
import { settingsFromConfig } from '../../../src/settings-from-config';
import { smallSize, type Books } from './prepared-launches';
import { agents, figures, settings, type RunningMaster } from './running-master';

const clock = systemClock;
const siteName = 'Lab';
const answerSchema = z.object({ instance: z.object({ id: z.string(), slaveId: z.string().nullable() }) });

/** Clients of the master's HTTP, each one of the people in the books with an API token and a connection that stays open. */
export interface HttpLauncher {
  /** Answers the instance that `POST /instances` answered, with its slave or without one when it has to wait. Throws with what the master said when it refused. */
  launch(client: number): Promise<{ readonly id: string; readonly slaveId: string | null }>;
  stop(): Promise<void>;
}

/** The master's app over a loopback socket, composed as the master composes it, with the routes of people, instances and what decides about them. */
export async function openHttpLauncher({ unitOfWork: unit, world, scheduler }: RunningMaster, { userIds, imageId }: Books, clients: number, onFault: (error: unknown) => void): Promise<HttpLauncher> {
  const all = { ...settingsFromConfig(loadConfig(null, {})), instances: settings, scheduling: defaultScheduling };
  const people = composePeople({ unit, clock, siteName, settings: all });
  const joinTokens = new JoinTokenService(unit, clock, { url: 'https://localhost:8443', caFingerprint: null });
  const scheduling = composeScheduling({ unit, clock, agents, figures, world, scheduler, joinTokens, settings: all, siteName, onFault: () => onFault });
  const app = createApp({
    authenticate: people.authenticate,
    idempotency: idempotencyStore(unit.read.idempotencyKeys, clock),
    checkAnswers: false,
    routes: [
      ...people.routes(scheduling.claims),
      ...instanceRoutes(scheduling.instances, new InstanceConsoleService(unit, agents, settings.timeZone, clock), scheduling.forecast),
      ...scheduling.routes,
      ...operationRoutes(new OperationService(unit)),
    ],
    routers: [],
    log: { error: (fields) => { onFault(fields); } },
  });
  const tokens = await tokensOf(userIds.slice(0, clients), unit);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connections = new Agent({ keepAlive: true, maxSockets: clients });
  const body = JSON.stringify({ imageId, ...smallSize, minutes: 60 });
  return {
    launch: async (client) => {
      const headers = { 'Authorization': `Bearer ${tokens[client] ?? ''}`, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), 'Idempotency-Key': randomUUID() };
      const answer = await posted({ agent: connections, host: '127.0.0.1', port, path: `${apiPrefix}/instances`, headers }, body);
      if (answer.status !== 202) throw new Error(`A launch over HTTP was answered ${String(answer.status)}: ${answer.body}`);
      return answerSchema.parse(parseJson(answer.body)).instance;
    },
    stop: async () => {
      connections.destroy();
      server.close();
      await once(server, 'close');
      await scheduling.idle();
    },
  };
}

/** API tokens that may do what these people may. */
async function tokensOf(userIds: readonly string[], unit: RunningMaster['unitOfWork']): Promise<readonly string[]> {
  const service = new ApiTokenService(unit, clock);
  return Promise.all(userIds.map(async (userId) => {
    const person = await unit.read.users.find(userId);
    if (person === null) throw new Error(`There is nobody ${userId} in the books.`);
    const principal = { userId, userName: person.name, role: person.role, groupIds: [], ownedGroupIds: [], sessionId: newId(clock.now()) };
    const { token } = await service.create({ principal, clientAddress: '127.0.0.1' }, { name: 'launches', scope: 'full', days: 1 });
    return token;
  }));
}

function posted(to: Parameters<typeof request>[1] & object, body: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...to, method: 'POST' }, (response) => {
      text(response).then((answer) => { resolve({ status: response.statusCode ?? 0, body: answer }); }, reject);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}
