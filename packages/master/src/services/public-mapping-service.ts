import type { PublicMappingView, PublicPool } from '@paravcl/shared/api/public-mappings';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { mostPublicMappings, type Transport } from '@paravcl/shared/domain/public-mapping';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { publicMappingProtocolVersion } from '@paravcl/shared/protocol/version';
import type { InstanceRecord } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { PublicMappingRecord } from '../repositories/public-mapping-repository';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { desiredStates } from './desired-state';
import { operableInstance } from './instance-access';
import type { InstanceSettings } from './instance-settings';
import { requireNoMigration } from './live-migration-guard';
import { reach } from './policy';
import type { AgentPort } from './ports';
import { allocatePublicAddress, allocatePublicPort, type NewMapping } from './public-allocation';
import { publicMappingView } from './public-mapping-view';
import { hasNothingToTell, takeBack, tellAnew } from './public-orders';
import { isInPool, isPoolOn, sayPublic, type PublicPoolSettings } from './public-pool';
import { requireOutOfBin } from './recycle-bin';
import { requireWithinReach } from './within-reach';

export interface PublicMappingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'protocolOf'>;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'guestUser' | 'timeZone' | 'deadlinesMs'>;
  /** As the site set it; without addresses and ports it is off. */
  readonly pool: PublicPoolSettings;
  /** Told of a desired state that could not be sent; the mapping itself is written. */
  readonly onFault: (error: unknown) => void;
}

/** What is to lead to an instance. */
export type PublicWish = { readonly kind: 'address' } | { readonly kind: 'port'; readonly transport: Transport; readonly guestPort: number };

/**
 * What of the network outside leads to guests. A mapping is a row, and a new generation by which the instance's slave is told; it
 * stays while the machine is off or saved, and ends with it. What is taken back goes to nobody else before that slave has answered.
 */
export class PublicMappingService {
  constructor(private readonly deps: PublicMappingDeps) {}

  /** The pool, and what of it the principal may see. */
  async list(principal: Principal, { instanceId }: { readonly instanceId?: string | undefined }): Promise<{ readonly pool: PublicPool; readonly items: readonly PublicMappingView[] }> {
    const { pool, unitOfWork: { read } } = this.deps;
    const own = reach(principal, 'instance.list') === 'own';
    const visibleTo = own ? { userId: principal.userId, ownedGroupIds: principal.role === 'teacher' ? principal.ownedGroupIds : [] } : undefined;
    const [records, taken] = await Promise.all([read.publicMappings.list({ instanceId, visibleTo }), read.publicMappings.takenAddresses()]);
    const { addresses, ports, perUser } = pool;
    return {
      pool: { enabled: isPoolOn(pool), addresses: { total: addresses.length, free: addresses.filter((each) => !taken.has(each)).length }, ports, perUser },
      items: await this.views(read, records),
    };
  }

  /**
   * Asked again under the same `reservedId` it answers the mapping that was made under it.
   * Throws `not-found`, `forbidden`; `conflict` with the way out (the pool is off or used up, the instance ended or is on its way to another slave,
   * it is mapped already); `quota-exceeded`; `slave-refused` for an agent that maps nothing.
   */
  async create(acting: Acting, instanceId: string, wish: PublicWish, reservedId: string | null = null): Promise<PublicMappingView> {
    const { principal } = acting;
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    const { record, instance } = await unitOfWork.transaction(async (repositories) => {
      const before = await operableInstance(repositories, principal, instanceId, 'instance.publish');
      const earlier = reservedId === null ? null : await repositories.publicMappings.find(reservedId);
      if (earlier?.instanceId === instanceId) return { record: earlier, instance: before };
      await this.requireMappable(repositories, before, wish, now);
      const known = await repositories.publicMappings.ofInstance(instanceId);
      await this.requireShare(repositories, principal, before, known.filter(({ leavingGeneration }) => leavingGeneration === null).length);
      const made = await this.allocate(repositories, before, known, wish, { id: reservedId ?? newId(now), instanceId, createdAt: now });
      const after = await tellAnew(repositories, before, { by: `user ${principal.userName}`, now, settings: this.deps.settings });
      const sentence = `${principal.userName} mapped ${sayPublic(made.mapping)} to ${before.name}${made.mapping.kind === 'port' ? `, port ${made.mapping.guestPort}` : ''}.`;
      await repositories.events.append(eventBy(acting, { kind: 'instance.published', subjectType: 'instance', subjectId: instanceId, sentence }), now);
      return { record: made, instance: after };
    });
    await this.push(instance);
    const [view] = await this.views(unitOfWork.read, [record]);
    if (view === undefined) throw new ParavclError('not-found', `${instance.name} was deleted at this moment, and what led to it with it.`);
    return view;
  }

