import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { sentHomeSchema } from '@paravcl/shared/protocol/commands';
import { homeVolumeProtocolVersion } from '@paravcl/shared/protocol/version';
import { homeTakenUp } from '../core/home-holding';
import { atHome, type HomeLeftover, type HomeRecord } from '../core/home-record';
import { homeStep, leftoverStep, type HomeStep, type LeftoverStep } from '../core/home-steps';
import { nextGeneration } from '../core/next-generation';
import { fit } from '../core/say';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { askSlave } from './ask-slave';
import { BookRounds } from './book-rounds';
import type { DeltaDoor, ExpectedDelta } from './delta-door';
import { changeInstance } from './instance-changes';
import type { InstanceSettings } from './instance-settings';
import { tell } from './notice-service';
import type { AgentPort } from './ports';
import type { TakenDelta } from './snapshot-making';
import { imageOfHome, sizeAndBase } from './home-content';

/** What came of a volume, and what it has to be. */
export interface ReturnedHome {
  readonly returnId: string;
  readonly base: ManifestId;
  readonly sizeBytes: number;
}

export interface HomeReturningDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf' | 'command'>;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'deadlinesMs'>;
  /** Makes a whole content of what came. Throws as that of snapshots. */
  readonly takeDelta: (home: ReturnedHome) => Promise<TakenDelta>;
  readonly uploads: { remove(imageId: string): Promise<void> };
  readonly onFault: (error: unknown) => void;
}

/** The longest deadline of a command; what is not over by then goes on with the next one. */
const sendMs = 600_000;
const dropMs = 60_000;
/** Taking one in reads and hashes on a core of the master. */
const takesAtOnce = 2;
const mostLeftovers = 10_000;

/** A step of a volume, or a removal. */
type Work = HomeStep | LeftoverStep;

/** Brings home volumes back to the store once nothing uses them, and has slaves remove what they still have of them. */
export class HomeReturning implements DeltaDoor {
  private readonly rounds: BookRounds<Work>;

  constructor(private readonly deps: HomeReturningDeps) {
    const { clock, onFault } = deps;
    this.rounds = new BookRounds({ due: () => this.due(), keyOf, mayBegin, carryOut: (work) => this.carryOut(work), clock, onFault });
  }

  wake(): void {
    this.rounds.wake();
  }

  run(): Promise<void> {
    return this.rounds.run();
  }

  /** Slaves go on with what they were told. */
  stop(): Promise<void> {
    return this.rounds.stop();
  }

  async expected(slaveId: string, imageId: string): Promise<ExpectedDelta | null> {
    const { read } = this.deps.unitOfWork;
    const home = await read.homes.ofReturn(imageId);
    if (home?.slaveId !== slaveId) return null;
    return { diskBytes: (await sizeAndBase(read, home)).sizeBytes, isHere: home.received };
  }

  async received(imageId: string): Promise<void> {
    await this.deps.unitOfWork.transaction(({ homes }) => homes.received(imageId));
    this.wake();
  }

  /** What was written stays where it is until there is room: nothing else has it. */
  async refused(imageId: string, sentence: string): Promise<void> {
    await this.say(imageId, fit(sentence));
  }

  private async *due(): AsyncGenerator<Work> {
    const { unitOfWork: { read }, agents } = this.deps;
    const [homes, leftovers] = [await read.homes.unsettled(), await read.homes.leftovers(mostLeftovers)];
    if (homes.length === 0 && leftovers.length === 0) return;
    const slaveIds = [...new Set(homes.flatMap(({ slaveId }) => slaveId ?? []))];
    const [slaves, gone, instances] = [await read.fleet.findAll(slaveIds), await read.homes.goneAmong(slaveIds), await read.instances.among(homes.flatMap(({ instanceId }) => instanceId ?? []))];
    const migrating = await read.liveMigrations.openOf(instances.map(({ id }) => id));
    const world = {
      isConnected: (id: string) => agents.isConnected(id),
      knowsHomes: (id: string) => (agents.protocolOf(id) ?? 0) >= homeVolumeProtocolVersion,
      isGone: (id: string) => gone.has(id),
      slaveName: (id: string) => slaves.get(id)?.name ?? 'its host',
      isMigrating: (id: string) => migrating.has(id),
      instance: (id: string) => instances.find((each) => each.id === id) ?? null,
    };
    for (const home of homes) {
      const step = homeStep(home, world);
      if (step !== null) yield step;
    }
    const early = leftovers.filter(({ givenUp }) => givenUp !== undefined);
    const [volumes, holders] = [await read.homes.among(early.map(({ volumeId }) => volumeId)), await read.instances.among(early.flatMap(({ givenUp }) => givenUp?.instanceId ?? []))];
    for (const leftover of leftovers) {
      const holder = holders.find(({ id }) => id === leftover.givenUp?.instanceId) ?? null;
      const step = leftoverStep(leftover, volumes.get(leftover.volumeId) ?? null, holder, world);
      if (step !== null) yield step;
    }
  }

