import { cores, saySpeed } from './say';
import { fastEnough, within, type Room } from './snapshot';

/**
 * For the middle of a sentence, when no slave is large enough for `need` as a whole: what is needed of everything, and
 * the most that any slave has of each. A link is named only where a share of it was asked for, and a home volume
 * (`homeMiB` of the disk) only where there is one.
 */
export function largeEnoughFor(need: Room, capacities: readonly Room[], homeMiB = 0): string {
  const largest = (amount: (capacity: Room) => number): number => Math.floor(Math.max(0, ...capacities.map(amount)));
  const share = need.bandwidthMbps > 0;
  const links = `${largest(({ bandwidthMbps }) => bandwidthMbps)} Mbit/s`;
  const disk = `${need.diskMiB} MiB of disk with saved RAM${homeMiB === 0 ? '' : ` (${homeMiB} MiB of them for the home volume)`}`;
  const largestDisk = `${largest(({ diskMiB }) => diskMiB)} MiB`;
  return (
    `large enough for ${cores(need.vcpus)}, ${need.ramMiB} MiB of RAM${share ? `, ${disk} and ${need.bandwidthMbps} Mbit/s` : ` and ${disk}`}; the largest have ` +
    `${cores(largest(({ vcpus }) => vcpus))}, ${largest(({ ramMiB }) => ramMiB)} MiB${share ? `, ${largestDisk} and ${links}` : ` and ${largestDisk}`}`
  );
}

/** Some are large enough for `need`, and none of them is as fast as it has to be. */
export function isTooSlow(need: Room, capacities: readonly Room[]): boolean {
  return capacities.some((capacity) => within({ ...need, speed: undefined }, capacity)) && !capacities.some((capacity) => within(need, capacity));
}

/** For the middle of a sentence: what none is fast enough for, and how fast the fastest is. */
export function tooSlowWords(need: Room, capacities: readonly Room[]): string {
  const fastest = Math.max(0, ...capacities.map(({ speed = 1 }) => speed));
  const small = capacities.some((capacity) => fastEnough(need, capacity)) ? ', and is not large enough' : '';
  return `no host that is large enough has speed ${saySpeed(need.speed ?? 0)}; the fastest has ${saySpeed(fastest)}${small}.`;
}
