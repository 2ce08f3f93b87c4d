import type { HomeLeftover, HomeRecord } from './home-record';
import { awaitsRam, type HomeUser } from './home-holding';

/** What is to be done next for a home volume. Each is idempotent: done twice it comes to the same. */
export type HomeStep =
  /** Its slave sends what it holds. */
  | { readonly kind: 'send'; readonly home: HomeRecord; readonly slaveId: string; readonly returnId: string }
  /** What came becomes what it holds. */
  | { readonly kind: 'take'; readonly home: HomeRecord; readonly slaveId: string; readonly returnId: string }
  /** What is on its slave will not come back: what it held before counts. */
  | { readonly kind: 'give-up'; readonly home: HomeRecord; readonly slaveId: string }
  /** What it waits for, in words. */
  | { readonly kind: 'say'; readonly home: HomeRecord; readonly sentence: string };

export interface HomeWorld {
  isConnected(slaveId: string): boolean;
  /** Its agent is of a release that knows home volumes. */
  knowsHomes(slaveId: string): boolean;
  /** It was declared dead, or left the pool for good. */
  isGone(slaveId: string): boolean;
  slaveName(slaveId: string): string;
  /** It goes to another slave as it runs: until it is known who has it, so is the volume. */
  isMigrating(instanceId: string): boolean;
  /** Null when there is no such instance any more. */
  instance(id: string): Pick<HomeUser, 'desired' | 'observed' | 'booted' | 'ramImageId'> | null;
}

/** What a volume that is not in the store needs next, by the books alone; null: nothing, or to be waited for. */
export function homeStep(home: HomeRecord, world: HomeWorld): HomeStep | null {
  const { slaveId, returnId, state } = home;
  if (state === 'stored' || slaveId === null || (home.instanceId !== null && world.isMigrating(home.instanceId))) return null;
  // What has arrived is here whatever becomes of its slave.
  if (state === 'returning' && home.received && returnId !== null) return { kind: 'take', home, slaveId, returnId };
  const instance = home.instanceId === null ? null : world.instance(home.instanceId);
  if (world.isGone(slaveId)) return isOpenInKeptRam(home, instance) ? null : { kind: 'give-up', home, slaveId };
  if (state !== 'returning' || returnId === null) return null;
  const say = (sentence: string): HomeStep | null => (home.sentence === sentence ? null : { kind: 'say', home, sentence });
  const name = world.slaveName(slaveId);
  if (!world.isConnected(slaveId)) return say(`${name} is away with it. It is free again once ${name} is back, or an administrator declares it dead.`);
  if (!world.knowsHomes(slaveId)) return say(`The agent of ${name} is of an earlier release. Update it; it then sends it by itself.`);
  // Asked earlier it would only say that its guest still writes it.
  const isOff = instance?.desired !== 'stopped' || ['stopped', 'failed', 'deleted', 'lost'].includes(instance.observed);
  return isOff ? { kind: 'send', home, slaveId, returnId } : null;
}

/**
 * The RAM that has it open is in the store still, and nobody has heard that it went on: given to somebody else who writes on it, the volume
 * would be another than that RAM knows. So both wait for their instance, which gives them back when it is stopped or deleted.
 */
function isOpenInKeptRam({ state, openInRamId }: HomeRecord, instance: Pick<HomeUser, 'booted' | 'ramImageId'> | null): boolean {
  return state === 'attached' && openInRamId !== null && instance !== null && awaitsRam(instance) && instance.ramImageId === openInRamId;
}

/** What is to be done about what a slave still has of a volume. */
export type LeftoverStep =
  /** Its slave removes it. */
  | { readonly kind: 'drop'; readonly leftover: HomeLeftover }
  /** It was given up too early: its slave is back, and nobody has had the volume since, so what is there is the newest. */
  | { readonly kind: 'take-up'; readonly leftover: HomeLeftover };

/** States in which neither a guest of an instance nor saved RAM of it has disks open. */
const closed: readonly HomeUser['observed'][] = ['requested', 'queued', 'preparing', 'stopped', 'failed', 'deleted'];

/**
 * Whether a guest of the instance has begun with this change. What it has open it was told of when it began: if its home volume was given up
 * before, it runs without, and is no holder of what its slave still has. (One that ran unheard with it passes for such a one; it comes back
 * from there as soon as that guest is off.)
 */
export function guestBegins(before: Pick<HomeUser, 'observed' | 'booted'>, after: Pick<HomeUser, 'observed' | 'booted'>): boolean {
  return after.booted && !closed.includes(after.observed) && (!before.booted || closed.includes(before.observed));
}

/**
 * Null while the slave cannot be asked, and while the one that had it when it was given up is there with it: its guest, or its saved RAM,
 * goes on with nothing else. `home`: the volume; null: there is none any more.
 */
export function leftoverStep(leftover: HomeLeftover, home: Pick<HomeRecord, 'state' | 'epoch'> | null, holder: Pick<HomeUser, 'slaveId' | 'observed'> | null, world: Pick<HomeWorld, 'isConnected' | 'knowsHomes'>): LeftoverStep | null {
  const { slaveId, epoch, givenUp } = leftover;
  if (!world.isConnected(slaveId) || !world.knowsHomes(slaveId)) return null;
  if (givenUp !== undefined && home?.state === 'stored' && home.epoch === epoch) return { kind: 'take-up', leftover };
  const isOpen = givenUp !== undefined && holder?.slaveId === slaveId && !closed.includes(holder.observed);
  return isOpen ? null : { kind: 'drop', leftover };
}
