import { consoleCloseCodes } from '@paravcl/shared/api/sockets';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Connection, ConnectionKind } from '@paravcl/shared/domain/connection';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { InstanceRecord } from '../core/instance-record';
import { tellClock } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import { notify } from './notice-service';
import { OpeningPace } from './opening-pace';
import { may, reach } from './policy';
import { principalOf } from './principal-of';
import { sayBytes } from './say-bytes';
import type { SessionWatch } from './session-watch';

/** An owner is told of the same person at the same machine once in this time. */
const noticeEveryMs = 600_000;
/** Opened at once by one person, however few they may have open. */
const leastBurst = 60;

export interface ConnectionLimits {
  readonly perUser: number;
  /** For slaves of which nothing else is set. */
  readonly perSlave: number;
}

export interface ConnectionAsked {
  readonly kind: ConnectionKind;
  /** The guest's TCP port; null for a console. */
  readonly port: number | null;
  readonly principal: Principal;
  readonly instance: InstanceRecord;
  readonly fromAddress: string;
  /** Ends it, with a code of `consoleCloseCodes` and a sentence for the person; called at most once, and never after `close`. */
  end(code: number, sentence: string): void;
}

export interface OpenConnection {
  readonly id: string;
  /** It is over. `bytes`: how many went both ways. */
  close(bytes?: number): void;
}

interface Known extends Omit<Connection, 'since'> {
  readonly groupId: string | null;
  readonly sinceMs: EpochMs;
  readonly asked: ConnectionAsked;
  readonly unwatch: () => void;
}

export interface GuestConnectionParts {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly sessions: Pick<SessionWatch, 'watch'>;
  readonly limits: ConnectionLimits;
  readonly timeZone: string;
  /** What could not be written down. */
  readonly onFault: (error: unknown) => void;
  /** Somebody has come, and it is written down. */
  readonly onOpened?: (kind: ConnectionKind) => void;
  /** Somebody has come or gone: who is connected sees it, and whose machine it is. */
  readonly onChange?: (id: string, seenBy: { readonly ownerUserId: string; readonly groupId: string | null }) => void;
}

/** Guests in these states have consoles; ports are connected to of those that run (`guest-ports`). */
const reachable: readonly InstanceRecord['observed'][] = ['booting', 'running', 'suspending', 'stopping'];

/** Whether a guest can be connected to now. */
export const isReachable = ({ observed, slaveId }: InstanceRecord): boolean => slaveId !== null && reachable.includes(observed);

/**
 * Who is connected to which guest now, by console or port. A connection is let in below the limits and written into the events; it ends
 * with its session, with the guest's run on that slave, and when the person may not any more. All of it is in memory, as the connections
 * themselves are.
 */
export class GuestConnections {
  private readonly open_ = new Map<string, Known>();
  /** By person and instance. */
  private readonly toldAt = new Map<string, EpochMs>();

  private readonly pace: OpeningPace;

  constructor(private readonly parts: GuestConnectionParts) {
    // Three times what may be open: a page with all its pictures, through a forwarded port.
    this.pace = new OpeningPace(Math.max(leastBurst, 3 * parts.limits.perUser));
  }

  /** Throws `quota-exceeded` at a limit, `rate-limited` when the person opens too many too fast, `conflict` when the guest has no slave. Call `close` when it is over. */
  async open(asked: ConnectionAsked): Promise<OpenConnection> {
    const { unit, clock, sessions } = this.parts;
    const { instance, principal, kind, port, fromAddress } = asked;
    const { slaveId } = instance;
    if (slaveId === null) throw new ParavclError('conflict', `${instance.name} is ${instance.observed} and on no host, so nobody can connect to it.`);
    const slave = await unit.read.slaves.find(slaveId);
    const slaveName = slave?.name ?? 'its host';
    const waitSeconds = this.pace.take(principal.userId, clock.now());
    if (waitSeconds > 0) throw new ParavclError('rate-limited', `You open connections too fast: five a second is the most for long. Try again in ${waitSeconds} s.`, { limit: '5 a second', retryAfterSeconds: waitSeconds });
    // Nothing is awaited between the count and the entry.
    this.requireRoom(principal, { id: slaveId, name: slaveName, most: slave?.maxConnections ?? this.parts.limits.perSlave });
    const id = newId(clock.now());
    const endWith = (code: number, sentence: string): void => this.end(id, code, sentence);
    const unwatch = principal.sessionId === '' ? () => undefined : sessions.watch(principal.sessionId, () => endWith(consoleCloseCodes.loggedOut, 'Your session has ended. Log in and open it again.'));
    const known: Known = {
      id, kind, port, fromAddress, slaveId, slaveName, asked, unwatch,
      userId: principal.userId, userName: principal.userName,
      instanceId: instance.id, instanceName: instance.name, ownerUserId: instance.userId, groupId: instance.groupId,
      sinceMs: clock.now(),
    };
    this.open_.set(id, known);
    this.tellChange(known);
    try {
      await this.writeOpened(known);
    } catch (error) {
      this.toldAt.delete(toldKey(known));
      this.forget(known);
      throw error;
    }
    this.parts.onOpened?.(kind);
    return {
      id,
      close: (bytes = 0) => {
        if (!this.forgetClosed(known)) return;
        this.writeClosed(known, bytes).catch(this.parts.onFault);
      },
    };
  }

