import { emptyContent } from '@paravcl/shared/chunks/delta';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import { MiB } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import { parseJson } from '@paravcl/shared/parse-json';
import { type Command, type FreezeWish, frozenDisksSchema, sentDiskSchema, sentHomeSchema } from '@paravcl/shared/protocol/commands';
import { diskImageOf } from '../core/instance-record';
import { savedOnOf } from '../core/saved-ram';
import { fit } from '../core/say';
import { sayStanding, snapshotSteps, type SnapshotStep } from '../core/snapshot-steps';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { UnitOfWork } from '../db/unit-of-work';
import { askSlave } from './ask-slave';
import { BookRounds } from './book-rounds';
import type { AgentPort } from './ports';
import type { DeltaDoor, ExpectedDelta } from './delta-door';
import type { InstanceSettings } from './instance-settings';
import { completeMove } from './move-completion';
import { insertSnapshotImages } from './snapshot-images';
import type { SnapshotRam } from './snapshot-ram';

/** What a delta came to in the store; it stays there until `release`, whoever names it. */
export interface TakenDelta {
  readonly manifestId: ManifestId;
  readonly dirtiedBytes: number;
  release(): void;
}

export interface SnapshotMakingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'command'>;
  readonly clock: Clock;
  /** Makes a whole content of what came for this image. Throws `invalid-input` for bytes that are no such delta, `storage-full`. */
  readonly takeDelta: (part: SnapshotPart) => Promise<TakenDelta>;
  /** Where what hosts send lies. */
  readonly uploads: { remove(imageId: string): Promise<void> };
  readonly ram: SnapshotRam;
  readonly settings: Pick<InstanceSettings, 'deadlinesMs'>;
  readonly onFault: (error: unknown) => void;
}

const quickMs = 60_000;
/** The longest deadline of a command; what is not over by then goes on with the next one. */
const sendMs = 600_000;
/** Deltas that are taken in at the same time: each reads and hashes on a core of the master. */
const takesAtOnce = 2;

/** Of what is saved with RAM: the devices, and the screen's memory. */
const besideRamMiB = 256;

/** What one instance may come to. */
interface MostBytes {
  readonly disk: number;
  readonly ram: number;
}

/** Manifests that a host may send against: the image's and those of its newest snapshots. */
const mostBases = 7;

/** A step, and the snapshot that it is of. */
interface Due {
  readonly snapshot: SnapshotRecord;
  readonly parts: readonly SnapshotPart[];
  readonly step: SnapshotStep;
}

/** Brings snapshots about. Wake it when something changed; its job wakes it every second. */
export class SnapshotMaking implements DeltaDoor {
  private readonly rounds: BookRounds<Due>;

  constructor(private readonly deps: SnapshotMakingDeps) {
    const { clock, onFault } = deps;
    this.rounds = new BookRounds({ due: () => this.due(), keyOf, mayBegin, carryOut: (due) => this.carryOut(due), clock, onFault });
  }

  wake(): void {
    this.rounds.wake();
  }

  run(): Promise<void> {
    return this.rounds.run();
  }

  /** Hosts go on with what they were told. */
  stop(): Promise<void> {
    return this.rounds.stop();
  }

  async expected(slaveId: string, imageId: string): Promise<ExpectedDelta | null> {
    const part = await this.deps.unitOfWork.read.snapshots.pendingPart(imageId);
    if (part?.slaveId !== slaveId || part.sizeBytes === null || part.state === 'failed') return null;
    return { diskBytes: part.sizeBytes, isHere: part.state !== 'frozen' };
  }

  async received(imageId: string): Promise<void> {
    await this.deps.unitOfWork.transaction(({ snapshots }) => snapshots.received(imageId));
    this.wake();
  }

  async refused(imageId: string, sentence: string): Promise<void> {
    await this.deps.unitOfWork.transaction(({ snapshots }) => snapshots.failed(imageId, fit(sentence)));
    this.wake();
  }

  private async *due(): AsyncGenerator<Due> {
    const { unitOfWork: { read }, agents, clock } = this.deps;
    const open = await read.snapshots.unfinished();
    if (open.length === 0) return;
    const parts = await read.snapshots.parts(open.map(({ id }) => id));
    const slaves = await read.fleet.findAll([...new Set(parts.map(({ slaveId }) => slaveId))]);
    const slaveName = (id: string): string => slaves.get(id)?.name ?? 'its host';
    const guests = await this.deps.ram.guests(parts);
    const world = { now: clock.now(), isConnected: (id: string) => agents.isConnected(id), slaveName, isRetired: (id: string) => slaves.get(id)?.admission === 'retired', guestDoes: (id: string) => guests.get(id) ?? 'away' };
    for (const snapshot of open) {
      const own = parts.filter(({ snapshotId }) => snapshotId === snapshot.id);
      if (snapshot.state === 'pending') await this.say(snapshot, sayStanding(own, slaveName, snapshot.purpose));
      for (const step of snapshotSteps(snapshot, own, world)) yield { snapshot, parts: own, step };
    }
  }

