import type { CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Operation } from '@paravcl/shared/api/operations';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock } from '@paravcl/shared/clock';
import type { Instance, InstanceTransition } from '@paravcl/shared/domain/instance';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { friendlyId, newId } from '@paravcl/shared/ids';
import type { InstanceRecord } from '../core/instance-record';
import type { ReservationRecord } from '../core/reservation-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { lockCalendar } from './calendar-lock';
import { changedUnderLock } from './changed-under-lock';
import { missingInstance, operableInstance } from './instance-access';
import { changeInstance, newOperation } from './instance-changes';
import { makeInstance } from './instance-making';
import { InstanceRecycling, type RecyclingWish } from './instance-recycling';
import { InstanceReset, type ResetWish } from './instance-reset';
import type { InstanceSettings, Quotas, SchedulingSettings } from './instance-settings';
import { InstanceVerbs, type Wish } from './instance-verbs';
import { instanceView, operationView, transitionView, type Surroundings } from './instance-view';
import { keptElsewhere } from './kept-elsewhere';
import type { LaunchForecast } from './launch-forecast';
import { chosenGroup, chosenName, requireMinutes, resolveLaunch } from './launch-request';
import type { NewInstance } from './new-instance';
import type { Participation, TakenPart } from './participation';
import { authorise, reach } from './policy';
import type { AgentPort, FleetFigures, Launches, SchedulerWake } from './ports';
import { requireInstanceQuota } from './quota-check';
import { requireOutOfBin } from './recycle-bin';
import { priorityOfRequest, type PriorityRules } from './request-priority';

export interface InstanceServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'isConnected' | 'protocolOf'>;
  readonly scheduler: SchedulerWake & Launches;
  readonly figures: FleetFigures;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly priority: PriorityRules;
  readonly participation: Pick<Participation, 'takePart'>;
  readonly quotas: Quotas;
  readonly forecast: Pick<LaunchForecast, 'risk'>;
  /** Told of a desired state that could not be sent; the verb itself is written. */
  readonly onFault: (error: unknown) => void;
}

export interface Accepted {
  readonly instance: Instance;
  readonly operation: Operation;
  readonly warnings: string[];
  readonly pledge: TakenPart['pledge'];
}

/** One of a reservation's machines that somebody takes. */
export interface Claim {
  readonly reservation: ReservationRecord;
  /** Claims a slot for the instance within the transaction; throws when there is none left. */
  readonly take: (repositories: Repositories, instanceId: string) => Promise<void>;
}

export interface NewClaim extends Claim {
  readonly imageId: string;
  /** It is what the reservation is for, and was promised with it. */
  readonly promised: boolean;
  readonly name?: string | undefined;
  readonly sshPublicKeys?: readonly string[] | undefined;
}

/** From where something is asked, and under which id it is made when it is asked again. */
export interface AskedFrom {
  readonly clientAddress: string | null;
  readonly reservedId: string | null;
}

/** What a launch comes to for one kind of it; made within its transaction. */
type Terms = Pick<NewInstance, 'groupId' | 'launch' | 'minutes' | 'priority' | 'requestedMinutes' | 'reservationId'> & TakenPart;

export interface InstanceQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly state?: ObservedState | undefined;
  readonly userId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly slaveId?: string | undefined;
  readonly recycled?: boolean | undefined;
}

/** Digits of the id at the end of a made name: more when a shorter one is taken. */
const nameDigits = [3, 4, 6, 8, 12, 24] as const;

/**
 * What people do with instances. Every verb writes what should be, under a new generation, and returns;
 * the slave brings it about and `ObservationService` writes what came of it.
 */
export class InstanceService {
  private readonly verbs: InstanceVerbs;
  private readonly resets: InstanceReset;
  private readonly recycling: InstanceRecycling;

  constructor(private readonly deps: InstanceServiceDeps) {
    this.verbs = new InstanceVerbs(deps);
    this.resets = new InstanceReset(deps);
    this.recycling = new InstanceRecycling(deps);
  }