  /** Those that the principal may see, longest first. */
  list(principal: Principal, filter: { readonly userId?: string | undefined; readonly instanceId?: string | undefined; readonly slaveId?: string | undefined }): readonly Connection[] {
    return [...this.open_.values()]
      .filter((each) => mayWith(principal, 'connection.list', each))
      .filter(({ userId, instanceId, slaveId }) => (filter.userId ?? userId) === userId && (filter.instanceId ?? instanceId) === instanceId && (filter.slaveId ?? slaveId) === slaveId)
      .sort((one, other) => one.sinceMs - other.sinceMs || (one.id < other.id ? -1 : 1))
      .map(viewOf);
  }

  /** Throws `not-found`, also for what the principal may not see. */
  async endByHand(principal: Principal, connectionId: string, clientAddress: string): Promise<void> {
    const known = this.open_.get(connectionId);
    if (known === undefined || !mayWith(principal, 'connection.end', known)) throw new ParavclError('not-found', `There is no connection ${connectionId}, or it is not yours to see.`);
    const { unit, clock } = this.parts;
    await unit.transaction((write) =>
      write.events.append(
        {
          kind: 'console.ended', subjectType: 'instance', subjectId: known.instanceId, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress,
          sentence: `${principal.userName} ended ${whatOf(known)} of ${known.instanceName} that ${known.userName} had open from ${known.fromAddress}.`,
        },
        clock.now(),
      ),
    );
    this.end(connectionId, consoleCloseCodes.revoked, principal.userId === known.userId ? 'You ended this connection.' : `${principal.userName} ended this connection.`);
  }

  /** One round: ends what has no reason to go on. A job. */
  async run(): Promise<void> {
    const all = [...this.open_.values()];
    if (all.length === 0) return;
    const { read } = this.parts.unit;
    const instances = new Map((await read.instances.among([...new Set(all.map(({ instanceId }) => instanceId))])).map((each) => [each.id, each]));
    const people = new Map<string, Principal | null>();
    for (const { userId } of all) if (!people.has(userId)) people.set(userId, await principalOf(read, userId));
    for (const known of all) {
      const instance = instances.get(known.instanceId);
      const person = people.get(known.userId) ?? null;
      if (instance === undefined || !isReachable(instance) || instance.slaveId !== known.slaveId) this.end(known.id, consoleCloseCodes.ended, endedSentence(known, instance));
      else if (person === null || !may(person, 'instance.console', { ownerUserId: instance.userId, groupId: instance.groupId })) this.end(known.id, consoleCloseCodes.revoked, `You may not connect to ${known.instanceName} any more. Ask its owner or a teacher.`);
    }
  }

  /** All of them, for who counts. */
  get everyone(): readonly Pick<Connection, 'kind' | 'userId' | 'slaveId'>[] {
    return [...this.open_.values()];
  }

  /** Open now. */
  get size(): number {
    return this.open_.size;
  }

  private requireRoom({ userId }: Principal, slave: { readonly id: string; readonly name: string; readonly most: number }): void {
    const { perUser } = this.parts.limits;
    let [ofUser, ofSlave] = [0, 0];
    for (const each of this.open_.values()) {
      if (each.userId === userId) ofUser += 1;
      if (each.slaveId === slave.id) ofSlave += 1;
    }
    if (ofUser >= perUser) throw new ParavclError('quota-exceeded', `You have ${ofUser} connections open, the most one person may have. Close one.`, { limit: String(perUser) });
    if (slave.most === 0) throw new ParavclError('quota-exceeded', `${slave.name} takes no connections: its limit is 0. Ask whoever runs the lab.`, { limit: '0' });
    if (ofSlave >= slave.most) throw new ParavclError('quota-exceeded', `${ofSlave} connections to ${slave.name} are open, and it takes ${slave.most}. Try again later.`, { limit: String(slave.most) });
  }

