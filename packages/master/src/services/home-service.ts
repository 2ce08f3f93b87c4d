import type { Clock } from '@paravcl/shared/clock';
import type { Home } from '@paravcl/shared/domain/home';
import { MiB } from '@paravcl/shared/domain/limits';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { knownName } from '../core/deleted-name';
import { newHome, type HomeRecord } from '../core/home-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import type { InstanceSettings } from './instance-settings';
import { authorise, may } from './policy';
import { seenAs } from './user-service';

export interface HomeServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'homeMiB'>;
}

/** Home volumes as people see them, and what operators say about them. */
export class HomeService {
  constructor(private readonly deps: HomeServiceDeps) {}

  /** Throws `not-found`, also for a person who is not to be seen, and `forbidden` for one who is while their home is not. */
  async get(principal: Principal, userId: string): Promise<Home> {
    const { read } = this.deps.unitOfWork;
    const person = await read.users.find(userId);
    if (person === null) throw missingUser(userId);
    if (!may(principal, 'home.see', { ownerUserId: userId, groupId: person.primaryGroupId })) {
      authorise(principal, 'user.see', 'user.see', seenAs(principal, person), `user ${userId}`);
      throw new ParavclError('forbidden', `The home volume of ${person.name} is not yours to see: a teacher sees those of people whose primary group is the teacher’s. Ask ${person.name}, or an operator.`);
    }
    return this.view(read, userId, await read.homes.ofUser(userId));
  }

  /** Gives a person another size than the site's. Throws `not-found`; `invalid-input` for less than what the volume was, and than any. */
  async set(acting: Acting, userId: string, sizeMiB: number): Promise<Home> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    return unitOfWork.transaction(async (repositories) => {
      const { homes, users, events, images } = repositories;
      await users.lock(userId);
      const person = await users.find(userId);
      if (person === null) throw missingUser(userId);
      const home = await homes.lockOfUser(userId);
      const image = home?.imageId == null ? null : await images.find(home.imageId);
      const hasMiB = Math.max(Math.ceil((image?.contentBytes ?? 0) / MiB), home?.attachedMiB ?? 0);
      const leastMiB = Math.max(1, hasMiB);
      if (sizeMiB !== 0 && sizeMiB < leastMiB) {
        const why = hasMiB === 0 ? `A home volume has at least ${leastMiB} MiB. Choose at least that, or 0 for none.` : `The home volume of ${person.name} has ${leastMiB} MiB, and a disk does not shrink. Choose at least that, or 0 for none, or delete it first.`;
        throw new ParavclError('invalid-input', why, { field: 'sizeMiB', limit: `at least ${leastMiB}, or 0` });
      }
      const next: HomeRecord = { ...(home ?? newHome({ id: newId(now), userId, sizeMiB, ownSize: true }, now)), sizeMiB, ownSize: true, changedAt: now };
      await (home === null ? homes.insert(next) : homes.update(next));
      const sentence = sizeMiB === 0 ? `${acting.principal.userName} gave ${person.name} no home volume.` : `${acting.principal.userName} gave ${person.name} a home volume of ${sizeMiB} MiB.`;
      await events.append(eventBy(acting, { kind: 'home.sized', subjectType: 'user', subjectId: userId, sentence }), now);
      return this.view(repositories, userId, next);
    });
  }

  /** What it holds goes, and its own size. Throws `not-found`; `conflict` while something has it; `invalid-input` without the person's name. */
  async remove(acting: Acting, userId: string, confirm: string | undefined): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      const { homes, users, events } = repositories;
      await users.lock(userId);
      const person = await users.find(userId);
      if (person === null) throw missingUser(userId);
      const home = await homes.lockOfUser(userId);
      if (home === null) return;
      if (home.state !== 'stored') throw new ParavclError('conflict', `${await say(repositories, home)} Delete it when nothing has it any more.`);
      if (home.imageId !== null && confirm !== person.name) {
        throw new ParavclError('invalid-input', `What the home volume of ${person.name} holds is nowhere else. To delete it, repeat the name: ?confirm=${encodeURIComponent(person.name)}`, { field: 'confirm', limit: 'the name of its user' });
      }
      await homes.remove(home.id);
      await events.append(eventBy(acting, { kind: 'home.deleted', subjectType: 'user', subjectId: userId, sentence: `${acting.principal.userName} deleted the home volume of ${person.name}.` }), now);
    });
  }

  private async view(repositories: Repositories, userId: string, home: HomeRecord | null): Promise<Home> {
    const { homeMiB } = this.deps.settings;
    if (home === null) {
      const sentence = homeMiB === 0 ? 'There is no home volume. An operator can give one.' : 'It is made with the first launch.';
      return { userId, sizeMiB: homeMiB, state: 'stored', blank: true, instanceId: null, sentence, changedAt: null };
    }
    const { state, imageId, instanceId, changedAt } = home;
    const sizeMiB = home.ownSize ? home.sizeMiB : Math.max(home.sizeMiB, homeMiB);
    return { userId, sizeMiB, state, blank: imageId === null, instanceId, sentence: await say(repositories, home), changedAt: new Date(changedAt).toISOString() };
  }
}

async function say({ instances, fleet }: Repositories, { state, sizeMiB, imageId, instanceId, slaveId, openInRamId, sentence }: HomeRecord): Promise<string> {
  const instance = instanceId === null ? null : await instances.find(instanceId);
  const name = instance !== null ? knownName(instance) : instanceId === null ? 'an instance' : 'an instance that is gone';
  switch (state) {
    case 'stored':
      if (sizeMiB === 0) return imageId === null ? 'There is no home volume. An operator can give one.' : 'It is in the store, and attached to nothing: an operator took it away.';
      return imageId === null ? 'Nothing was written on it yet. What is launched or started next gets it.' : 'It is in the store. What is launched or started next gets it.';
    case 'attached':
      if (slaveId === null && openInRamId !== null) return `It is in the store, and the saved RAM of ${name} has it open: resumed, ${name} goes on with it; stopped or deleted, it gives it back.`;
      return slaveId === null ? `${name} waits with it.` : `It is attached to ${name} until that is stopped or deleted.`;
    case 'returning': {
      const slaveName = slaveId === null ? undefined : (await fleet.findAll([slaveId])).get(slaveId)?.name;
      return `It is on its way to the store from ${slaveName ?? 'its host'}, where ${name} had it.${sentence === null ? '' : ` ${sentence}`}`;
    }
  }
}

function missingUser(userId: string): ParavclError {
  return new ParavclError('not-found', `There is no user ${userId}, or it is not yours to see.`);
}