  /**
   * Launches an instance: row, address, history and operation in one transaction; the scheduler places it, at once within it where it can.
   * Asked again under the same `reservedId` it answers what was launched under it.
   * Throws `not-found` (what is to run), `invalid-input`, `image-not-ready`, `quota-exceeded`, `participation-required`, `already-exists` (name), `conflict` (no address left).
   */
  async create(principal: Principal, body: CreateInstanceBody, clientAddress: string | null = null, reservedId: string | null = null): Promise<Accepted> {
    const { settings, forecast } = this.deps;
    const accepted = await this.launch(principal, body, { clientAddress, reservedId }, async (repositories, primaryGroupId, now) => {
      const groupId = chosenGroup(principal, body.groupId, primaryGroupId);
      const launch = await resolveLaunch(repositories, body, principal, settings.defaults);
      const minutes = requireMinutes(principal, body.minutes === undefined ? (launch.minutes ?? undefined) : body.minutes, settings.minutes);
      const { priority, participation } = this.deps;
      const { parts, minutes: requestedMinutes, said } = await priorityOfRequest(
        repositories,
        { who: principal, image: launch.image, reservationGroupId: null, ramMiB: launch.ramMiB, minutes, asSlave: body.asSlave === true },
        priority,
        now,
      );
      const part = await participation.takePart(repositories, { principal, clientAddress }, body.asSlave === true, now);
      return { groupId, launch, minutes, priority: parts, requestedMinutes, reservationId: null, pledge: part.pledge, warnings: [...said, ...part.warnings] };
    });
    return { ...accepted, warnings: [...accepted.warnings, ...(await forecast.risk(accepted.instance))] };
  }

  /** Launches one of a reservation's machines: its size, its end and its priority are the reservation's. Throws what `create` does, and what `claim.take` does. */
  async createClaimed(principal: Principal, claim: NewClaim, asked: AskedFrom): Promise<Accepted> {
    const { reservation, imageId, promised, name, sshPublicKeys } = claim;
    const { vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed } = reservation;
    const body = { imageId, vcpus, ramMiB, diskMiB, ...(bandwidthMbps === null ? {} : { bandwidthMbps }), ...(minSpeed == null ? {} : { minSpeed }), ...(name === undefined ? {} : { name }), ...(sshPublicKeys === undefined ? {} : { sshPublicKeys: [...sshPublicKeys] }) };
    return this.launch(
      principal,
      body,
      asked,
      async (repositories, _primaryGroupId, now) => ({
        groupId: reservation.groupId,
        launch: await resolveLaunch(repositories, body, promised ? 'promised' : principal, this.deps.settings.defaults),
        minutes: Math.max(1, Math.ceil((reservation.end - now) / 60_000)),
        priority: reservation.priority,
        requestedMinutes: reservation.requestedMinutes,
        reservationId: reservation.id,
        pledge: null,
        warnings: [],
      }),
      claim.take,
    );
  }