  private async writeOpened(known: Known): Promise<void> {
    const { unit, clock, timeZone } = this.parts;
    const { kind, instanceId, instanceName, ownerUserId, userId, userName, fromAddress } = known;
    const now = clock.now();
    const isOthers = userId !== ownerUserId;
    const isTold = isOthers && this.isToBeTold(toldKey(known), now);
    const teller = isTold ? await unit.read.users.find(userId) : null;
    const who = teller === null ? userName : `${capitalised(teller.role)} ${teller.displayName}`;
    await unit.transaction(async (write) => {
      await write.events.append(
        {
          kind: 'console.opened', subjectType: 'instance', subjectId: instanceId, actor: `user ${userName}`, actorUserId: userId, clientAddress: fromAddress,
          sentence: `${userName} opened ${whatOf(known)} of ${instanceName} from ${fromAddress}.${isTold ? ' Its owner was told.' : isOthers ? ' Its owner was told less than ten minutes before.' : ''}`,
        },
        now,
      );
      if (isTold) await notify(write, { userId: ownerUserId, kind: 'console.opened', subjectType: 'instance', subjectId: instanceId, decisionId: null, sentence: `${who} opened ${kind === 'port' ? whatOf(known) : `the ${kind === 'screen' ? 'screen' : 'serial console'}`} of ${instanceName} at ${tellClock(now, timeZone)} from ${fromAddress}.` }, now);
    });
  }

  private async writeClosed(known: Known, bytes: number): Promise<void> {
    const { unit, clock } = this.parts;
    const now = clock.now();
    const seconds = Math.round((now - known.sinceMs) / 1000);
    await unit.transaction((write) =>
      write.events.append(
        {
          kind: 'console.closed', subjectType: 'instance', subjectId: known.instanceId, actor: `user ${known.userName}`, actorUserId: known.userId, clientAddress: known.fromAddress,
          sentence: `${whatOf(known).replace(/^./, (first) => first.toUpperCase())} of ${known.instanceName} that ${known.userName} had open from ${known.fromAddress} was closed after ${seconds} s and ${sayBytes(bytes)}.`,
        },
        now,
      ),
    );
  }

  private isToBeTold(key: string, now: EpochMs): boolean {
    for (const [each, at] of this.toldAt) if (now - at >= noticeEveryMs) this.toldAt.delete(each);
    if (this.toldAt.has(key)) return false;
    this.toldAt.set(key, now);
    return true;
  }

  private end(id: string, code: number, sentence: string): void {
    const known = this.open_.get(id);
    if (known === undefined || this.ending.has(id)) return;
    // It is open until whoever has it says that it is closed.
    this.ending.add(id);
    known.asked.end(code, sentence);
  }

  private forget(known: Known): void {
    this.open_.delete(known.id);
    this.ending.delete(known.id);
    known.unwatch();
    this.tellChange(known);
  }

  private tellChange({ id, userId, ownerUserId, groupId }: Known): void {
    this.parts.onChange?.(id, { ownerUserId: userId, groupId: null });
    this.parts.onChange?.(id, { ownerUserId, groupId });
  }

  private forgetClosed(known: Known): boolean {
    if (!this.open_.has(known.id)) return false;
    this.forget(known);
    return true;
  }

  private readonly ending = new Set<string>();
}

/** Of the person who is connected, of the machine's owner, or of a teacher of its group. */
function mayWith(principal: Principal, action: 'connection.list' | 'connection.end', { userId, ownerUserId, groupId }: Known): boolean {
  if (reach(principal, action) === 'any') return true;
  return may(principal, action, { ownerUserId: userId, groupId: null }) || may(principal, action, { ownerUserId, groupId });
}

function viewOf({ id, kind, port, userId, userName, instanceId, instanceName, ownerUserId, slaveId, slaveName, fromAddress, sinceMs }: Known): Connection {
  return { id, kind, port, userId, userName, instanceId, instanceName, ownerUserId, slaveId, slaveName, fromAddress, since: new Date(sinceMs).toISOString() };
}

const toldKey = ({ userId, instanceId }: Pick<Known, 'userId' | 'instanceId'>): string => `${userId} ${instanceId}`;

function whatOf({ kind, port }: Pick<Connection, 'kind' | 'port'>): string {
  return kind === 'port' ? `port ${port ?? 0}` : kind === 'screen' ? 'the screen' : 'the serial console';
}

function endedSentence({ instanceName, slaveName, slaveId }: Known, instance: InstanceRecord | undefined): string {
  if (instance === undefined || instance.observed === 'deleted') return `${instanceName} was deleted.`;
  if (instance.slaveId !== slaveId && isReachable(instance)) return `${instanceName} has moved from ${slaveName}. Open it again.`;
  return `${instanceName} is ${instance.observed}. Open it again when it runs.`;
}

const capitalised = (word: string): string => word.replace(/^./, (first) => first.toUpperCase());
