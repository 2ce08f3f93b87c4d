import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { admissionMeanings, admissionMoves, type Admission, type Describe, type Slave, type SlaveKind } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import { shellWord } from '@paravcl/shared/shell-quote';
import type { LivenessThresholds } from '../core/liveness';
import { isDeclaredDead } from '../core/slave-silence';
import { slaveWarnings } from '../core/slave-warnings';
import { isDuplicateKey } from '../db/connection';
import { saySpeed } from '../core/say';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import type { SlaveFilter, SlaveUse } from '../repositories/slave-repository';
import type { FleetPulse } from './fleet-pulse';
import { lentBy, speedOf, type CapacityLimits } from './fleet-view';
import { freeName } from './free-name';
import { authorise, reach } from './policy';
import type { AgentPort, AgentReports } from './ports';
import { putBack } from './put-back';

/** An agent answers describe in well under a second; KVM is not probed again for it. */
const describeDeadlineMs = 5_000;

export interface FreshDescribe {
  readonly describe: Describe;
  readonly fresh: boolean;
  readonly asOf: string | null;
  readonly sentence: string | null;
}

/** An admission to move to, and how it is told. */
interface Move {
  readonly to: Admission;
  readonly kind: string;
  /** "approved", "began to drain" … completes "alice approved lab-pc-07". */
  readonly verb: string;
  /** Completes "can be approved"; the verb where it is the same. */
  readonly participle?: string;
  readonly from: readonly Admission[];
}

const moves = {
  approve: { to: 'approved', kind: 'slave.approved', verb: 'approved', from: ['pending', 'quarantined'] },
  drain: { to: 'draining', kind: 'slave.draining', verb: 'began to drain', participle: 'set to drain', from: ['approved'] },
  undrain: { to: 'approved', kind: 'slave.undrained', verb: 'put back', participle: 'put back into the pool', from: ['draining'] },
  retire: { to: 'retired', kind: 'slave.retired', verb: 'retired', from: ['pending', 'approved', 'draining', 'quarantined'] },
} as const satisfies Record<string, Move>;

