import type { Cancel, Clock, EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { helloSigningInput, type AgentFrame, type Hello } from '@paravcl/shared/protocol/agent-to-master';
import { decodeMasterFrame, encodeFrame } from '@paravcl/shared/protocol/envelope';
import type { Challenge, MasterFrame, Refused, Welcome } from '@paravcl/shared/protocol/master-to-agent';
import { reconnectDelayMs } from '@paravcl/shared/protocol/reconnect';
import { agentLinkPath, maxFrameBytes, oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import type { Logger } from 'pino';
import { WebSocket, type RawData } from 'ws';
import type { AgentKey } from './identity';
import { quietMs } from './quiet-after-refusal';

/** What a hello says beyond who speaks. */
export type HelloFacts = Omit<Hello, 'slaveId' | 'protocol' | 'publicKey' | 'signature'>;
/** Frames that come once the link is up. */
export type WorkFrame = Exclude<MasterFrame, { type: 'challenge' | 'welcome' | 'refused' | 'heartbeat' }>;
type HeartbeatFacts = Omit<Extract<AgentFrame, { type: 'heartbeat' }>['payload'], 'agentTime'>;

export interface MasterLinkParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly masterUrl: string;
  readonly ca?: readonly string[];
  readonly slaveId: string;
  readonly siteId: string;
  readonly key: AgentKey;
  hello(): Promise<HelloFacts>;
  heartbeat(): Promise<HeartbeatFacts>;
  onWelcome(welcome: Welcome): void;
  onFrame(frame: WorkFrame): void;
  onDown(): void;
}

type Phase = 'connecting' | 'challenged' | 'up';

/** The master may be greeting thousands at once; longer than this and it is not coming. */
const greetingDeadlineMs = 30_000;
/** Unsent bytes above which reports wait, and above which the connection is given up as stuck. */
const fullBytes = 1024 * 1024;
const stuckBytes = 8 * 1024 * 1024;
/** Heartbeats of the master that may be missing before the connection counts as half-open. */
const missedHeartbeats = 3;
/**
 * A connection that lasted so long was a good one, and the next is dialled soon again. One that ends right after its
 * welcome, as with a master that cannot write down what it is told, counts as a failed attempt.
 */
const lastedMs = 10_000;

/**
 * The one connection of an agent, dialled by the agent: challenge, signed hello, welcome, then frames
 * both ways until it breaks; then again, after a random wait so that a restarted master is not met by
 * everybody in the same moment. Nothing is queued while it is down: the next hello tells everything.
 */
export class MasterLink {
  private socket: WebSocket | null = null;
  private phase: Phase = 'connecting';
  private attempt = 0;
  private stopped = false;
  private cancelTimer: Cancel | null = null;
  private cancelRetry: Cancel | null = null;
  private lastHeardMs = 0;
  private upSinceMs = 0;
  private offsetMs: number | null = null;
  private lastContact: EpochMs | null = null;
  private token: string | null = null;
  private quietUntilRetryMs: number | null = null;

  constructor(private readonly parts: MasterLinkParts) {}

  get isUp(): boolean {
    return this.phase === 'up' && this.socket?.readyState === WebSocket.OPEN;
  }

  /** Slave clock minus master clock at the last frame that told the time, delivery included. */
  get clockOffsetMs(): number | null {
    return this.offsetMs;
  }

  get lastContactAt(): EpochMs | null {
    return this.lastContact;
  }

  /** Bearer for what goes beside the link over HTTP, as long as the link is up; null while it is down. */
  get contentToken(): string | null {
    return this.isUp ? this.token : null;
  }

  start(): void {
    this.dial();
  }

  stop(): void {
    this.stopped = true;
    this.cancelRetry?.();
    this.cancelTimer?.();
    this.socket?.close(1001, 'the agent stops');
    this.socket?.terminate();
  }

  /** False when the link is not up or its buffer is full; then nothing was sent. */
  send(frame: AgentFrame): boolean {
    const { socket } = this;
    if (!this.isUp || socket === null || socket.bufferedAmount > fullBytes) return false;
    try {
      socket.send(encodeFrame(protocolVersion, newId(this.parts.clock.now()), frame));
      return true;
    } catch (error) {
      this.parts.log.error({ err: error, type: frame.type }, 'a frame could not be sent');
      return false;
    }
  }

  private dial(): void {
    const { masterUrl, ca, log } = this.parts;
    this.phase = 'connecting';
    this.quietUntilRetryMs = null;
    const url = new URL(agentLinkPath, masterUrl);
    url.protocol = 'wss:';
    const socket = new WebSocket(url, {
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: 10_000,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    this.socket = socket;
    this.armGreetingDeadline(socket);
    socket.on('message', (data, isBinary) => this.receive(socket, data, isBinary));
    socket.on('error', (error) => log.warn({ err: error.message, master: masterUrl }, 'the link to the master failed'));
    socket.on('close', () => this.closed(socket));
  }

  private receive(socket: WebSocket, data: RawData, isBinary: boolean): void {
    if (socket !== this.socket || this.stopped) return;
    const { log, clock } = this.parts;
    this.lastHeardMs = clock.monotonicMs();
    this.lastContact = clock.now();
    let frame: MasterFrame;
    try {
      if (isBinary) throw new Error('binary frames are not part of the protocol');
      frame = decodeMasterFrame((data as Buffer).toString('utf8'));
    } catch (error) {
      // One frame that cannot be understood must not cost the connection and thereby every other one.
      log.error({ err: error }, 'a frame of the master was not understood and is ignored');
      return;
    }
    this.handle(socket, frame);
  }

  private handle(socket: WebSocket, frame: MasterFrame): void {
    switch (frame.type) {
      case 'challenge':
        if (this.phase !== 'connecting') return;
        this.phase = 'challenged';
        void this.answer(socket, frame.payload);
        return;
      case 'refused':
        return this.refused(socket, frame.payload);
      case 'welcome':
        if (this.phase === 'challenged') this.welcomed(socket, frame.payload);
        return;
      case 'heartbeat':
        this.noteMasterTime(frame.payload.masterTime);
        return;
      default:
        if (this.phase === 'up') this.parts.onFrame(frame);
    }
  }

  private async answer(socket: WebSocket, challenge: Challenge): Promise<void> {
    const { parts } = this;
    if (challenge.siteId !== parts.siteId) {
      parts.log.error({ siteId: challenge.siteId }, 'this master belongs to another site than the one this host is enrolled at; enrol again if that is meant');
      return this.giveUp(socket, quietMs('unknown-slave'));
    }
    const protocol = Math.min(protocolVersion, challenge.protocol.newest);
    if (protocol < oldestProtocolVersion || protocol < challenge.protocol.oldest) {
      parts.log.error({ master: challenge.protocol, agent: protocolVersion }, 'master and agent have no protocol version in common: bring them to neighbouring releases');
      return this.giveUp(socket, quietMs('protocol-version'));
    }
    try {
      const facts = await parts.hello();
      const signature = parts.key.sign(helloSigningInput(challenge.nonce, parts.slaveId));
      const hello: AgentFrame = { type: 'hello', payload: { ...facts, slaveId: parts.slaveId, protocol, publicKey: parts.key.publicKey, signature } };
      if (socket.readyState === WebSocket.OPEN) socket.send(encodeFrame(protocol, newId(parts.clock.now()), hello));
    } catch (error) {
      parts.log.error({ err: error }, 'this host could not be described to the master');
      socket.terminate();
    }
  }

  private welcomed(socket: WebSocket, welcome: Welcome): void {
    const { parts } = this;
    this.phase = 'up';
    this.token = welcome.contentToken;
    this.upSinceMs = parts.clock.monotonicMs();
    this.noteMasterTime(welcome.masterTime);
    parts.log.info({ master: parts.masterUrl, admission: welcome.admission }, `connected to the master; this host is ${welcome.admission}`);
    this.beat(socket, welcome.heartbeatMs);
    parts.onWelcome(welcome);
  }

  /** Sends a heartbeat every period, and ends a connection on which the master fell silent. */
  private beat(socket: WebSocket, periodMs: number): void {
    const { parts } = this;
    this.cancelTimer?.();
    if (socket !== this.socket || this.stopped) return;
    const silentMs = parts.clock.monotonicMs() - this.lastHeardMs;
    if (silentMs > missedHeartbeats * periodMs || socket.bufferedAmount > stuckBytes) {
      parts.log.warn({ silentMs: Math.round(silentMs), unsentBytes: socket.bufferedAmount }, 'the master fell silent; connecting anew');
      socket.terminate();
      return;
    }
    void parts.heartbeat().then(
      (facts) => this.send({ type: 'heartbeat', payload: { agentTime: new Date(parts.clock.now()).toISOString(), ...facts } }),
      (error: unknown) => parts.log.warn({ err: error }, 'the load of this host could not be read; the heartbeat is left out'),
    );
    this.cancelTimer = parts.clock.after(periodMs, () => this.beat(socket, periodMs));
  }

  private refused(socket: WebSocket, { code, sentence }: Refused): void {
    const waitMs = quietMs(code);
    this.parts.log.error({ code, retryAfterMs: waitMs }, `the master refuses this agent: ${sentence}`);
    this.giveUp(socket, waitMs);
  }

  private giveUp(socket: WebSocket, waitMs: number): void {
    this.quietUntilRetryMs = waitMs;
    socket.close();
    // A peer that does not answer the close must not keep the connection.
    this.armGreetingDeadline(socket);
  }

  private closed(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.cancelTimer?.();
    this.socket = null;
    const wasUp = this.phase === 'up';
    this.phase = 'connecting';
    if (wasUp && this.parts.clock.monotonicMs() - this.upSinceMs >= lastedMs) this.attempt = 0;
    if (wasUp) this.parts.onDown();
    if (this.stopped) return;
    const delayMs =
      this.quietUntilRetryMs === null
        ? reconnectDelayMs(this.attempt, this.parts.random())
        : // Half to one and a half times, so that many refused agents do not come back together.
          this.quietUntilRetryMs * (0.5 + this.parts.random());
    this.attempt += 1;
    this.parts.log.info({ delayMs: Math.round(delayMs) }, 'the link to the master is down; guests are not touched');
    this.cancelRetry = this.parts.clock.after(delayMs, () => this.dial());
  }

  private armGreetingDeadline(socket: WebSocket): void {
    this.cancelTimer?.();
    this.cancelTimer = this.parts.clock.after(greetingDeadlineMs, () => socket.terminate());
  }

  private noteMasterTime(masterTime: string): void {
    this.offsetMs = this.parts.clock.now() - Date.parse(masterTime);
  }
}