  private carryOut(work: Work): Promise<boolean> {
    switch (work.kind) {
      case 'send':
        return this.send(work.home, work.slaveId, work.returnId);
      case 'take':
        return this.take(work.home, work.slaveId, work.returnId);
      case 'give-up':
        return this.giveUp(work.home, work.slaveId, { why: 'was declared dead, or left the pool', isThere: true });
      case 'say':
        return this.say(work.home.returnId, work.sentence);
      case 'drop':
        return this.drop(work.leftover);
      case 'take-up':
        return this.takeUp(work.leftover);
    }
  }

  private async send(home: HomeRecord, slaveId: string, returnId: string): Promise<boolean> {
    const { base } = await sizeAndBase(this.deps.unitOfWork.read, home);
    // What was in the way is over, or is told again.
    if (home.sentence !== null) await this.say(returnId, null);
    const answer = await askSlave(this.deps.agents, slaveId, { kind: 'send-home', volumeId: home.id, epoch: home.epoch, imageId: returnId, base }, sendMs);
    if (answer === null) return false;
    if (!answer.ok) {
      // Its message says "this host", which only the host itself knows.
      const slaveName = (await this.deps.unitOfWork.read.fleet.findAll([slaveId])).get(slaveId)?.name ?? 'Its host';
      await this.say(returnId, fit(`${slaveName} cannot send it yet: ${answer.message}`));
      return false;
    }
    // The door took it down when the last byte was there.
    if (sentHomeSchema.parse(parseJson(answer.body ?? 'null')) !== null) return true;
    return home.used ? this.giveUp(home, slaveId, { why: 'has nothing of it any more', isThere: false }) : this.settle(home, async ({ homes }, locked) => homes.update(this.stored(locked, locked.imageId)));
  }

  private async take(home: HomeRecord, slaveId: string, returnId: string): Promise<boolean> {
    const { unitOfWork, takeDelta, uploads, clock } = this.deps;
    const { sizeBytes, base } = await sizeAndBase(unitOfWork.read, home);
    let taken: TakenDelta;
    try {
      taken = await takeDelta({ returnId, sizeBytes, base });
    } catch (error) {
      if (!(error instanceof ParavclError)) throw error;
      if (error.code === 'storage-full' || error.code === 'store-damaged') {
        await this.say(returnId, fit(error.message));
        return false;
      }
      // What is gone, or was no such delta, is sent anew; under another id where what its slave has made of it is at fault.
      if (error.code !== 'not-found') this.deps.onFault(error);
      const next = error.code === 'not-found' ? returnId : newId(clock.now());
      return this.settle(home, ({ homes }, locked) => homes.update({ ...locked, returnId: next, received: false, sentence: error.code === 'not-found' ? null : fit(error.message) }));
    }
    try {
      await this.settle(home, async (repositories, locked) => {
        // Who wrote nothing on one that was never written leaves it blank, so that the next one may be larger at no cost.
        const isNews = taken.dirtiedBytes > 0;
        if (isNews) await repositories.imageContents.insertOfVolume(imageOfHome(locked, { imageId: returnId, manifestId: taken.manifestId, sizeBytes }, clock.now()), locked.id);
        await repositories.homes.update(this.stored(locked, isNews ? returnId : locked.imageId));
        await repositories.homes.owe({ volumeId: locked.id, slaveId, epoch: locked.epoch, lost: false });
      });
    } finally {
      taken.release();
    }
    await uploads.remove(returnId);
    return true;
  }