/** The fleet as people see and operate it. */
export class SlaveService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly agents: AgentPort,
    private readonly reports: AgentReports,
    private readonly pulse: FleetPulse,
    private readonly thresholds: Pick<LivenessThresholds, 'lostAfterMs'>,
    private readonly limits: CapacityLimits,
  ) {}

  /** All slaves for operators and admins, their own machines for everybody else. Newest first. */
  async list(principal: Principal, query: SlaveFilter): Promise<Page<Slave>> {
    const mine = reach(principal, 'slave.list') === 'own';
    // Asking for somebody else's machines finds what one may see of them: none.
    if (mine && query.ownerUserId !== undefined && query.ownerUserId !== principal.userId) return { items: [], next: null };
    const { slaves } = this.unitOfWork.read;
    const { items, next } = await slaves.page({ ...query, ...(mine ? { ownerUserId: principal.userId } : {}) });
    const ids = items.map((slave) => slave.id);
    const used = await slaves.used(ids);
    const emptied = await this.emptied(principal, ids);
    return { items: items.map((slave) => this.view(slave, used(slave.id), emptied(slave))), next };
  }

  async get(principal: Principal, slaveId: string): Promise<Slave> {
    return this.viewOf(principal, await this.visible(this.unitOfWork.read, principal, slaveId));
  }

  /** Asks the agent while it is connected; else answers what is stored, and of when it is. */
  async describe(principal: Principal, slaveId: string): Promise<FreshDescribe> {
    const slave = await this.visible(this.unitOfWork.read, principal, slaveId);
    const sentence = await this.askForDescribe(slave);
    const { describe, lastSeenAt: asOf } = await this.viewOf(principal, (await this.unitOfWork.read.slaves.find(slaveId)) ?? slave);
    return { describe, fresh: sentence === null, asOf, sentence };
  }

  /**
   * Lets a waiting or quarantined slave take part. `acceptIdentity` makes what a quarantined slave with
   * the right key showed last its enrolled identity; without it, it has to come back as it enrolled.
   */
  async approve(
    principal: Principal,
    slaveId: string,
    wish: { readonly kind?: SlaveKind | undefined; readonly ownerUserId?: string | null | undefined; readonly acceptIdentity: boolean },
    clientAddress: string,
  ): Promise<Slave> {
    return this.move(principal, slaveId, moves.approve, clientAddress, async (repositories, slave) => {
      const { kind, ownerUserId } = await belonging(repositories, slave, wish);
      await repositories.slaves.edit(slave.id, { ...slave, kind, ownerUserId });
      if (!wish.acceptIdentity) return `as a ${kind} host`;
      if (slave.presented === null) {
        throw new ParavclError('conflict', `${slave.name} has shown no other identity with its own key, so there is none to accept. If its key is lost, retire it and enrol the machine again.`, { field: 'acceptIdentity' });
      }
      await repositories.slaves.adoptIdentity(slave.id, slave.presented);
      return `as a ${kind} host, with the identity it showed: machine id ${slave.presented.machineId}, ${slave.presented.macs.length} network cards, address ${slave.presented.address}`;
    });
  }

  async drain(principal: Principal, slaveId: string, clientAddress: string): Promise<Slave> {
    return this.move(principal, slaveId, moves.drain, clientAddress);
  }

  async undrain(principal: Principal, slaveId: string, clientAddress: string): Promise<Slave> {
    return this.move(principal, slaveId, moves.undrain, clientAddress, (repositories, slave) => putBack(repositories, slave, principal.userName, this.clock.now()));
  }

  /**
   * Takes it out of the pool for good. Its name is free from then on, so that the machine that enrols
   * again is called as before. Throws `in-use`, with all that is given up, while instances live on it, or home volumes have not come back from it, unless forced.
   */
  async retire(principal: Principal, slaveId: string, force: boolean, clientAddress: string): Promise<Slave> {
    return this.move(principal, slaveId, moves.retire, clientAddress, async (repositories, record) => {
      const names = await repositories.slaves.instancesOn(record.id);
      const homes = await repositories.homes.returningFrom(record.id);
      if (names.length === 0 && homes.length > 0 && !force) {
        throw new ParavclError(
          'in-use',
          `${record.name} has ${homes.length === 1 ? 'the home volume' : `${homes.length} home volumes, the first that`} of ${homes[0]?.userName ?? 'somebody'}, on the way to the store. ${homes[0]?.sentence ?? 'Ask again in a minute'}${homes[0]?.sentence == null ? ';' : ' Wait for it,'} or retire it with "force": then what was written there since is lost.`,
          { field: 'force' },
        );
      }
      const owners = await repositories.homes.ownersOn(record.id);
      if (names.length === 0 || force) {
        const name = await retiredName(repositories, record, this.clock.now());
        await repositories.slaves.edit(record.id, { ...record, name });
        return `as “${name}”${sayGivenUp(names, owners)}${await sayLeftovers(repositories, record.id)}`;
      }
      const withHomes = owners.length === 0 ? '' : `, with ${homesOf(owners)}`;
      const lost = owners.length === 0 ? '' : ' What was written there on home volumes since they were in the store last is lost.';
      throw new ParavclError(
        'in-use',
        `${counted(names)} on ${record.name}${withHomes}. Evacuate it first (paravcl slaves evacuate ${shellWord(record.name)}), and they leave for other hosts with what they hold; or drain it and delete them; or retire it by force: then they are given up, their disks stay on that host, and guests that run there run on until somebody ends them.${lost}`,
        { field: 'force' },
      );
    });
  }

  /** Throws `conflict` for one that is not lost: what may still run must not be started elsewhere. */
  async declareDead(principal: Principal, slaveId: string, clientAddress: string): Promise<Slave> {
    const now = this.clock.now();
    await this.unitOfWork.transaction(async (repositories) => {
      const slave = await this.visible(repositories, principal, slaveId);
      authorise(principal, 'slave.declare-dead', 'slave.see', { ownerUserId: slave.ownerUserId, groupId: null }, `host ${slave.name}`);
      if (this.agents.isConnected(slaveId) || !(await repositories.slaves.declareDead(slaveId, now))) {
        throw new ParavclError('conflict', this.notDead(slave));
      }
      await repositories.events.append(this.event(principal, slave, 'slave.declared-dead', `${principal.userName} declared ${slave.name} dead: its instances may be started elsewhere from their snapshots.`, clientAddress), now);
    });
    return this.get(principal, slaveId);
  }

  private notDead({ id, name, liveness, admission }: SlaveRecord): string {
    if (admission === 'retired') return `${name} has left the pool, so nobody waits for it: what it had is recovered from its snapshots without more ado (paravcl instances recover NAME).`;
    const isConnected = this.agents.isConnected(id);
    if (liveness === 'lost' || (liveness === 'online' && isConnected)) return `${name} is ${isConnected ? 'online' : liveness}. Only a host that is lost can be declared dead; drain or retire one that is there.`;
    const silent = liveness === 'suspect' ? 'is suspect' : 'is not connected';
    return `${name} ${silent}, and may come back. It counts as lost after ${this.thresholds.lostAfterMs / 1000} s of silence and can be declared dead from then on: ask again then.`;
  }

  /** Throws `already-exists` when the name is taken. */
  async edit(
    principal: Principal,
    slaveId: string,
    wish: { readonly name?: string | undefined; readonly kind?: SlaveKind | undefined; readonly ownerUserId?: string | null | undefined; readonly maxConnections?: number | null | undefined; readonly speed?: number | null | undefined },
    clientAddress: string,
  ): Promise<Slave> {
    const now = this.clock.now();
    try {
      await this.unitOfWork.transaction(async (repositories) => {
        const slave = await this.operable(repositories, principal, slaveId);
        const maxConnections = wish.maxConnections === undefined ? slave.maxConnections : wish.maxConnections;
        const speed = wish.speed === undefined ? (slave.speed ?? null) : wish.speed;
        const change = { name: wish.name ?? slave.name, maxConnections, speed, ...(await belonging(repositories, slave, wish)) };
        await repositories.slaves.edit(slaveId, change);
        const renamed = change.name === slave.name ? '' : ` It is now called ${change.name}.`;
        await repositories.events.append(this.event(principal, slave, 'slave.edited', `${principal.userName} edited ${slave.name}: ${change.kind}.${renamed}${maxConnections === slave.maxConnections ? '' : sayConnections(maxConnections)}${speed === (slave.speed ?? null) ? '' : ` It counts as having speed ${saySpeed(speedOf({ ...slave, speed }))}${speed === null ? ', as its agent measured' : ''}.`}`, clientAddress), now);
      });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      throw new ParavclError('already-exists', `Another host is called ${wish.name ?? ''}. Choose another name.`, { field: 'name' }, { cause: error });
    }
    await this.reports.fleetChanged(slaveId);
    return this.get(principal, slaveId);
  }

  /** Moves admission, appends the event, tells the agent and wakes whoever plans. `also` runs in the same transaction. */
  private async move(
    principal: Principal,
    slaveId: string,
    move: Move,
    clientAddress: string,
    also: (repositories: Repositories, slave: SlaveRecord) => Promise<string> = () => Promise.resolve(''),
  ): Promise<Slave> {
    const now = this.clock.now();
    const slave = await this.unitOfWork.transaction(async (repositories) => {
      const found = await this.operable(repositories, principal, slaveId);
      const allowed = move.from.includes(found.admission) && admissionMoves[found.admission].includes(move.to);
      if (!allowed || !(await repositories.slaves.moveAdmission(slaveId, found.admission, move.to, null))) {
        throw new ParavclError('conflict', `${found.name} is ${found.admission} (${admissionMeanings[found.admission]}); only a host that is ${move.from.join(' or ')} can be ${move.participle ?? move.verb}.`);
      }
      const how = await also(repositories, found);
      const sentence = `${principal.userName} ${move.verb} ${found.name}${how === '' ? '' : ` ${how}`}.`;
      await repositories.events.append(this.event(principal, found, move.kind, sentence, clientAddress), now);
      return found;
    });
    this.agents.pushAdmission(slaveId, move.to, `${slave.name}: ${admissionMeanings[move.to]}.`);
    if (move.to === 'retired') {
      this.agents.disconnect(slaveId, `${slave.name} was retired from the pool.`, 'retired');
      this.pulse.forget(slaveId);
    }
    // Should this fail, the liveness job calls it again for a retired slave.
    await this.reports.fleetChanged(slaveId);
    return this.get(principal, slaveId);
  }

  /** Why the figures are not fresh; null when the agent answered. */
  private async askForDescribe(slave: SlaveRecord): Promise<string | null> {
    if (!this.agents.isConnected(slave.id)) return `${slave.name} is not connected now.`;
    try {
      const { outcome } = await this.agents.command(slave.id, { kind: 'describe' }, { generation: null, deadlineMs: describeDeadlineMs });
      return outcome.ok ? null : `${slave.name} could not describe itself: ${outcome.message}`;
    } catch (error) {
      if (error instanceof ParavclError && (error.code === 'timeout' || error.code === 'slave-offline')) return `${slave.name} did not answer within ${describeDeadlineMs / 1000} s.`;
      throw error;
    }
  }

  private async visible(repositories: Repositories, principal: Principal, slaveId: string): Promise<SlaveRecord> {
    const slave = await repositories.slaves.find(slaveId);
    if (slave === null) throw new ParavclError('not-found', `There is no host ${slaveId}, or it is not yours to see.`);
    authorise(principal, 'slave.see', 'slave.see', { ownerUserId: slave.ownerUserId, groupId: null }, `host ${slaveId}`);
    return slave;
  }

  private async operable(repositories: Repositories, principal: Principal, slaveId: string): Promise<SlaveRecord> {
    const slave = await this.visible(repositories, principal, slaveId);
    authorise(principal, 'slave.operate', 'slave.see', { ownerUserId: slave.ownerUserId, groupId: null }, `host ${slave.name}`);
    return slave;
  }

  private async viewOf(principal: Principal, slave: SlaveRecord): Promise<Slave> {
    const used = await this.unitOfWork.read.slaves.used([slave.id]);
    const emptied = await this.emptied(principal, [slave.id]);
    return this.view(slave, used(slave.id), emptied(slave));
  }

  /** How those that are being emptied stand. What is on a machine of their own is no more than a number to people who do not run the lab. */
  private async emptied(principal: Principal, ids: readonly string[]): Promise<(slave: SlaveRecord) => Slave['evacuation']> {
    const standings = await this.unitOfWork.read.evacuations.standings(ids);
    const isTold = reach(principal, 'slave.operate') === 'any';
    return ({ id, name }) => {
      const standing = standings.get(id);
      if (standing === undefined) return null;
      const { left, of } = standing;
      return isTold ? standing : { left, of, sentence: `${left} of ${of} ${of === 1 ? 'has' : 'have'} left ${name}.` };
    };
  }

  private view(slave: SlaveRecord, used: SlaveUse, evacuation: Slave['evacuation']): Slave {
    const latest = this.pulse.latest(slave.id);
    const describe = { ...slave.describe, ...latest?.describe };
    const lastSeenAt = latest?.heardAt ?? slave.lastSeenAt;
    const lent = lentBy(describe, this.limits);
    return {
      id: slave.id,
      name: slave.name,
      kind: slave.kind,
      ownerUserId: slave.ownerUserId,
      maxConnections: slave.maxConnections,
      ...(slave.speed == null ? {} : { speed: slave.speed }),
      admission: slave.admission,
      admissionReason: slave.admissionReason,
      liveness: slave.liveness,
      address: slave.address,
      macs: [...slave.macs],
      describe,
      lent: { vcpus: lent.vcpus, ramMiB: Math.floor(lent.ramMiB) },
      used,
      // Of one that left nothing is to be mended.
      warnings: slave.admission === 'retired' ? [] : [...slaveWarnings({ name: slave.name, describe, isDead: isDeclaredDead(slave) })],
      foreignDomains: [...slave.foreignDomains],
      evacuation,
      agentBuild: slave.agentBuild,
      lastSeenAt: lastSeenAt === null ? null : new Date(lastSeenAt).toISOString(),
      createdAt: new Date(slave.createdAt).toISOString(),
    };
  }

  private event(principal: Principal, slave: SlaveRecord, kind: string, sentence: string, clientAddress: string): Parameters<Repositories['events']['append']>[0] {
    return { kind, subjectType: 'slave', subjectId: slave.id, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress, sentence };
  }
}