  private carryOut({ snapshot, parts, step }: Due): Promise<boolean> {
    switch (step.kind) {
      case 'suspend':
      case 'resume':
        return this.deps.ram[step.kind](snapshot, step.part).then(() => true);
      case 'freeze':
        return this.freeze(snapshot, step.slaveId, step.parts);
      case 'send':
        return this.send(snapshot, step.part);
      case 'take':
        return this.take(step.part);
      case 'complete':
        return snapshot.purpose === 'move' ? this.completeMove(snapshot, parts) : this.orFail(snapshot, () => this.complete(snapshot, parts));
      case 'fail':
        return this.fail(snapshot, step.sentence);
      case 'tell-end':
        return this.tellEnd(snapshot, step.part);
    }
  }

  private async freeze(snapshot: SnapshotRecord, slaveId: string, all: readonly SnapshotPart[]): Promise<boolean> {
    const { unitOfWork, clock } = this.deps;
    const { read } = unitOfWork;
    const disks: FreezeWish[] = [];
    const most = new Map<string, MostBytes>();
    const parts = all.filter(({ what }) => what === 'disk');
    const ramOf = (instanceId: string): SnapshotPart | undefined => all.find((part) => part.what === 'ram' && part.instanceId === instanceId);
    for (const part of parts) {
      const instance = await read.instances.find(part.instanceId);
      if (instance?.slaveId !== slaveId || instance.desired === 'deleted') {
        await unitOfWork.transaction(({ snapshots }) => snapshots.failed(part.imageId, 'it was deleted, or is on another host now.'));
        return true;
      }
      const image = await read.images.find(diskImageOf(instance));
      const earlier = await read.snapshots.manifestsOf(instance.id, mostBases);
      const bases = [...new Set([...(image?.manifestId == null ? [] : [image.manifestId]), ...earlier])];
      disks.push({ instanceId: instance.id, generation: instance.generation, bases, ...(ramOf(instance.id) === undefined ? {} : { ram: true }) });
      most.set(instance.id, { disk: Math.max(instance.diskMiB * MiB, image?.contentBytes ?? 0), ram: (instance.ramMiB + besideRamMiB) * MiB });
    }
    const deadlineMs = Math.max(1000, Math.min(quickMs, snapshot.freezeBy - clock.now()));
    const answer = await askSlave(this.deps.agents, slaveId, { kind: 'freeze-disks', snapshotId: snapshot.id, disks }, deadlineMs);
    if (answer === null) return false;
    if (!answer.ok) {
      await unitOfWork.transaction(async ({ snapshots }) => {
        for (const { imageId } of all) await snapshots.failed(imageId, answer.message);
      });
      return true;
    }
    const frozen = frozenDisksSchema.parse(parseJson(answer.body ?? ''));
    const describe = (await read.slaves.find(slaveId))?.describe;
    await unitOfWork.transaction(async ({ snapshots }) => {
      for (const part of parts) {
        const disk = frozen.find(({ instanceId }) => instanceId === part.instanceId);
        const asked = disks.find(({ instanceId }) => instanceId === part.instanceId);
        const ram = ramOf(part.instanceId);
        // The machine may be a student's own: it takes no room and no content that disk and RAM do not.
        const isPossible = disk?.ok === true && asked?.bases.includes(disk.base) === true && disk.sizeBytes <= (most.get(part.instanceId)?.disk ?? 0) && (disk.ramBytes ?? 0) <= (most.get(part.instanceId)?.ram ?? 0);
        if (disk?.ok === true && isPossible) await snapshots.frozen(part.imageId, disk);
        else if (disk?.ok === true) await snapshots.failed(part.imageId, 'its host says of its disk what cannot be.');
        else await snapshots.failed(part.imageId, fit(disk?.message ?? 'its host said nothing of it.'));
        if (ram === undefined || disk?.ok !== true || describe === undefined) continue;
        if (disk.ramBytes === undefined) await snapshots.failed(ram.imageId, 'it is off, so there is no RAM to keep.');
        else await snapshots.frozenRam(ram.imageId, disk.ramBytes, savedOnOf(describe));
      }
    });
    return true;
  }

