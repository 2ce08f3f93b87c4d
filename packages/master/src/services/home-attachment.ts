import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { knownName } from '../core/deleted-name';
import { concernsHome, holdsHome, homeAfter, homeArrived, homeSavedWith, nextEpoch, type HomeUser } from '../core/home-holding';
import { newHome, type HomeRecord } from '../core/home-record';
import { guestBegins } from '../core/home-steps';
import type { InstanceRecord } from '../core/instance-record';
import type { LiveMigration } from '../core/live-migration';
import type { SnapshotPart } from '../core/snapshot-record';
import type { Repositories } from '../repositories/repositories';
import { judgeAsker } from './home-access';
import { imageOfHome } from './home-content';

/**
 * The home volume of this person, locked; made when the site gives one to everybody and they have none yet, and grown when it
 * gives more by now. Null: they have none.
 */
export async function homeOf({ homes }: Repositories, userId: string, siteMiB: number, now: EpochMs): Promise<HomeRecord | null> {
  const home = await homes.lockOfUser(userId);
  if (home === null) {
    if (siteMiB === 0) return null;
    const made = newHome({ id: newId(now), userId, sizeMiB: siteMiB, ownSize: false }, now);
    await homes.insert(made);
    return made;
  }
  if (home.ownSize || siteMiB <= home.sizeMiB) return home;
  const grown = { ...home, sizeMiB: siteMiB };
  await homes.update(grown);
  return grown;
}

const closedSentence = 'A home goes into what its owner launches, and into what is deployed by who runs the site or by the teacher of its owner’s primary group.';

/** As `CreateInstanceBody.home`; `closed`: it is in the hands of somebody whom the home is not open to, and never has it. */
export type HomeAsked = boolean | 'closed' | undefined;

/** Whether a new instance may come to have its owner's home volume. */
export async function mayHaveHome({ homes }: Repositories, userId: string, asked: HomeAsked, siteMiB: number): Promise<boolean> {
  if (asked === 'closed' || asked === false) return false;
  return ((await homes.ofUser(userId))?.sizeMiB ?? siteMiB) > 0;
}

/**
 * A new instance asks for its owner's home volume. Answers what its owner should know, null when all is as they would expect.
 * Throws `conflict` with the way out when it is not to be had and the instance was not to be without.
 */
export async function claimHome(repositories: Repositories, instance: InstanceRecord, asked: HomeAsked, siteMiB: number, now: EpochMs): Promise<string | null> {
  const wish = asked === 'closed' ? false : asked;
  if (wish !== undefined) await repositories.instances.setHomeWish(instance.id, wish);
  if (asked === 'closed') return ((await repositories.homes.ofUser(instance.userId))?.sizeMiB ?? siteMiB) === 0 ? null : closedSentence;
  if (wish === false) return null;
  const home = await homeOf(repositories, instance.userId, siteMiB, now);
  if (home === null || home.sizeMiB === 0) {
    if (wish === undefined) return null;
    throw new ParavclError('conflict', 'You have no home volume. Ask an operator for one, or leave “home” out.', { field: 'home' });
  }
  return carry(repositories, home, null, instance, wish ?? null, now);
}

/**
 * What a change of an instance means for the home volume of its owner, in the same transaction. Whoever asked for the change is told no when
 * the instance was never to run without, or when its home is not open to them. Quiet for most changes; `neverRan` as of `HomeChange`.
 */
export async function followHome(repositories: Repositories, before: InstanceRecord, after: InstanceRecord, { asker, now, neverRan = false }: { readonly asker?: Principal; readonly now: EpochMs; readonly neverRan?: boolean }): Promise<void> {
  if (guestBegins(before, after)) await repositories.homes.holdsNoLeftover(after.id);
  if (!concernsHome(before, after)) return;
  const home = await repositories.homes.lockOfUser(after.userId);
  const ram = home ?? { openInRamId: null };
  const begins = holdsHome(after, ram) && (!holdsHome(before, ram) || (before.slaveId !== null && after.slaveId === null));
  const withheld = asker !== undefined && begins ? await judgeAsker(repositories, asker, after) : null;
  if (home === null) return;
  const busy = await carry(repositories, home, before, after, await repositories.instances.homeWish(after.id), now, neverRan);
  const told = busy ?? (home.sizeMiB === 0 ? null : withheld);
  if (told === null) return;
  await repositories.events.append({ kind: 'instance.without-home', subjectType: 'instance', subjectId: after.id, actor: 'master', actorUserId: null, clientAddress: null, sentence: `${after.name} runs without the home volume of its owner. ${told}` }, now);
}

/**
 * Throws `conflict` when the instance has a home volume: RAM that is kept beside it would know what the volume held then,
 * and go on over what it holds by that time.
 */