  /** A saved or switched-off instance goes on under a reservation. Throws `conflict` while it is on its way somewhere else. */
  async resumeClaimed(principal: Principal, id: string, { reservation, take }: Claim, { clientAddress, reservedId }: AskedFrom): Promise<Accepted> {
    const { unitOfWork, clock, scheduler } = this.deps;
    const outcome = await unitOfWork.transaction(async (repositories) => {
      // Its slot may have to go where it is: before any row.
      await lockCalendar(repositories);
      const instance = await operableInstance(repositories, principal, id);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance, operation: earlier };
      const now = clock.now();
      requireClaimable(principal, instance, reservation);
      requireOutOfBin(instance, this.deps.settings.timeZone, now);
      // One that waits already is counted already.
      if (instance.queuedAt === null) await requireInstanceQuota(repositories, principal, reservation.groupId ?? instance.groupId, instance, this.deps.quotas);
      await take(repositories, id);
      const context = { by: `user ${principal.userName}`, asker: principal, now, slaveName: null, settings: this.deps.settings, supersede: `${principal.userName} claimed a reserved machine for it.` };
      const minutes = Math.max(1, Math.ceil((reservation.end - now) / 60_000));
      const after = await changeInstance(repositories, instance, { type: 'AR', reservationId: reservation.id, groupId: reservation.groupId ?? instance.groupId, queuedAt: instance.queuedAt ?? now, queuedBecause: 'asked', waitsSince: now, reason: null, minutes, endsAt: reservation.end, priority: reservation.priority }, context);
      if (after === null) throw changedUnderLock(id);
      const operation = newOperation('instance.resume', after, null, principal.userId, now, reservedId);
      await repositories.operations.insert(operation);
      const sentence = `${principal.userName} goes on with ${instance.name} under a reservation.`;
      await repositories.events.append({ kind: 'instance.claimed', subjectType: 'instance', subjectId: id, actor: context.by, actorUserId: principal.userId, clientAddress, sentence }, now);
      return { instance: after, operation };
    });
    scheduler.wake();
    return this.accepted(outcome.instance, outcome.operation);
  }

  private async launch(
    principal: Principal,
    body: Pick<CreateInstanceBody, 'name' | 'sshPublicKeys' | 'home'>,
    { clientAddress, reservedId }: AskedFrom,
    termsOf: (repositories: Repositories, primaryGroupId: string | null, now: number) => Promise<Terms>,
    take?: Claim['take'],
  ): Promise<Accepted> {
    const { unitOfWork, clock, settings, scheduler } = this.deps;
    const now = clock.now();
    const id = reservedId ?? newId(now);
    await scheduler.catchUp();
    const made = await unitOfWork.transaction(async (repositories) => {
      // One launch of a person after the other: of what they have already, and of this very one done twice.
      await repositories.users.lock(principal.userId);
      const earlier = reservedId === null ? null : await repositories.instances.find(reservedId);
      if (earlier?.userId === principal.userId) {
        const operation = (await repositories.operations.newestOf(id, 'instance.create')) ?? newOperation('instance.create', earlier, null, principal.userId, now);
        return { instance: earlier, operation, warnings: [], pledge: null };
      }
      await this.requireShare(repositories, principal);
      const person = await repositories.users.find(principal.userId);
      const { pledge, warnings, ...terms } = await termsOf(repositories, person?.primaryGroupId ?? null, now);
      await requireInstanceQuota(repositories, principal, terms.groupId, terms.launch, this.deps.quotas);
      const { image } = terms.launch;
      const names = body.name === undefined ? nameDigits.map((digits) => friendlyId('instance', image.name, id, digits)) : [chosenName(body.name)];
      const by = { userId: principal.userId, userName: principal.userName, clientAddress };
      const made = { ...terms, id, userId: principal.userId, sshPublicKeys: body.sshPublicKeys ?? person?.sshPublicKeys ?? [], names, by, home: body.home };
      const { instance, slaveName, withoutHome } = await makeInstance(repositories, made, now, settings, take === undefined ? scheduler : null);
      await take?.(repositories, id);
      const operation = newOperation('instance.create', instance, slaveName, principal.userId, now);
      await repositories.operations.insert(operation);
      return { instance, operation, warnings: [...warnings, ...(withoutHome === null ? [] : [`It runs without your home volume. ${withoutHome}`])], pledge };
    });
    if (made.instance.slaveId === null) scheduler.wake();
    return { ...(await this.accepted(made.instance, made.operation)), warnings: [...made.warnings], pledge: made.pledge };
  }

  async list(principal: Principal, query: InstanceQuery): Promise<Page<Instance>> {
    const { read } = this.deps.unitOfWork;
    const own = reach(principal, 'instance.list') === 'own';
    const visibleTo = own ? { userId: principal.userId, ownedGroupIds: principal.role === 'teacher' ? principal.ownedGroupIds : [] } : undefined;
    const { items, next } = await read.instances.list({ ...query, visibleTo }, query);
    const slaves = await read.fleet.findAll(items.flatMap(({ slaveId }) => slaveId ?? []));
    const homes = await read.homes.attachedTo(items.map(({ id }) => id));
    const kept = await keptElsewhere(read, items, slaves);
    const short = await read.slaViolations.openOf(items.map(({ id }) => id));
    const around = ({ id, slaveId }: InstanceRecord): Surroundings => ({ slave: slaves.get(slaveId ?? '') ?? null, hasHome: homes.has(id), isKept: kept.has(id), short: short.get(id) });
    return { items: items.map((item) => instanceView(item, around(item), this.deps.settings, this.deps.clock.now())), next };
  }

  async get(principal: Principal, id: string): Promise<Instance> {
    return this.view(await this.visible(principal, id));
  }

  async history(principal: Principal, id: string, page: { readonly limit: number; readonly cursor?: string | undefined }): Promise<Page<InstanceTransition>> {
    await this.visible(principal, id);
    const { items, next } = await this.deps.unitOfWork.read.transitions.list(id, page);
    return { items: items.map(transitionView), next };
  }

  /** Carries a verb out; see `InstanceVerbs`. */
  async operate(principal: Principal, id: string, wish: Wish): Promise<Accepted> {
    const { instance, operation } = await this.verbs.carryOut(principal, id, wish);
    return this.accepted(instance, operation);
  }

  /** Lets it begin anew from its image; see `InstanceReset`. */
  async reset(principal: Principal, id: string, wish: ResetWish): Promise<Accepted> {
    const { instance, operation } = await this.resets.carryOut(principal, id, wish);
    return this.accepted(instance, operation);
  }

  /** Puts it into the recycle bin instead of deleting it at once; see `InstanceRecycling`. */
  async recycle(principal: Principal, id: string, wish: RecyclingWish): Promise<Accepted> {
    const { instance, operation } = await this.recycling.recycle(principal, id, wish);
    return this.accepted(instance, operation);
  }

  /** Takes it out of there again; see `InstanceRecycling`. */
  async restore(principal: Principal, id: string, wish: RecyclingWish): Promise<Accepted> {
    const { instance, operation } = await this.recycling.restore(principal, id, wish);
    return this.accepted(instance, operation);
  }

  /** A person has a share of the site's instances; operators and administrators launch for the site. */
  private async requireShare(repositories: Repositories, { userId, role }: Principal): Promise<void> {
    if (role === 'operator' || role === 'admin') return;
    const share = this.deps.settings.instancesPerUser;
    const used = await repositories.instances.countOf(userId);
    if (used < share) return;
    throw new ParavclError('quota-exceeded', `You have ${used} instances, and your share is ${share}. Delete one you no longer need, or ask an administrator for more.`, { limit: `${share} instances` });
  }

  private async visible(principal: Principal, id: string): Promise<InstanceRecord> {
    const instance = await this.deps.unitOfWork.read.instances.find(id);
    if (instance === null) throw missingInstance(id);
    authorise(principal, 'instance.see', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, `instance ${id}`);
    return instance;
  }

  private async accepted(instance: InstanceRecord, operation: OperationRecord): Promise<Accepted> {
    return { instance: await this.view(instance), operation: operationView(operation), warnings: [], pledge: null };
  }

  private async view(instance: InstanceRecord): Promise<Instance> {
    const { read } = this.deps.unitOfWork;
    const { id, slaveId } = instance;
    const slave = slaveId === null ? null : await read.slaves.find(slaveId);
    const homes = await read.homes.attachedTo([id]);
    const kept = await keptElsewhere(read, [instance], new Map(slave === null ? [] : [[slave.id, slave]]));
    const short = await read.slaViolations.openOf([id]);
    return instanceView(instance, { slave, hasHome: homes.has(id), isKept: kept.has(id), short: short.get(id) }, this.deps.settings, this.deps.clock.now());
  }
}

/** One's own, of the reservation's image, saved or off: nothing else goes on under a reservation. */
function requireClaimable({ userId }: Principal, instance: InstanceRecord, reservation: ReservationRecord): void {
  const { name, observed, desired } = instance;
  if (instance.userId !== userId) throw new ParavclError('forbidden', `${name} is not yours: only its owner goes on with it under a reservation.`);
  if (reservation.imageId !== null && instance.imageId !== reservation.imageId) throw new ParavclError('conflict', `${name} is of another image than the one that is reserved. Start a new instance instead.`);
  const off = observed === 'suspended' || observed === 'stopped' || (instance.queuedAt !== null && observed === 'suspending');
  if (desired === 'running' || desired === 'deleted' || !off) throw new ParavclError('conflict', `${name} is ${desired === 'deleted' ? 'being deleted' : observed}. Only one that is saved or off can go on under a reservation.`);
}