  private async send(snapshot: SnapshotRecord, part: SnapshotPart): Promise<boolean> {
    const { slaveId, instanceId, imageId, what } = part;
    const command = what === 'home' ? await this.sendingOfHome(part) : ({ kind: 'send-disk', snapshotId: snapshot.id, instanceId, imageId, ...(what === 'ram' ? { what } : {}) } as const);
    const isGone = (sentence: string): Promise<boolean> => this.deps.unitOfWork.transaction(({ snapshots }) => snapshots.failed(imageId, sentence)).then(() => true);
    if (command === null) return isGone('its home volume is not where it was.');
    const answer = await askSlave(this.deps.agents, slaveId, command, sendMs);
    if (answer === null) return false;
    if (answer.ok) {
      // The door took it down when the last byte was there.
      const isSent = (what === 'home' ? sentHomeSchema : sentDiskSchema).parse(parseJson(answer.body ?? '')) !== null;
      return isSent || isGone('its host has nothing of its home volume.');
    }
    const isOver = answer.code === 'unknown-instance' || answer.code === 'stale';
    // It goes on where it was; its host may have been cut off, or its pool full, for a while.
    if (!isOver) {
      this.deps.onFault(new Error(`Of snapshot ${snapshot.id} the ${what} of ${part.instanceName} was not sent: ${answer.message}`));
      return false;
    }
    return isGone(answer.code === 'stale' ? fit(answer.message) : 'it was deleted before its disk was sent.');
  }

  /** Null when its instance has it no more. */
  private async sendingOfHome({ instanceId, imageId, slaveId, baseManifestId }: SnapshotPart): Promise<Command | null> {
    const home = (await this.deps.unitOfWork.read.homes.attachedTo([instanceId])).get(instanceId);
    return home?.slaveId !== slaveId ? null : { kind: 'send-home', volumeId: home.id, epoch: home.epoch, imageId, base: baseManifestId ?? emptyContent, savedWith: instanceId };
  }

  private async take(part: SnapshotPart): Promise<boolean> {
    const { unitOfWork, takeDelta, uploads } = this.deps;
    let taken: TakenDelta;
    try {
      taken = await takeDelta(part);
    } catch (error) {
      if (!(error instanceof ParavclError)) throw error;
      const isGone = error.code === 'not-found';
      await unitOfWork.transaction(({ snapshots }) => (isGone ? snapshots.lost(part.imageId) : snapshots.failed(part.imageId, fit(error.message))));
      return true;
    }
    try {
      await unitOfWork.transaction(({ snapshots }) => snapshots.kept(part.imageId, taken));
    } finally {
      taken.release();
    }
    await uploads.remove(part.imageId);
    return true;
  }