/** Kind and owner that result from a wish: a volunteer has an owner, a dedicated slave has none. */
async function belonging(
  repositories: Repositories,
  slave: SlaveRecord,
  wish: { readonly kind?: SlaveKind | undefined; readonly ownerUserId?: string | null | undefined },
): Promise<{ readonly kind: SlaveKind; readonly ownerUserId: string | null }> {
  const kind = wish.kind ?? slave.kind;
  if (kind === 'dedicated') {
    if (typeof wish.ownerUserId === 'string') throw new ParavclError('invalid-input', 'ownerUserId: a dedicated host has no owner. Leave it out, or make the host a volunteer.', { field: 'ownerUserId' });
    return { kind, ownerUserId: null };
  }
  const ownerUserId = wish.ownerUserId === undefined ? slave.ownerUserId : wish.ownerUserId;
  if (ownerUserId === null) throw new ParavclError('invalid-input', 'ownerUserId: a volunteer host needs the user it belongs to.', { field: 'ownerUserId' });
  const owner = ownerUserId === slave.ownerUserId ? null : await repositories.users.find(ownerUserId);
  if (ownerUserId !== slave.ownerUserId && (owner === null || owner.disabled)) {
    throw new ParavclError('invalid-input', 'ownerUserId: there is no such user, or the account is disabled.', { field: 'ownerUserId' });
  }
  return { kind, ownerUserId };
}

