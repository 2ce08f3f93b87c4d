import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Admission, Describe } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { AgentFrame, GuestProcessor, Hello } from '@paravcl/shared/protocol/agent-to-master';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { MasterFrame, Refused } from '@paravcl/shared/protocol/master-to-agent';
import { oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { UnitOfWork } from '../db/unit-of-work';
import type { FleetPulse } from '../services/fleet-pulse';
import type { HelloService } from '../services/hello-service';
import type { AgentReports } from '../services/ports';
import type { RefusalLimiter } from '../services/refusal-limiter';
import type { AgentSessions, RegisteredSession } from './agent-sessions';
import { AwaitingRoom } from './awaiting-room';
import { desiredBatches, understoodBy } from './desired-batches';
import { closeCodes, FrameSocket, type FrameSocketEvents } from './frame-socket';
import type { LinkWheel, OnWheel } from './link-wheel';
import type { LinkLog, LinkSettings } from './link-settings';

export interface AgentSessionDeps {
  readonly clock: Clock;
  readonly settings: LinkSettings;
  readonly hellos: HelloService;
  readonly sessions: AgentSessions;
  readonly reports: AgentReports;
  readonly pulse: FleetPulse;
  readonly unitOfWork: UnitOfWork;
  /** Addresses whose hellos proved no key of ours; the gateway makes them wait. */
  readonly strangers: RefusalLimiter;
  /** Beats for every connection. */
  readonly wheel: LinkWheel;
  /** The heartbeat of this moment, encoded once for everybody who is due. */
  readonly heartbeatFrame: () => Buffer;
  /** What the processors of a slave's guests did. */
  readonly onGuests?: (slaveId: string, guests: readonly GuestProcessor[], arrivedAt: EpochMs) => void;
  readonly log: LinkLog;
}

/** What is known of a session once its hello was accepted. */
interface Accepted {
  readonly slaveId: string;
  readonly name: string;
  readonly protocol: number;
  admission: Admission;
  /**
   * Everything it named on this connection, until it is admitted and has named all there is: what its
   * desired set is worked out from at that moment. Reports of a slave that is not admitted reach nobody.
   */
  named: Map<string, ObservedInstance> | null;
  /** Whether what it named is all there is on it. */
  complete: boolean;
  /** Changes of its description that are not written yet. */
  undescribed: Partial<Describe>;
}

const isAdmitted = (admission: Admission): boolean => admission === 'approved' || admission === 'draining';

/**
 * One connection of an agent, from its challenge to its end:
 * challenged → (hello) judging → accepted, or refused; closed from anywhere.
 * Invariants: nothing but a hello is heard before it is accepted; a session that is not the newest of
 * its slave reports nothing. It has no timer: the wheel calls it once every heartbeatMs.
 */
export class AgentSession implements RegisteredSession, FrameSocketEvents, OnWheel {
  readonly sessionId: string;
  /** Bearer for image content, as long as the session. */
  readonly contentToken = randomBytes(32).toString('base64url');

  private readonly nonce = randomBytes(32).toString('base64url');
  private readonly frames: FrameSocket;
  private stage: 'challenged' | 'judging' | 'accepted' | 'refused' = 'challenged';
  private accepted: Accepted | null = null;
  private heardAtMs: number;
  private readonly openedAtMs: number;
  /** What it told while the master's disk was full. */
  private readonly unwritten = new AwaitingRoom(maxNamed, () => {
    this.deps.log.warn({ slaveId: this.slaveId }, 'the master has no room for what a host told: it is kept and written when there is some');
  });
  private readonly slot: number;

  constructor(
    socket: WebSocket,
    readonly address: string,
    /** Rises with every connection: of two sessions of one slave the greater is the newer. */
    readonly order: number,
    private readonly deps: AgentSessionDeps,
    /** Called once, when the hello is accepted or the connection ends without: it is no longer unproven. */
    private readonly onProvenOrClosed: () => void,
    private readonly onEnded: (session: AgentSession) => void,
  ) {
    this.sessionId = newId(deps.clock.now());
    this.heardAtMs = this.openedAtMs = deps.clock.monotonicMs();
    this.frames = new FrameSocket(socket, deps.clock, deps.settings.limits, this);
    this.slot = deps.wheel.join(this);
    this.send({ type: 'challenge', payload: { siteId: deps.settings.siteId, nonce: this.nonce, protocol: { newest: protocolVersion, oldest: oldestProtocolVersion } } });
  }

  /** Null before its hello was accepted. */
  get slaveId(): string | null {
    return this.accepted?.slaveId ?? null;
  }

  get admission(): Admission | null {
    return this.accepted?.admission ?? null;
  }

  get protocol(): number | null {
    return this.accepted?.protocol ?? null;
  }

  send(frame: MasterFrame): void {
    this.frames.send(frame);
  }

  /** Says why and closes. */
  refuse(code: Refused['code'], sentence: string): void {
    this.stage = 'refused';
    this.send({ type: 'refused', payload: { code, sentence: sentence.slice(0, 1000) } });
    this.frames.close(closeCodes.policy, code);
  }

  /** The master stops; the agent dials again. */
  goAway(): void {
    this.frames.close(closeCodes.goingAway, 'the master is stopping');
  }

  /** Admission changed while connected. A slave that was waiting and is admitted now gets its desired set. */
  async admissionChanged(admission: Admission, sentence: string | null): Promise<void> {
    const { accepted } = this;
    if (accepted === null) return;
    accepted.admission = admission;
    this.send({ type: 'admission', payload: { admission, sentence } });
    try {
      await this.announceNamed(accepted);
    } catch (error) {
      // It dials again and says hello as an admitted slave: the same set is worked out then.
      this.onFault(error);
      this.frames.close(closeCodes.internal, 'try again');
    }
  }

  /** Noted at arrival: an agent whose frames wait for us is not silent. */
  onReceived(waits: boolean): void {
    this.heardAtMs = this.deps.clock.monotonicMs();
    if (waits) this.heard();
  }

  onFrame(frame: AgentFrame, arrivedAt: EpochMs): Promise<void> | undefined {
    const { accepted } = this;
    if (frame.type !== 'heartbeat' || accepted === null) return this.receive(frame);
    if (!this.deps.sessions.isCurrent(this)) return undefined;
    const { agentTime, load1, ramAvailableMiB, poolAvailableMiB, guests } = frame.payload;
    this.deps.pulse.heartbeat(accepted.slaveId, { agentTime: Date.parse(agentTime), load1, ramAvailableMiB, poolAvailableMiB }, arrivedAt);
    if (guests !== undefined && isAdmitted(accepted.admission)) this.deps.onGuests?.(accepted.slaveId, guests, arrivedAt);
    return undefined;
  }

  onFault(error: unknown): void {
    this.deps.log.warn({ err: error, slaveId: this.accepted?.slaveId ?? null, address: this.address }, 'a fault on an agent’s link');
  }

  onClosed(): void {
    this.deps.wheel.leave(this, this.slot);
    this.deps.sessions.remove(this);
    this.onProvenOrClosed();
    this.onEnded(this);
    if (this.accepted !== null) this.deps.log.info({ slaveId: this.accepted.slaveId, address: this.address }, `the link of ${this.accepted.name} ended`);
  }

  /** Every heartbeatMs: say that we live, and look whether the other end does. */
  beat(): void {
    if (this.stage !== 'accepted') return;
    const { silenceMs, drainMs } = this.deps.settings.timings;
    // While we do not read what it sends, nothing can be heard, and that is our doing.
    if (this.frames.isHeldBack) {
      this.heardAtMs = this.deps.clock.monotonicMs();
      this.heard();
    }
    if (this.deps.clock.monotonicMs() - this.heardAtMs >= silenceMs || this.frames.unsentForMs() >= drainMs) {
      this.onFault(new Error('the link is half-open: nothing heard, or nothing taken, for too long'));
      this.frames.cut();
      return;
    }
    this.frames.sendEncoded(this.deps.heartbeatFrame());
    if (this.deps.sessions.isCurrent(this)) {
      this.unwritten.retry().catch((error: unknown) => {
        this.onFault(error);
        this.frames.close(closeCodes.internal, 'a fault of the master; dial again');
      });
    }
  }

  /** Cuts a connection whose hello was not accepted in time. */
  checkHandshake(): void {
    if (this.stage !== 'accepted' && this.deps.clock.monotonicMs() - this.openedAtMs >= this.deps.settings.timings.handshakeMs) this.frames.cut();
  }

  private heard(): void {
    if (this.accepted !== null && this.deps.sessions.isCurrent(this)) this.deps.pulse.heard(this.accepted.slaveId);
  }

  private async receive(frame: AgentFrame): Promise<void> {
    if (this.stage === 'challenged') {
      if (frame.type !== 'hello') throw new ParavclError('malformed-body', `The first frame must be hello, not ${frame.type}.`);
      await this.hello(frame.payload);
      return;
    }
    const { accepted } = this;
    if (accepted === null || !this.deps.sessions.isCurrent(this)) return;
    this.deps.pulse.heard(accepted.slaveId);
    switch (frame.type) {
      case 'hello':
        throw new ParavclError('malformed-body', 'A session says hello once.');
      // Taken by onFrame.
      case 'heartbeat':
        return;
      case 'describe':
        await this.describe(accepted, definedOnly(frame.payload.changed));
        return;
      case 'observed':
        await this.observed(accepted, frame.payload.instances, frame.payload.inventoryComplete === true);
        return;
      case 'foreign':
        await this.unwritten.writeOne('foreign', () =>
          this.deps.unitOfWork.transaction((repositories) => repositories.slaves.storeForeignDomains(accepted.slaveId, frame.payload.domains)),
        );
        return;
      case 'result':
        await this.unwritten.writeOne(`result ${frame.payload.commandId}`, async () => {
          await this.deps.sessions.commands.result(accepted.slaveId, frame.payload);
          this.send({ type: 'result-stored', payload: { commandId: frame.payload.commandId } });
        });
    }
  }

  private async describe(accepted: Accepted, changed: Partial<Describe>): Promise<void> {
    const { slaveId } = accepted;
    this.deps.pulse.describe(slaveId, changed);
    await this.unwritten.writeOne('describe', async () => {
      const all = (accepted.undescribed = { ...accepted.undescribed, ...changed });
      await this.deps.unitOfWork.transaction((repositories) => repositories.slaves.mergeDescribe(slaveId, all));
      accepted.undescribed = {};
    });
  }

  private async observed(accepted: Accepted, instances: readonly ObservedInstance[], complete: boolean): Promise<void> {
    const { named } = accepted;
    for (const instance of named === null ? [] : instances) named?.set(instance.instanceId, instance);
    if (named !== null && named.size > maxNamed) throw new ParavclError('malformed-body', `A host has at most ${maxNamed} instances.`);
    if (isAdmitted(accepted.admission)) {
      const tell = (some: readonly ObservedInstance[]) => this.deps.reports.observed(accepted.slaveId, some);
      await this.unwritten.write(new Map(instances.map((one) => [`observed ${one.instanceId}`, () => tell([one])])), () => tell(instances));
    }
    if (!complete || accepted.complete) return;
    accepted.complete = true;
    await this.announceNamed(accepted);
  }

  private async hello(hello: Hello): Promise<void> {
    this.stage = 'judging';
    const { deps } = this;
    const verdict = await deps.hellos.judge(hello, { nonce: this.nonce, address: this.address, isConnected: (slaveId) => deps.sessions.isConnected(slaveId), isOpen: () => this.frames.isOpen });
    if (verdict === null) return;
    if (verdict.kind === 'refused') {
      if (verdict.stranger) deps.strangers.refused(this.address);
      deps.log.warn({ slaveId: hello.slaveId, address: this.address, code: verdict.code }, verdict.sentence);
      this.refuse(verdict.code, verdict.sentence);
      if (verdict.quarantinedNow) {
        deps.sessions.disconnect(hello.slaveId, verdict.sentence, 'quarantined');
        await deps.reports.fleetChanged(hello.slaveId);
      }
      return;
    }
    if (!this.frames.isOpen) return;
    const accepted: Accepted = {
      slaveId: hello.slaveId,
      name: verdict.name,
      protocol: hello.protocol,
      admission: verdict.admission,
      named: new Map(hello.inventory.map((instance) => [instance.instanceId, instance])),
      complete: hello.inventoryComplete,
      undescribed: {},
    };
    this.accepted = accepted;
    if (!deps.sessions.register(this, hello.slaveId)) {
      this.refuse('newer-session', `A newer connection of ${verdict.name} took over.`);
      return;
    }
    this.stage = 'accepted';
    this.onProvenOrClosed();
    deps.log.info({ slaveId: hello.slaveId, address: this.address, admission: verdict.admission, build: hello.build }, `${verdict.name} is connected`);
    deps.pulse.begin(hello.slaveId, hello.describe);
    const { heartbeatMs } = deps.settings.timings;
    this.send({
      type: 'welcome',
      payload: {
        sessionId: this.sessionId,
        admission: verdict.admission,
        heartbeatMs,
        masterTime: new Date(deps.clock.now()).toISOString(),
        network: deps.settings.network,
        contentToken: this.contentToken,
      },
    });
    await this.announceNamed(accepted);
    for (const order of deps.sessions.commands.pendingOf(hello.slaveId)) this.send({ type: 'command', payload: order });
    if (verdict.livenessBefore !== 'online') await deps.reports.fleetChanged(hello.slaveId);
  }

  /** Applies what it named and sends the desired set that follows; nothing while it is not admitted. */
  private announceNamed(accepted: Accepted): Promise<void> {
    return this.unwritten.writeOne('inventory', async () => {
      const { slaveId, named, complete, protocol } = accepted;
      if (named === null || !isAdmitted(accepted.admission)) return;
      if (complete) accepted.named = null;
      let desired;
      try {
        desired = await this.deps.reports.connected(slaveId, [...named.values()], complete);
      } catch (error) {
        accepted.named = named;
        throw error;
      }
      for (const instances of desiredBatches(understoodBy(protocol, desired))) this.send({ type: 'desired', payload: { instances: [...instances] } });
    });
  }
}

/** Many times what one host carries; it bounds what is kept of an agent that never says that it is done. */
const maxNamed = 2000;

/** Zod's `partial` allows undefined where the domain says absent. */
function definedOnly(changed: Readonly<{ [K in keyof Describe]?: Describe[K] | undefined }>): Partial<Describe> {
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) as Partial<Describe>;
}