export async function requireNoHome({ homes }: Repositories, { id, name }: Pick<InstanceRecord, 'id' | 'name'>): Promise<void> {
  if ((await homes.attachedTo([id])).size === 0) return;
  throw new ParavclError('conflict', `${name} has the home volume of its owner, which its RAM has open, and which goes on after the snapshot. Take it without “ram”, stop it, which gives the home back, or launch with “home”: false what is to be kept with its RAM.`);
}

/**
 * The instance, which is locked, goes to another slave as it runs: answers under which epoch its owner's home volume goes along, which no
 * other way of it will ever have; null without one.
 */
export async function takeHomeAlong({ homes }: Repositories, { id, userId, slaveId }: InstanceRecord): Promise<number | null> {
  const home = await homes.lockOfUser(userId);
  if (home?.instanceId !== id || home.state !== 'attached' || home.slaveId === null || home.slaveId !== slaveId) return null;
  const toldEpoch = nextEpoch(home);
  await homes.update({ ...home, toldEpoch });
  return toldEpoch;
}

/** The instance, which is locked, has moved as it ran: its home volume is where it is. Call it before the instance is said to be there. */
export async function homeHasMoved({ homes }: Repositories, { id, userId }: InstanceRecord, { fromSlaveId, toSlaveId, homeEpoch }: LiveMigration, now: EpochMs): Promise<void> {
  const home = homeEpoch === null ? null : await homes.lockOfUser(userId);
  if (homeEpoch === null || home?.instanceId !== id || home.slaveId !== fromSlaveId) return;
  const { home: moved, leftover } = homeArrived(home, fromSlaveId, toSlaveId, homeEpoch, now);
  await homes.update(moved);
  await homes.owe(leftover);
}

/**
 * The instance, which is locked, leaves its slave saved: what its home volume holds (`part`) is in the store, and waits there with the RAM that has it
 * open. False when it has another volume than the one that came, so that the RAM may not go without it.
 */
export async function homeLeavesWith(repositories: Repositories, { id, userId }: InstanceRecord, ram: Pick<SnapshotPart, 'imageId'>, part: SnapshotPart | null, now: EpochMs): Promise<boolean> {
  const { homes, imageContents } = repositories;
  const home = await homes.lockOfUser(userId);
  const isOpen = home?.instanceId === id && home.state === 'attached' && home.slaveId !== null;
  if (!isOpen || part === null) return !isOpen && part === null;
  const { imageId, slaveId, manifestId, sizeBytes, dirtiedBytes } = part;
  if (home.slaveId !== slaveId || manifestId === null || sizeBytes === null) return false;
  const isNews = dirtiedBytes !== 0;
  if (isNews) await imageContents.insertOfVolume(imageOfHome(home, { imageId, manifestId, sizeBytes }, now), home.id);
  const { home: saved, leftover } = homeSavedWith(home, slaveId, { ramId: ram.imageId, imageId: isNews ? imageId : null }, now);
  await homes.update(saved);
  await homes.owe(leftover);
  return true;
}

/** It did not move: what was made for the volume at the destination goes. */
export async function homeHasStayed({ homes }: Repositories, { userId }: InstanceRecord, { toSlaveId, homeEpoch }: LiveMigration): Promise<void> {
  const home = homeEpoch === null ? null : await homes.lockOfUser(userId);
  if (homeEpoch !== null && home !== null) await homes.owe({ volumeId: home.id, slaveId: toSlaveId, epoch: homeEpoch, lost: false });
}

async function carry(repositories: Repositories, home: HomeRecord, before: HomeUser | null, after: InstanceRecord, wish: boolean | null, now: EpochMs, neverRan = false): Promise<string | null> {
  const outcome = homeAfter(home, before, after, { wish, returnId: newId(now), now, neverRan });
  if (outcome.leftover !== null) await repositories.homes.owe(outcome.leftover);
  if (outcome.home !== home) await repositories.homes.update(outcome.home);
  if (!outcome.isBusy) return null;
  const said = await sayWhoHasIt(repositories, outcome.home);
  // What is being placed was let in before, when the volume was still to be had: it is not given up for it.
  const isAsked = before === null || before.slaveId === after.slaveId;
  if (wish === true && isAsked) throw new ParavclError('conflict', `${said} Without it: launch with “home”: false.`, { field: 'home' });
  return said;
}

async function sayWhoHasIt({ instances }: Repositories, { state, instanceId, slaveId, openInRamId }: HomeRecord): Promise<string> {
  const holder = instanceId === null ? null : await instances.find(instanceId);
  const name = holder === null ? 'an instance that is gone' : knownName(holder);
  if (state === 'returning') return `Your home is on its way to the store from ${name}: ask again in a minute.`;
  if (slaveId === null && openInRamId !== null) return `Your home waits with the saved RAM of ${name}, which has it open, until that is stopped or deleted.`;
  return `Your home is attached to ${name} until that is stopped or deleted.`;
}