  /** Who is connected by it is cut off. Throws `not-found`, `forbidden`, and `conflict` while the instance is on its way to another slave. */
  async remove(acting: Acting, instanceId: string, mappingId: string): Promise<void> {
    const { principal } = acting;
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    const instance = await unitOfWork.transaction(async (repositories) => {
      const before = await operableInstance(repositories, principal, instanceId, 'instance.publish');
      const record = await repositories.publicMappings.find(mappingId);
      if (record?.instanceId !== instanceId || record.leavingGeneration !== null) throw new ParavclError('not-found', `Nothing public leads to ${before.name} as ${mappingId}, or it was taken back already.`);
      await requireStill(repositories, before);
      const after = await takeBack(repositories, before, [record], { by: `user ${principal.userName}`, now, settings: this.deps.settings });
      await repositories.events.append(eventBy(acting, { kind: 'instance.unpublished', subjectType: 'instance', subjectId: instanceId, sentence: `${principal.userName} took ${sayPublic(record.mapping)} back from ${before.name}.` }), now);
      return after.generation === before.generation ? null : after;
    });
    if (instance !== null) await this.push(instance);
  }

  private async requireMappable(repositories: Repositories, instance: InstanceRecord, wish: PublicWish, now: number): Promise<void> {
    const { pool, agents, settings } = this.deps;
    const { name, slaveId } = instance;
    if (!isPoolOn(pool)) throw new ParavclError('conflict', `This site has no public addresses or ports: its pool is off. Reach ${name} by its console or the SSH gateway, or ask an administrator for a pool.`);
    if (wish.kind === 'address' && pool.addresses.length === 0) throw new ParavclError('conflict', 'The public pool of this site has ports only. Map a port instead, or ask an administrator for addresses.');
    if (wish.kind === 'port' && pool.ports === null) throw new ParavclError('conflict', 'The public pool of this site has addresses only. Map an address instead, by which every port is reached, or ask an administrator for ports.');
    if (hasNothingToTell(instance)) throw new ParavclError('conflict', `${name} has failed, and nothing of it runs that could be reached. Start it again, or launch a new one, and map then.`);
    requireOutOfBin(instance, settings.timeZone, now);
    await requireStill(repositories, instance);
    const slave = slaveId === null ? null : await repositories.slaves.find(slaveId);
    await requireWithinReach(repositories, instance, slave);
    const protocol = slaveId === null ? null : agents.protocolOf(slaveId);
    if (protocol !== null && protocol < publicMappingProtocolVersion) {
      throw new ParavclError('slave-refused', `The agent of ${slave?.name ?? 'its host'} speaks protocol ${protocol}; public addresses came with ${publicMappingProtocolVersion}. Upgrade it, which touches no guest, and map then.`);
    }
  }

