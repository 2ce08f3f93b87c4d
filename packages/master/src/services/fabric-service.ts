import type { Fabric, FabricType } from '@paravcl/shared/api/fabric';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { redefineTypes, type FabricSize } from '../core/fabric-types';
import type { InstanceRecord } from '../core/instance-record';
import { slaveNow, takesPart, unpromised } from '../core/room-now';
import type { UnitOfWork } from '../db/unit-of-work';
import type { FabricKind } from '../repositories/fabric-repository';
import type { ImageRecord } from '../repositories/image-record';
import type { SlaveRecord } from '../repositories/slave-record';
import { eventBy, type Acting } from './acting';
import { FabricNumbers } from './fabric-numbers';
import { slaveView, type CapacityLimits } from './fleet-view';
import { maySeeImage, runsSite } from './image-access';
import type { InstanceService } from './instance-service';
import { authoriseRole, may } from './policy';
import type { AgentPort, FleetFigures } from './ports';

export interface FabricServiceDeps {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly instances: Pick<InstanceService, 'create' | 'operate'>;
  readonly agents: Pick<AgentPort, 'isConnected'>;
  readonly figures: FleetFigures;
  readonly limits: CapacityLimits;
  /** The longest time that students and teachers may ask for. */
  readonly maxMinutes: number;
}

/** How the site set the Fabric API. */
export type FabricSettings = Pick<Fabric, 'enabled' | 'url' | 'allow' | 'actsAs'>;

export interface FabricVm {
  readonly vmid: number;
  readonly name: string;
  /** Its tid; 0: it is of no type. */
  readonly instance_type: number;
  /** 0: it is on no host. */
  readonly pmid: number;
}

/** Cores, MB of RAM, GB of disk. */
export interface FabricRoom {
  readonly cpu: number;
  readonly ram: number;
  readonly disk: number;
}

export interface FabricPm {
  readonly pmid: number;
  readonly capacity: FabricRoom;
  readonly free: FabricRoom;
  readonly vms: number;
}

const MiBOfGB = 1024;
const imagesAtOnce = 500;

/**
 * The Fabric API of the original (mini project) over the master's own services: nobody sees or does by it what they may not see or do
 * otherwise. What is asked about and is not there, or is not theirs to see, is null.
 */
export class FabricService {
  private readonly numbers: FabricNumbers;

  constructor(private readonly deps: FabricServiceDeps) {
    this.numbers = new FabricNumbers(deps.unit);
  }

  /**
   * A launch of this type and image; answers its number once it is accepted, wherever and whenever it starts. It runs until it is
   * destroyed, as in the original, for who may ask for that; for everybody else as long as they may ask for.
   *
   * @throws ParavclError what `InstanceService.create` throws, and `not-found` for type and image
   */
  async create({ principal, clientAddress }: Acting, { name, tid, image }: { readonly name: string; readonly tid: number; readonly image: number }): Promise<number> {
    authoriseRole(principal, 'instance.create');
    const type = (await this.types()).find((each) => each.tid === tid);
    if (type === undefined) throw new ParavclError('not-found', `There is no instance_type ${tid}: /vm/types lists them.`, { field: 'instance_type' });
    const imageId = (await this.numberedImages()).find((each) => each.number === image && maySeeImage(principal, each.image))?.image.id;
    if (imageId === undefined) throw new ParavclError('not-found', `There is no image_id ${image}: /image/list lists them.`, { field: 'image_id' });
    // Numbered first: once it is accepted, nothing may come between it and its answer.
    const id = newId(this.deps.clock.now());
    const vmid = await this.numbers.reserveVm(id, tid);
    try {
      const { vcpus, ramMiB, diskMiB } = type;
      // A home volume goes with what a person launches, and not with the first of a program's machines.
      await this.deps.instances.create(principal, { imageId, name, vcpus, ramMiB, diskMiB, home: false, minutes: runsSite(principal) ? null : this.deps.maxMinutes }, clientAddress, id);
    } catch (error) {
      if (error instanceof ParavclError) await this.numbers.forget('vm', id);
      throw error;
    }
    return vmid;
  }

