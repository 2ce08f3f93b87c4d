import type { ImageAnswer } from '@paravcl/shared/api/images';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { Context } from '../context';
import { askTogether } from '../hosts/ask-installs';
import { beginOrFollow, isAt } from '../hosts/begin-install';
import { followInstall, whyNot } from '../hosts/follow-install';
import type { HostCredential } from '../hosts/credential';
import { bringImage } from '../upload/bring-image';
import { hashFile } from '../upload/hash-file';
import { transferOn } from '../upload/send-image';
import type { Fabric, ReachedMachine } from './ask-first';
import type { FoundImage } from './read-files';
import type { Flavor } from './read-flavor-file';
import { writeHostAddress } from './read-pm-file';
import { someAtOnce } from './some-at-once';

export interface BroughtUp {
  readonly machines: readonly HostInstall[];
  readonly images: readonly ImageAnswer[];
  readonly types: Fabric['types'];
  /** A sentence for each part that did not come up. */
  readonly failed: readonly string[];
}

export interface ToBringUp {
  readonly machines: readonly ReachedMachine[];
  readonly user: string;
  readonly credentialOf: (machine: ReachedMachine) => HostCredential;
  readonly start: 'systemd' | 'unsupervised';
  readonly images: readonly FoundImage[];
  readonly flavors: readonly Flavor[];
}

/** As many machines are under way at a time: a master does fewer, and the others wait there. */
const atOnce = 8;

/**
 * Machines in parallel, a few at a time; images one after the other beside them; then the types. Each part for itself: what
 * fails is told in the end, and what is there already is kept, so it is run again until nothing fails. Throws what the signal was aborted with.
 */
export async function bringUp(context: Context, { machines, user, credentialOf, start, images, flavors }: ToBringUp, signal: AbortSignal): Promise<BroughtUp> {
  const failed: string[] = [];
  const failing = (part: string) => (error: unknown): null => {
    signal.throwIfAborted();
    failed.push(`${part}: ${error instanceof NoAnswer ? 'the master did not answer, so nobody knows how far it is.' : error instanceof Error ? error.message : String(error)}`);
    return null;
  };
  const ask = askTogether(context);
  const install = async (machine: ReachedMachine): Promise<HostInstall> => {
    const begin = (): Promise<HostInstall> => context.call('post /host-installs', { body: { address: machine.host, port: machine.port, user: machine.user ?? user, hostKey: machine.shown.fingerprint, replaceHostKey: machine.shown.standing === 'changed', credential: credentialOf(machine), start } }, signal);
    const begun = await beginOrFollow(context, begin, { isSame: (other) => other.purpose === 'install' && isAt(other, machine.shown) && other.slaveKind === 'dedicated' && other.preapproved === true && other.start === start, called: machine.host, signal });
    const ended = await followInstall(context, begun, machine.host, signal, ask);
    if (ended.state !== 'succeeded') failed.push(`${writeHostAddress(machine)}: ${whyNot(ended)}`);
    return ended;
  };
  const allImages = async (): Promise<readonly ImageAnswer[]> => {
    const there: ImageAnswer[] = [];
    for (const image of images) {
      const brought = await bring(context, image, signal).catch(failing(image.path));
      if (brought !== null) there.push(brought);
    }
    return there;
  };
  const [installed, there] = await Promise.all([someAtOnce(machines, atOnce, (machine) => install(machine).catch(failing(writeHostAddress(machine)))), allImages()]);
  const defined = await context.call('put /fabric/types', { body: { types: flavors.map(({ name, vcpus, ramMiB, diskMiB }) => ({ name, vcpus, ramMiB, diskMiB })) } }, signal).catch(failing('the types'));
  return { machines: installed.filter((one) => one !== null), images: there, types: defined?.types ?? [], failed };
}

async function bring(context: Context, { name, path, file, sizeBytes, format }: FoundImage, signal: AbortSignal): Promise<ImageAnswer> {
  const sha256 = await hashFile(file, sizeBytes, signal, transferOn(context, `Reading ${name}`, sizeBytes));
  const { image, kept } = await bringImage(context, { kind: 'disk', name, sha256, sizeBytes, familyId: null, about: { format } }, file, signal);
  context.output.say(kept ? `${image.friendlyId}: ${path} is there already, and ready.` : `${image.friendlyId}: ${path} is ready.`);
  return image;
}