  /** The machines of a person share a limit; who runs the site maps for it. */
  private async requireShare(repositories: Repositories, { role, userId }: Principal, { name, userId: ownerUserId }: InstanceRecord, has: number): Promise<void> {
    if (has >= mostPublicMappings) throw new ParavclError('conflict', `${name} has ${has} public addresses and ports, and a machine has at most ${mostPublicMappings}. Take one back first.`, { limit: String(mostPublicMappings) });
    if (role === 'operator' || role === 'admin') return;
    const { perUser } = this.deps.pool;
    await repositories.users.lock(ownerUserId);
    const used = await repositories.publicMappings.countOf(ownerUserId);
    if (used < perUser) return;
    const whose = ownerUserId === userId ? 'Your machines have' : `The machines of ${name}’s owner have`;
    const wayOut = used === 0 ? 'Ask an operator.' : 'Take one back that is no longer needed, or ask an operator.';
    throw new ParavclError('quota-exceeded', `${whose} ${used} public addresses and ports, and the share of a person is ${perUser}. ${wayOut}`, { limit: String(perUser) });
  }

  private async allocate(repositories: Repositories, { name }: InstanceRecord, known: readonly PublicMappingRecord[], wish: PublicWish, made: NewMapping): Promise<PublicMappingRecord> {
    const { pool } = this.deps;
    const { publicMappings } = repositories;
    const same = known.find(({ mapping }) => (wish.kind === 'address' ? mapping.kind === 'address' : mapping.kind === 'port' && mapping.transport === wish.transport && mapping.guestPort === wish.guestPort));
    if (same !== undefined && same.leavingGeneration === null) throw new ParavclError('conflict', wish.kind === 'address' ? `${name} has a public address already, and needs no other. Take that back to get another one.` : `Port ${wish.guestPort} (${wish.transport}) of ${name} has a public port already: ${sayPublic(same.mapping)}.`);
    // What its slave still has of it is its own again, and nobody else's.
    if (same !== undefined) await publicMappings.remove(same);
    await publicMappings.removeAnswered();
    const again = same !== undefined && isInPool(pool, same.mapping) ? same.mapping : null;
    if (wish.kind === 'address') return allocatePublicAddress(repositories, pool, made, again?.kind === 'address' ? again.address : null);
    if (pool.ports === null) throw new ParavclError('internal', 'A port was asked for of a pool without ports.');
    return allocatePublicPort(repositories, pool.ports, made, wish, again?.kind === 'port' ? again.publicPort : null);
  }

  private async views(read: Repositories, records: readonly PublicMappingRecord[]): Promise<readonly PublicMappingView[]> {
    const instances = new Map((await read.instances.among([...new Set(records.map(({ instanceId }) => instanceId))])).map((instance) => [instance.id, instance]));
    const slaves = await read.fleet.findAll([...new Set([...instances.values()].flatMap(({ slaveId }) => (slaveId === null ? [] : [slaveId])))]);
    const names = await read.users.namesOf([...new Set([...instances.values()].map(({ userId }) => userId))]);
    return records.flatMap((record) => {
      const instance = instances.get(record.instanceId);
      if (instance === undefined || instance.observed === 'deleted') return [];
      const { slaveId } = instance;
      return [publicMappingView(record, instance, names.get(instance.userId) ?? '', slaveId === null ? null : (slaves.get(slaveId) ?? null), slaveId === null ? null : this.deps.agents.protocolOf(slaveId))];
    });
  }

  private async push(instance: InstanceRecord): Promise<void> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    if (instance.slaveId !== null && instance.desired !== 'deleted') agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
  }
}

/** Throws `conflict` with the way out for what is being deleted, or goes to another slave now. */
async function requireStill(repositories: Repositories, instance: InstanceRecord): Promise<void> {
  const { name, desired, observed } = instance;
  if (desired === 'deleted' || observed === 'deleted') throw new ParavclError('conflict', `${name} is being deleted, and what leads to it goes with it.`);
  if (observed === 'relocating') throw new ParavclError('conflict', `${name} is on its way to another host. Ask again once it is there.`);
  await requireNoMigration(repositories, instance);
}