  async vm(principal: Principal, vmid: number): Promise<FabricVm | null> {
    const found = await this.vmOf(principal, vmid);
    if (found === null || hasFailed(found.instance)) return null;
    const { instance, tid } = found;
    const { slaveId } = instance;
    // All at once, so that hosts are numbered in the order they came.
    const hosts = slaveId === null ? [] : await this.hosts();
    const pmid = hosts.find(({ slave }) => slave.id === slaveId)?.number ?? 0;
    return { vmid, name: instance.name, instance_type: tid ?? (await this.typeOfSize(instance)), pmid };
  }

  /** @throws ParavclError `not-found`, and what deleting an instance throws */
  async destroy({ principal, clientAddress }: Acting, vmid: number): Promise<void> {
    const found = await this.vmOf(principal, vmid);
    if (found === null) throw new ParavclError('not-found', `There is no vmid ${vmid}, or it is not yours.`, { field: 'vmid' });
    await this.deps.instances.operate(principal, found.instance.id, { verb: 'delete', clientAddress });
  }

  /** Those that VMs are made of, by tid. */
  async types(): Promise<readonly FabricType[]> {
    const types = await this.deps.unit.read.fabric.types();
    return types.filter(({ retired }) => !retired).map(({ tid, name, vcpus, ramMiB, diskMiB }) => ({ tid, name, vcpus, ramMiB, diskMiB }));
  }

  async pmids(principal: Principal): Promise<readonly number[]> {
    return (await this.hosts()).filter(({ slave }) => maySeeHost(principal, slave)).map(({ number }) => number);
  }

  /** Its VMs that the person may see. */
  async vmsOn(principal: Principal, pmid: number): Promise<readonly number[] | null> {
    const slave = await this.hostOf(principal, pmid);
    if (slave === null) return null;
    const shown = (await this.deps.unit.read.instances.onSlave(slave.id)).filter((instance) => isThere(instance) && !hasFailed(instance) && maySee(principal, instance));
    return numbersIn(await this.numbers.of('vm', shown.map(({ id }) => id)));
  }

  /** What it has for VMs, what a new one could have of that now, and how many it has, whoever's they are. */
  async pm(principal: Principal, pmid: number): Promise<FabricPm | null> {
    const slave = await this.hostOf(principal, pmid);
    if (slave === null) return null;
    const { unit: { read }, agents, figures, limits } = this.deps;
    const described = { ...slave, describe: { ...slave.describe, ...figures.latest(slave.id)?.describe } };
    const usage = (await read.placements.usage([slave.id])).get(slave.id);
    const view = slaveView(described, { usage, connected: agents.isConnected(slave.id) }, limits);
    const there = (await read.instances.onSlave(slave.id)).filter((instance) => isThere(instance) && !hasFailed(instance));
    const { capacity } = view;
    return { pmid, capacity: roomOf(capacity), free: takesPart(view) ? roomOf(unpromised(slaveNow(view))) : { cpu: 0, ram: 0, disk: 0 }, vms: there.length };
  }

  /** Those that the person may launch, oldest first. */
  async images(principal: Principal): Promise<readonly { readonly id: number; readonly name: string }[]> {
    return (await this.numberedImages()).filter(({ image }) => maySeeImage(principal, image)).map(({ number, image }) => ({ id: number, name: image.name }));
  }

  /** Everything an administrator wants to know of it. */
  async overview(settings: FabricSettings): Promise<Fabric> {
    const [types, images, hosts] = [await this.types(), await this.numberedImages(), await this.hosts()];
    return {
      ...settings,
      types: [...types],
      images: images.map(({ number, image }) => ({ number, imageId: image.id, name: image.name })),
      slaves: hosts.map(({ number, slave }) => ({ number, slaveId: slave.id, name: slave.name })),
    };
  }

  /** @throws ParavclError `invalid-input` when two have one name */
  async defineTypes(acting: Acting, wished: readonly FabricSize[]): Promise<readonly FabricType[]> {
    const twice = wished.find(({ name }, i) => wished.findIndex((other) => other.name === name) !== i);
    if (twice !== undefined) throw new ParavclError('invalid-input', `types: two are called ${twice.name}. Give each type a name of its own.`, { field: 'types', limit: 'each name once' });
    return this.deps.unit.transaction(async (write) => {
      const last = await write.fabric.lockCounter('type');
      const after = redefineTypes(await write.fabric.types(), wished, last);
      for (const type of after.changed) await write.fabric.putType(type);
      await write.fabric.setCounter('type', after.last);
      if (after.changed.length > 0) {
        const sentence = `${acting.principal.userName} defined the types of the Fabric API: ${after.offered.length === 0 ? 'none' : after.offered.map(({ tid, name }) => `${tid} (${name})`).join(', ')}.`;
        await write.events.append(eventBy(acting, { kind: 'fabric.types-defined', subjectType: 'site', subjectId: null, sentence }), this.deps.clock.now());
      }
      return after.offered;
    });
  }