function sayConnections(most: number | null): string {
  if (most === null) return ' The configuration says again how many connections it takes.';
  return most === 0 ? ' It takes no connections any more.' : ` It takes ${most} connections at a time.`;
}

/** What a forced retirement takes from whom. */
function sayGivenUp(names: readonly string[], owners: readonly string[]): string {
  if (names.length === 0 && owners.length === 0) return '';
  if (names.length === 0) return `, although ${homesOf(owners)} had not come back from it: what was written there since is lost`;
  return `, although ${counted(names)} on it; they are given up${owners.length === 0 ? '' : `, with what was written there on ${homesOf(owners)}`}`;
}

/** "the home volumes of alice, bob": at most five people. */
function homesOf(owners: readonly string[]): string {
  return `the home ${owners.length === 1 ? 'volume' : 'volumes'} of ${atMostFive(owners)}`;
}

function atMostFive(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
}

/** Nobody tells it to remove anything any more. */
async function sayLeftovers({ homes }: Repositories, slaveId: string): Promise<string> {
  const left = await homes.leftoversOn(slaveId);
  return left === 0 ? '' : `. Copies of ${left === 1 ? '1 home volume' : `${left} home volumes`}, which are elsewhere by now, stay on its disk, in homes/ of its pool`;
}

/** "lab-pc-07 (retired 2026-11-20)", the day in UTC; room is left for the number of a second one of that day. */
async function retiredName(repositories: Repositories, slave: SlaveRecord, now: EpochMs): Promise<string> {
  const wanted = `${slave.name.slice(0, 75)} (retired ${new Date(now).toISOString().slice(0, 10)})`;
  return freeName(wanted, await repositories.slaves.namesLike(wanted));
}

/** "3 instances (a, b, c) live": a number first, then at most five names. */
function counted(names: readonly string[]): string {
  const shown = atMostFive(names);
  return names.length === 1 ? `1 instance (${shown}) lives` : `${names.length} instances (${shown}) live`;
}