  /** What it held before it went there counts again. */
  private async giveUp(home: HomeRecord, slaveId: string, { why, isThere }: { readonly why: string; readonly isThere: boolean }): Promise<boolean> {
    const { unitOfWork, clock, settings, uploads } = this.deps;
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      const { instances, homes, placements, fleet, users } = repositories;
      const instance = home.instanceId === null ? null : await instances.lock(home.instanceId);
      const locked = await homes.lock(home.id);
      if (locked?.slaveId !== slaveId || locked.state !== home.state || locked.epoch !== home.epoch) return;
      await homes.update(this.stored(locked, locked.imageId));
      if (isThere) await homes.owe({ volumeId: locked.id, slaveId, epoch: locked.epoch, lost: true, givenUp: { instanceId: locked.instanceId, attachedMiB: locked.attachedMiB ?? locked.sizeMiB } });
      // Under the generation that it knows, its slave was told of a volume: what it hears without one is newer.
      if (instance !== null && home.state === 'attached' && instance.slaveId === slaveId) {
        const generation = nextGeneration(instance, await placements.ofInstance(instance.id));
        await changeInstance(repositories, instance, { generation }, { by: 'master', now, slaveName: null, settings });
      }
      const slaveName = (await fleet.findAll([slaveId])).get(slaveId)?.name ?? 'Its host';
      const userName = (await users.find(locked.userId))?.name ?? 'somebody';
      const held = locked.imageId === null ? 'It begins blank.' : 'What it held when it was in the store last counts.';
      const sentence = fit(`${slaveName} ${why}, and what was written on the home volume of ${userName} there since it was attached is lost with it. ${held}`);
      await tell(repositories, { userId: locked.userId, kind: 'home.lost', subjectType: 'user', subjectId: locked.userId, sentence, decisionId: null }, now);
    });
    if (home.returnId !== null) await uploads.remove(home.returnId);
    return true;
  }

  /** Nothing of it is lost after all: its slave was declared dead, and was only away. */
  private async takeUp(leftover: HomeLeftover): Promise<boolean> {
    const { unitOfWork, clock, settings } = this.deps;
    const { volumeId, slaveId, epoch, givenUp } = leftover;
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      const { instances, homes, placements, fleet, users } = repositories;
      const holder = givenUp?.instanceId == null ? null : await instances.lock(givenUp.instanceId);
      const locked = await homes.lock(volumeId);
      if (locked?.state !== 'stored' || locked.epoch !== epoch || !(await homes.takenUp(leftover))) return;
      const next = homeTakenUp(locked, leftover, holder, { returnId: newId(now), now });
      await homes.update(next);
      // Under the generation that it knows, its slave was told of no volume.
      if (holder !== null && next.state === 'attached') await changeInstance(repositories, holder, { generation: nextGeneration(holder, await placements.ofInstance(holder.id)) }, { by: 'master', now, slaveName: null, settings });
      const slaveName = (await fleet.findAll([slaveId])).get(slaveId)?.name ?? 'Its host';
      const whose = (await users.find(locked.userId))?.name ?? 'somebody';
      const sentence = fit(`${slaveName} is back with the home volume of ${whose}, and nobody has had it since: nothing that was written on it is lost. ${next.state === 'attached' ? `${holder?.name ?? 'Its instance'} has it as before.` : 'It is on its way to the store.'}`);
      await tell(repositories, { userId: locked.userId, kind: 'home.found', subjectType: 'user', subjectId: locked.userId, sentence, decisionId: null }, now);
    });
    return true;
  }

  private async drop(leftover: HomeLeftover): Promise<boolean> {
    const { unitOfWork, clock } = this.deps;
    const answer = await askSlave(this.deps.agents, leftover.slaveId, { kind: 'drop-home', volumeId: leftover.volumeId, epoch: leftover.epoch }, dropMs);
    // A guest that nobody has stopped yet still has it open.
    if (answer?.ok !== true) return false;
    await unitOfWork.transaction(async ({ homes, events, fleet }) => {
      if (!(await homes.dropped(leftover)) || !leftover.lost) return;
      const slaveName = (await fleet.findAll([leftover.slaveId])).get(leftover.slaveId)?.name ?? 'A host';
      const userName = await homes.ownerNameOf(leftover.volumeId);
      // Deleted since, it is nobody's.
      const whose = userName === null ? 'a home volume' : `the home volume of ${userName}`;
      const sentence = `${slaveName} is back and removed what it had of ${whose}, which was given up while ${slaveName} was away.`;
      await events.append({ kind: 'home.dropped', subjectType: 'slave', subjectId: leftover.slaveId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, clock.now());
    });
    return true;
  }

  private async say(returnId: string | null, sentence: string | null): Promise<boolean> {
    if (returnId !== null) await this.deps.unitOfWork.transaction(({ homes }) => homes.say(returnId, sentence));
    return true;
  }

  /** In one transaction, unless the return was called off meanwhile. */
  private async settle(home: HomeRecord, work: (repositories: Repositories, locked: HomeRecord) => Promise<void>): Promise<boolean> {
    await this.deps.unitOfWork.transaction(async (repositories) => {
      const locked = await repositories.homes.lock(home.id);
      if (locked?.state === 'returning' && locked.returnId === home.returnId && locked.slaveId === home.slaveId && locked.epoch === home.epoch) await work(repositories, locked);
    });
    return true;
  }

  private stored(home: HomeRecord, imageId: string | null): HomeRecord {
    return { ...home, ...atHome, imageId, changedAt: this.deps.clock.now() };
  }
}

function keyOf(work: Work): string {
  return 'leftover' in work ? `${work.kind} ${work.leftover.volumeId} ${work.leftover.slaveId}` : `${work.kind} ${work.home.id} ${work.home.returnId ?? ''}`;
}

function mayBegin(work: Work, underWay: readonly Work[]): boolean {
  return work.kind !== 'take' || underWay.filter(({ kind }) => kind === 'take').length < takesAtOnce;
}