  private async vmOf(principal: Principal, vmid: number): Promise<{ readonly instance: InstanceRecord; readonly tid: number | null } | null> {
    const found = await this.numbers.find('vm', vmid);
    const instance = found === null ? null : await this.deps.unit.read.instances.find(found.subjectId);
    return found === null || instance === null || !isThere(instance) || !maySee(principal, instance) ? null : { instance, tid: found.tid };
  }

  /** Of one that was launched elsewhere: the type of exactly its size, else 0. */
  private async typeOfSize({ vcpus, ramMiB, diskMiB }: InstanceRecord): Promise<number> {
    return (await this.types()).find((type) => type.vcpus === vcpus && type.ramMiB === ramMiB && type.diskMiB === diskMiB)?.tid ?? 0;
  }

  /** Those that belong to the pool, by number. */
  private async hosts(): Promise<readonly { readonly number: number; readonly slave: SlaveRecord }[]> {
    const inPool = (await this.deps.unit.read.fleet.unretired()).filter(isInPool);
    return (await this.numbered('pm', inPool)).map(({ number, thing }) => ({ number, slave: thing }));
  }

  private async hostOf(principal: Principal, pmid: number): Promise<SlaveRecord | null> {
    const slave = (await this.hosts()).find(({ number }) => number === pmid)?.slave;
    return slave !== undefined && maySeeHost(principal, slave) ? slave : null;
  }

  /** All that can be launched now, whoever may see them, by number. */
  private async numberedImages(): Promise<readonly { readonly number: number; readonly image: ImageRecord }[]> {
    const images: ImageRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.deps.unit.read.images.list('disk', { state: 'ready' }, { limit: imagesAtOnce, cursor });
      images.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return (await this.numbered('image', images.reverse())).map(({ number, thing }) => ({ number, image: thing }));
  }

  /** Things in the order they came: those without a number get one in that order. */
  private async numbered<T extends { readonly id: string }>(kind: FabricKind, things: readonly T[]): Promise<readonly { readonly number: number; readonly thing: T }[]> {
    const numbers = await this.numbers.of(kind, things.map(({ id }) => id));
    return things.map((thing) => ({ number: numbers.get(thing.id)?.number ?? 0, thing })).sort((a, b) => a.number - b.number);
  }
}

/** It is, and is not about to go. */
const isThere = ({ desired, observed }: InstanceRecord): boolean => desired !== 'deleted' && observed !== 'deleted';

/** It never ran, and does not come to by itself: nothing of it is anywhere but its name. */
const hasFailed = ({ observed, booted }: InstanceRecord): boolean => observed === 'failed' && !booted;

const maySee = (principal: Principal, { userId, groupId }: InstanceRecord): boolean => may(principal, 'instance.see', { ownerUserId: userId, groupId });
const maySeeHost = (principal: Principal, { ownerUserId }: SlaveRecord): boolean => may(principal, 'slave.see', { ownerUserId, groupId: null });

/** One that waits for approval, or for somebody to look at it, is not the pool's. */
const isInPool = ({ admission }: SlaveRecord): boolean => admission === 'approved' || admission === 'draining';

const numbersIn = (numbers: ReadonlyMap<string, { readonly number: number }>): readonly number[] => [...numbers.values()].map(({ number }) => number).sort((a, b) => a - b);

/** Whole GB of disk, as in the original, and never more than there is. */
function roomOf({ vcpus, ramMiB, diskMiB }: { readonly vcpus: number; readonly ramMiB: number; readonly diskMiB: number }): FabricRoom {
  const whole = (amount: number): number => Math.max(0, Math.floor(amount));
  return { cpu: whole(vcpus), ram: whole(ramMiB), disk: whole(diskMiB / MiBOfGB) };
}
