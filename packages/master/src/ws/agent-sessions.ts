import type { Admission } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import type { Command, CommandResult } from '@paravcl/shared/protocol/commands';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import type { MasterFrame, Refused } from '@paravcl/shared/protocol/master-to-agent';
import { oldestProtocolVersion } from '@paravcl/shared/protocol/version';
import { createHash } from 'node:crypto';
import type { AgentPort } from '../services/ports';
import type { AgentCommands } from './agent-commands';
import { desiredBatches, understoodBy } from './desired-batches';

const maxForget = 500;

/** What the registry needs of a connection; `agent-session.ts` is one. */
export interface RegisteredSession {
  /** Rises with every connection: of two sessions of one slave the greater is the newer. */
  readonly order: number;
  readonly contentToken: string;
  /** Both null until its hello was accepted. */
  readonly slaveId: string | null;
  readonly admission: Admission | null;
  /** What its agent speaks; null until its hello was accepted. */
  readonly protocol: number | null;
  send(frame: MasterFrame): void;
  refuse(code: Refused['code'], sentence: string): void;
  admissionChanged(admission: Admission, sentence: string | null): Promise<void>;
}

/** The newest accepted session of every connected slave: how services reach agents. */
export class AgentSessions implements AgentPort {
  private readonly bySlave = new Map<string, RegisteredSession>();
  /** By hash, so that looking a token up takes no time that depends on the tokens that exist. */
  private readonly byContentToken = new Map<string, RegisteredSession>();

  constructor(
    readonly commands: AgentCommands,
    /** Called when a slave is let in no more (quarantined, retired), whether it is connected or not: its mirror goes too. */
    private readonly onShutOut: (slaveId: string, sentence: string) => void = () => undefined,
  ) {}

  /** The newest connection wins; the older one is told and closed. False when this one is the older. */
  register(session: RegisteredSession, slaveId: string): boolean {
    const other = this.bySlave.get(slaveId);
    if (other !== undefined && other.order > session.order) return false;
    this.bySlave.set(slaveId, session);
    this.byContentToken.set(tokenKey(session.contentToken), session);
    if (other !== undefined) {
      this.byContentToken.delete(tokenKey(other.contentToken));
      other.refuse('newer-session', 'A newer connection of this host took over. If two machines use this host’s key, one of them is a copy.');
    }
    return true;
  }

  remove(session: RegisteredSession): void {
    this.byContentToken.delete(tokenKey(session.contentToken));
    if (session.slaveId !== null && this.isCurrent(session)) this.bySlave.delete(session.slaveId);
  }

  isCurrent(session: RegisteredSession): boolean {
    return session.slaveId !== null && this.bySlave.get(session.slaveId) === session;
  }

  /** Whose live session this Bearer belongs to, and whether it may fetch; null when nobody's. */
  holderOfContentToken(contentToken: string): { readonly slaveId: string; readonly admission: Admission } | null {
    const session = this.byContentToken.get(tokenKey(contentToken));
    if (session === undefined || session.slaveId === null || session.admission === null || !this.isCurrent(session)) return null;
    return { slaveId: session.slaveId, admission: session.admission };
  }

  isConnected(slaveId: string): boolean {
    return this.bySlave.has(slaveId);
  }

  protocolOf(slaveId: string): number | null {
    return this.bySlave.get(slaveId)?.protocol ?? null;
  }

  pushDesired(slaveId: string, instances: readonly DesiredInstance[]): void {
    const session = this.bySlave.get(slaveId);
    if (session === undefined) return;
    for (const batch of desiredBatches(understoodBy(session.protocol ?? oldestProtocolVersion, instances))) session.send({ type: 'desired', payload: { instances: [...batch] } });
  }

  forget(slaveId: string, instances: readonly { readonly instanceId: string; readonly generation: number }[]): void {
    const session = this.bySlave.get(slaveId);
    for (let start = 0; session !== undefined && start < instances.length; start += maxForget) {
      session.send({ type: 'forget', payload: { instances: instances.slice(start, start + maxForget) } });
    }
  }

  pushAdmission(slaveId: string, admission: Admission, sentence: string | null): void {
    if (admission !== 'approved' && admission !== 'draining') this.onShutOut(slaveId, sentence ?? `The host is ${admission}.`);
    // It handles its own failure: by closing, so that the agent dials again.
    void this.bySlave.get(slaveId)?.admissionChanged(admission, sentence);
  }

  async command(slaveId: string, command: Command, about: { readonly generation: number | null; readonly deadlineMs: number }): Promise<CommandResult> {
    if (!this.isConnected(slaveId)) throw new ParavclError('slave-offline', 'The host is not connected now. Try again when it is online.');
    return this.commands.order(slaveId, command, about, (order) => this.bySlave.get(slaveId)?.send({ type: 'command', payload: order }));
  }

  disconnect(slaveId: string, sentence: string, code: Refused['code']): void {
    this.onShutOut(slaveId, sentence);
    const session = this.bySlave.get(slaveId);
    if (session === undefined) return;
    this.bySlave.delete(slaveId);
    this.byContentToken.delete(tokenKey(session.contentToken));
    session.refuse(code, sentence);
  }
}

const tokenKey = (contentToken: string): string => createHash('sha256').update(contentToken).digest('hex');