  private async complete(snapshot: SnapshotRecord, parts: readonly SnapshotPart[]): Promise<boolean> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      const locked = await repositories.snapshots.lock(snapshot.id);
      if (locked?.state !== 'pending') return;
      const told = await insertSnapshotImages(repositories, snapshot, parts, now);
      const disks = parts.filter(({ what }) => what === 'disk').length;
      const rams = parts.length - disks;
      const withRam = rams === 0 ? '' : ` The RAM of ${rams === 1 ? '1 guest' : `${rams} guests`} is kept with ${disks === 1 ? 'it' : 'them'}.`;
      const { leftOut } = snapshot;
      const what = disks === 1 ? `${leftOut === null ? 'The' : 'One'} disk is an image` : `${leftOut === null ? 'All ' : ''}${disks} disks are images`;
      const sentence = fit(`${what} now, whole and by ${disks === 1 ? 'itself' : 'themselves'}.${withRam}${leftOut === null ? '' : ` ${leftOut}`}${told}`);
      await repositories.snapshots.end(snapshot.id, 'ready', sentence, now);
      await repositories.operations.progress(snapshot.id, 1, 'done', sentence, now);
      await repositories.events.append({ kind: 'snapshot.ready', subjectType: 'snapshot', subjectId: snapshot.id, actor: 'master', actorUserId: null, clientAddress: null, sentence: fit(`The snapshot ${snapshot.name} is there. ${sentence}`) }, now);
    });
    return true;
  }

  /** What cannot become images as it was asked for never will: its family is gone, say. */
  private async orFail(snapshot: SnapshotRecord, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ParavclError) || error.code !== 'invalid-input') throw error;
      return this.fail(snapshot, error.message);
    }
  }

  private async completeMove(snapshot: SnapshotRecord, parts: readonly SnapshotPart[]): Promise<boolean> {
    const { unitOfWork, clock, settings } = this.deps;
    const part = parts.find(({ what }) => what === 'disk');
    const ram = parts.find(({ what }) => what === 'ram') ?? null;
    const home = parts.find(({ what }) => what === 'home') ?? null;
    if (part === undefined) throw new Error(`Move ${snapshot.id} has no disk.`);
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      const locked = await repositories.snapshots.lock(snapshot.id);
      if (locked?.state !== 'pending') return;
      const slaveName = (await repositories.slaves.find(part.slaveId))?.name ?? 'its host';
      const { isMoved, sentence } = await completeMove(repositories, snapshot, { disk: part, ram, home }, { now, slaveName, settings });
      await repositories.snapshots.end(snapshot.id, isMoved ? 'ready' : 'failed', sentence, now);
      await repositories.operations.progress(snapshot.id, 1, isMoved ? 'done' : 'failed', sentence, now);
      await repositories.events.append({ kind: isMoved ? 'instance.moved' : 'instance.stayed', subjectType: 'instance', subjectId: part.instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, now);
    });
    return true;
  }

  private async fail(snapshot: SnapshotRecord, sentence: string): Promise<boolean> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    const [kind, what] = snapshot.purpose === 'move' ? ['instance.move', snapshot.name] : ['snapshot', `The snapshot ${snapshot.name}`];
    await unitOfWork.transaction(async (repositories) => {
      if (!(await repositories.snapshots.end(snapshot.id, 'failed', sentence, now))) return;
      await repositories.operations.progress(snapshot.id, 1, 'failed', sentence, now);
      await repositories.events.append({ kind: `${kind}.failed`, subjectType: 'snapshot', subjectId: snapshot.id, actor: 'master', actorUserId: null, clientAddress: null, sentence: fit(`${what} failed. ${sentence}`) }, now);
    });
    return true;
  }

  private async tellEnd(snapshot: SnapshotRecord, part: SnapshotPart): Promise<boolean> {
    const { unitOfWork, uploads } = this.deps;
    const isRetired = (await unitOfWork.read.slaves.find(part.slaveId))?.admission === 'retired';
    const manifest = snapshot.state === 'ready' ? part.manifestId : null;
    const others = (await unitOfWork.read.snapshots.parts([snapshot.id])).filter(({ instanceId }) => instanceId === part.instanceId);
    const answer = isRetired ? null : await askSlave(this.deps.agents, part.slaveId, { kind: 'end-snapshot', snapshotId: snapshot.id, instanceId: part.instanceId, manifest }, quickMs);
    // An instance that its host does not know any more left nothing there, and nobody tells a host anything that left the pool.
    const isTold = isRetired || answer?.ok === true || answer?.code === 'unknown-instance';
    if (!isTold) return false;
    for (const { imageId } of others) await uploads.remove(imageId);
    await unitOfWork.transaction(async ({ snapshots }) => {
      // It may have been deleted since this round looked.
      const now = await snapshots.lock(snapshot.id);
      await snapshots.hostTold(snapshot.id, part.instanceId);
      if (now?.purpose === 'gone') await snapshots.removeIfTold(snapshot.id);
    });
    return true;
  }

  private async say(snapshot: SnapshotRecord, sentence: string): Promise<void> {
    if (sentence === snapshot.sentence) return;
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async ({ snapshots, operations }) => {
      await snapshots.say(snapshot.id, sentence);
      await operations.progress(snapshot.id, 1, 'pending', sentence, clock.now());
    });
  }
}

function keyOf({ snapshot: { id }, step }: Due): string {
  switch (step.kind) {
    case 'freeze':
      return `freeze ${id} ${step.slaveId}`;
    case 'suspend':
    case 'resume':
    case 'send':
    case 'take':
    case 'tell-end':
      return `${step.kind} ${step.part.imageId}`;
    case 'complete':
    case 'fail':
      return `${step.kind} ${id}`;
  }
}

function mayBegin({ snapshot, step }: Due, underWay: readonly Due[]): boolean {
  switch (step.kind) {
    case 'take':
      return underWay.filter((other) => other.step.kind === 'take').length < takesAtOnce;
    case 'tell-end':
      // Else what a late freezing leaves would be nobody's.
      return !underWay.some((other) => other.step.kind === 'freeze' && other.step.slaveId === step.part.slaveId && other.snapshot.id === snapshot.id);
    default:
      return true;
  }
}
