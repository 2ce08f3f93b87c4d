import { feedMessageSchema, type FeedMessage, type FeedTopic } from '@paravcl/shared/api/feed';
import { feedPath } from '@paravcl/shared/api/sockets';
import { systemClock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { sessionAuthentication } from '../../src/http/session-authentication';
import { ApiTokenService } from '../../src/services/api-token-service';
import { ChangeFeed } from '../../src/services/change-feed';
import { PasswordService } from '../../src/services/password-service';
import { SessionService, defaultSessionLifetime } from '../../src/services/session-service';
import { SessionWatch } from '../../src/services/session-watch';
import { FeedDoor, defaultFeedLimits, type FeedDoorLimits } from '../../src/ws/feed-door';
import { eventually } from './eventually';
import type { Person, TestSite } from './test-site';

/** A browser tab that listens. */
export interface Tab {
  readonly socket: WebSocket;
  readonly messages: FeedMessage[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** All ids it was told of this topic. */
  ids(topic: FeedTopic): readonly string[];
  /** Waits until it was told of this thing. */
  told(topic: FeedTopic, id: string): Promise<void>;
}

export interface FeedRig {
  readonly origin: string;
  readonly watch: SessionWatch;
  readonly door: FeedDoor;
  readonly faults: unknown[];
  /** Opens a tab and waits for `ready`. */
  open(person: Person): Promise<Tab>;
  /** Dials with these headers; answers the status of the refusal, or 101. */
  dial(headers: Readonly<Record<string, string>>): Promise<number>;
  cookie(person: Person): string;
  /** Closes all tabs and waits until the door knows. */
  closeTabs(): Promise<void>;
  close(): Promise<void>;
}

/** The feed's door on a port of its own, over the books of the site; `instead` stands in for what tells. */
export async function openFeed(site: TestSite, limits: Partial<FeedDoorLimits> = {}, instead?: Pick<ChangeFeed, 'listen'>): Promise<FeedRig> {
  const { unit, changes } = site.database;
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const sessions = new SessionService({ unit, clock: systemClock, passwords: new PasswordService() });
  const watch = new SessionWatch(unit.read.sessions, systemClock, defaultSessionLifetime.idleMs);
  const feed = instead ?? new ChangeFeed({ changes, books: unit.read.feed, clock: systemClock, onFault });
  const door = new FeedDoor({ clock: systemClock, feed, sessions: watch, authenticate: sessionAuthentication(sessions, new ApiTokenService(unit, systemClock)), onFault }, { ...defaultFeedLimits, ...limits });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => void door.upgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `https://127.0.0.1:${port}`;
  const connect = (headers: Readonly<Record<string, string>>): WebSocket => new WebSocket(`ws://127.0.0.1:${port}${feedPath}`, { headers });
  const cookie = (person: Person): string => `__Host-paravcl=${person.token}`;

  const tabs: WebSocket[] = [];
  return {
    origin, watch, door, faults, cookie,
    closeTabs: async () => {
      for (const tab of tabs.splice(0)) tab.terminate();
      await eventually('all tabs are closed', () => door.size === 0);
    },
    open: async (person) => {
      const socket = connect({ origin, cookie: cookie(person) });
      tabs.push(socket);
      const messages: FeedMessage[] = [];
      socket.on('message', (data) => messages.push(feedMessageSchema.parse(parseJson((data as Buffer).toString('utf8')))));
      const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') })));
      await eventually('the feed is ready', () => messages.length > 0);
      const ids = (topic: FeedTopic): readonly string[] => messages.flatMap((message) => (message.type === 'changed' ? message.changes.flatMap((change) => (change.topic === topic ? (change.ids ?? []) : [])) : []));
      return { socket, messages, closed, ids, told: async (topic, id) => void (await eventually(`${person.name} is told of ${topic} ${id}`, () => ids(topic).includes(id))) };
    },
    dial: (headers) =>
      new Promise((resolve, reject) => {
        const socket = connect(headers);
        socket.once('unexpected-response', (_request, response: IncomingMessage) => {
          resolve(response.statusCode ?? 0);
          socket.on('error', () => undefined);
          socket.terminate();
        });
        socket.once('open', () => {
          resolve(101);
          socket.terminate();
        });
        socket.once('error', reject);
      }),
    close: async () => {
      door.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
