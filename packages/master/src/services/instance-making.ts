import type { EpochMs } from '@paravcl/shared/clock';
import type { Repositories } from '../repositories/repositories';
import { allocateAddress } from './address-allocation';
import { claimHome, mayHaveHome, type HomeAsked } from './home-attachment';
import type { InstanceSettings } from './instance-settings';
import { writeWaiting, type Launched } from './launch-writing';
import { newInstance, underFreeName, type NewInstance } from './new-instance';
import type { Launches } from './ports';

/** A launch that was allowed, with who did it. */
export interface AllowedLaunch extends Omit<NewInstance, 'mac' | 'address'> {
  /** The first free one is taken. */
  readonly names: readonly string[];
  readonly by: { readonly userId: string; readonly userName: string; readonly clientAddress: string | null };
  /** After its name and image, as in "for alice"; empty for one's own. */
  readonly forWhom?: string | undefined;
  readonly home?: HomeAsked;
}

/** An instance that was made, and what its owner should know of it. */
export interface MadeInstance extends Launched {
  /** It has not its owner's home volume, and why; null when all is as one would expect. */
  readonly withoutHome: string | null;
}

/**
 * Writes a launched instance with all that belongs to it: its MAC and address, its cloud-init, its owner's home volume, the first line of its
 * history, the event; with its slave too where `launches` has one at once. In the caller's transaction, which checked what may be. Throws `conflict`
 * (no address left, no home volume to be had), `already-exists`.
 */
export async function makeInstance(
  repositories: Repositories,
  { names, by, forWhom = '', home, ...asked }: AllowedLaunch,
  now: EpochMs,
  settings: Pick<InstanceSettings, 'network' | 'deadlinesMs' | 'homeMiB'>,
  launches: Pick<Launches, 'launchWithin'> | null = null,
): Promise<MadeInstance> {
  const { id, launch } = asked;
  const { mac, address } = await allocateAddress(repositories, settings.network, id, now);
  const actor = `user ${by.userName}`;
  const wanted = newInstance({ ...asked, mac, address }, now, settings);
  // Where its home volume goes decides where it can run: the scheduler asks for both.
  const waitsForRound = launches === null || (await mayHaveHome(repositories, asked.userId, home, settings.homeMiB));
  const launched = await underFreeName(names, (name) => {
    const prepared = { instance: { ...wanted, name }, asker: actor, event: null, operation: null };
    return waitsForRound ? writeWaiting(repositories, prepared) : launches.launchWithin(repositories, prepared);
  });
  const { instance } = launched;
  if (launch.cloudInit !== null) await repositories.instances.setCloudInit(id, launch.cloudInit);
  const withoutHome = await claimHome(repositories, instance, home, settings.homeMiB, now);
  const sentence = `${by.userName} launched ${instance.name} from ${launch.image.name}${forWhom}.${withoutHome === null ? '' : ` It runs without the home volume of its owner. ${withoutHome}`}`;
  await repositories.events.append({ kind: 'instance.created', subjectType: 'instance', subjectId: id, actor, actorUserId: by.userId, clientAddress: by.clientAddress, sentence }, now);
  return { ...launched, withoutHome };
}
