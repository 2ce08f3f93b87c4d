import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import type { AgentFrame, Hello } from '@paravcl/shared/protocol/agent-to-master';
import { decodeAgentFrame, encodeFrame } from '@paravcl/shared/protocol/envelope';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';
import { agentLinkPath, maxFrameBytes, oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Endpoint, FaultProxy } from './fault-proxy';

export interface StaleMasterOptions {
  readonly listen: Endpoint;
  /** The master's own `tls` directory: `server.key`, and `server.crt`, which the site's CA signed for the names agents dial. */
  readonly tlsDirectory: string;
  readonly siteId: string;
  /** As the agent knows it; another one would be taken for a change of the site. */
  readonly network: SiteNetwork;
  /** The lab's time: an agent measures its clock against it. */
  readonly now?: () => number;
}

/** What an agent said on a connection with a stale master. */
export interface StaleAnswers {
  readonly hello: Hello;
  /** Everything after its hello, in order, without heartbeats. */
  readonly frames: readonly AgentFrame[];
}

/** Heartbeats are not waited for: the connection is shorter than one period. */
const heartbeatMs = 5000;

/**
 * A master of the site as an agent sees it, with an outdated memory: restored from an old backup, or a second
 * one that was forgotten somewhere. It shows the site's certificate, welcomes whoever comes without checking
 * who it is, and says what it was told to say. A fault proxy leads an agent here for one connection.
 */
export class StaleMaster {
  private server: Server | null = null;
  private sockets: WebSocketServer | null = null;
  /** Takes the next agent; null while none is wanted. */
  private next: ((agent: WebSocket) => void) | null = null;

  constructor(private readonly options: StaleMasterOptions) {}

  async start(): Promise<void> {
    const { tlsDirectory, listen } = this.options;
    const [key, cert] = await Promise.all(['server.key', 'server.crt'].map((name) => readFile(join(tlsDirectory, name), 'utf8')));
    const server = createServer({ key: key ?? '', cert: cert ?? '' });
    const sockets = new WebSocketServer({ server, path: agentLinkPath, maxPayload: maxFrameBytes, perMessageDeflate: false });
    sockets.on('connection', (agent) => {
      const take = this.next;
      this.next = null;
      if (take === null) agent.terminate();
      else take(agent);
    });
    this.sockets = sockets;
    server.listen(listen.port, listen.host);
    await once(server, 'listening');
    this.server = server;
  }

  async stop(): Promise<void> {
    const { server, sockets } = this;
    if (server === null || sockets === null) return;
    this.server = this.sockets = null;
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  get endpoint(): Endpoint {
    if (this.server === null) throw new Error('The stale master does not listen.');
    return { host: this.options.listen.host, port: (this.server.address() as AddressInfo).port };
  }

  /** Leads the agent behind `proxy` here for one connection, as `speakOnce`, and back to where it came from. */
  async lure(proxy: FaultProxy, frames: readonly MasterFrame[], timeoutMs?: number): Promise<StaleAnswers> {
    const home = proxy.target;
    proxy.retarget(this.endpoint);
    proxy.reset();
    try {
      return await this.speakOnce(frames, timeoutMs);
    } finally {
      proxy.retarget(home);
      proxy.reset();
    }
  }

  /**
   * Waits for the next agent, welcomes it, says `frames` to it and listens until it has taken all of them in;
   * then hangs up and answers what it said. Throws when nobody came, or it did not answer, within `timeoutMs`.
   */
  async speakOnce(frames: readonly MasterFrame[], timeoutMs = 30_000): Promise<StaleAnswers> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    let stage = 'no agent came';
    let agent: WebSocket | null = null;
    try {
      for (;;) {
        agent = await this.nextAgent(deadline.signal);
        stage = 'an agent came and did not answer';
        const answers = await this.converse(agent, frames, deadline.signal);
        // One that hung up in the middle: the link is a bad one, it comes again.
        if (answers !== null) return answers;
      }
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      throw new Error(`The stale master waited ${String(timeoutMs / 1000)} s: ${stage}.`, { cause: error });
    } finally {
      clearTimeout(timer);
      this.next = null;
      agent?.terminate();
    }
  }

  private nextAgent(signal: AbortSignal): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('Out of time.')), { once: true });
      this.next = resolve;
    });
  }

  /** Null when the agent hung up before it had answered. */
  private converse(socket: WebSocket, orders: readonly MasterFrame[], signal: AbortSignal): Promise<StaleAnswers | null> {
    const say = (frame: MasterFrame): void => socket.send(encodeFrame(protocolVersion, newId(this.now()), frame));
    const frames: AgentFrame[] = [];
    let hello: Hello | null = null;
    // Asked last, about an instance that never was: an agent answers it behind everything that it was told before.
    const question = { commandId: newId(this.now()), generation: null, deadlineMs: 10_000, command: { kind: 'serial-log', instanceId: newId(this.now()), tailBytes: 1 } } as const;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('Out of time.')), { once: true });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(null));
      socket.on('message', (data: RawData) => {
        let frame: AgentFrame;
        try {
          frame = decodeAgentFrame((data as Buffer).toString('utf8'));
        } catch (error) {
          reject(error as Error);
          return;
        }
        if (hello === null) {
          if (frame.type !== 'hello') return;
          hello = frame.payload;
          for (const order of [this.welcome(), ...orders]) say(order);
          say({ type: 'command', payload: question });
        } else if (frame.type === 'result' && frame.payload.commandId === question.commandId) resolve({ hello, frames });
        else if (frame.type !== 'heartbeat') frames.push(frame);
      });
      const protocol = { newest: protocolVersion, oldest: oldestProtocolVersion };
      say({ type: 'challenge', payload: { siteId: this.options.siteId, nonce: randomBytes(32).toString('base64url'), protocol } });
    });
  }

  private welcome(): MasterFrame {
    return {
      type: 'welcome',
      payload: {
        sessionId: newId(this.now()),
        admission: 'approved',
        heartbeatMs,
        masterTime: new Date(this.now()).toISOString(),
        network: this.options.network,
        contentToken: randomBytes(32).toString('base64url'),
      },
    };
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}
