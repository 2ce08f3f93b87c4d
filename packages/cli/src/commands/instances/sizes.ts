import type { Command } from 'commander';
import { wrongUsage } from '../../errors/refusal';
import { mibTyped } from '../../output/sizes';
import { durationMinutes } from '../../times/durations';
import { wholeNumber } from '../many';

export interface SizeOptions {
  readonly vcpus?: string;
  readonly ram?: string;
  readonly disk?: string;
  readonly bandwidth?: string;
}

/** Sizes of a machine that is made: options of launch, reservation and deployment alike. */
export function addSizes(command: Command): Command {
  return command
    .option('--vcpus <number>', "cores; the image's unless told")
    .option('--ram <size>', 'RAM: 512M, 4G')
    .option('--disk <size>', 'disk: 20G')
    .option('--bandwidth <mbps>', 'Megabit a second');
}

export function sizesOf({ vcpus, ram, disk, bandwidth }: SizeOptions): { readonly vcpus?: number; readonly ramMiB?: number; readonly diskMiB?: number; readonly bandwidthMbps?: number } {
  return {
    ...(vcpus === undefined ? {} : { vcpus: wholeNumber(vcpus, '--vcpus') }),
    ...(ram === undefined ? {} : { ramMiB: sizeOf(ram, '--ram') }),
    ...(disk === undefined ? {} : { diskMiB: sizeOf(disk, '--disk') }),
    ...(bandwidth === undefined ? {} : { bandwidthMbps: wholeNumber(bandwidth, '--bandwidth') }),
  };
}

export interface NeedOptions extends SizeOptions {
  readonly minSpeed?: string;
}

/** Sizes, and what is asked of the host beside them: options of launch and reservation. */
export function addNeeds(command: Command): Command {
  return addSizes(command).option('--min-speed <speed>', "least speed of its host's cores, the reference machine having 1; the image's unless told");
}

export function needsOf(options: NeedOptions): ReturnType<typeof sizesOf> & { readonly minSpeed?: number } {
  return { ...sizesOf(options), ...(options.minSpeed === undefined ? {} : { minSpeed: speedTyped(options.minSpeed, '--min-speed') }) };
}

/** `--time 2h`; "endless" is null: without end. */
export function timeOf(time: string | undefined): { readonly minutes?: number | null } {
  return time === undefined ? {} : { minutes: time === 'endless' ? null : durationMinutes(time, '--time') };
}

function sizeOf(text: string, option: string): number {
  const mib = mibTyped(text);
  if (mib === null) throw wrongUsage(`${option} takes a size such as 512M or 4G, not "${text}".`);
  return mib;
}

/** "0.6": relative to the reference machine. */
export function speedTyped(text: string, option: string): number {
  const speed = /^\d{1,3}(\.\d{1,4})?$/.test(text) ? Number(text) : 0;
  if (speed <= 0) throw wrongUsage(`${option} takes a number such as 0.6 or 1.5 (the reference machine has 1), not "${text}".`);
  return speed;
}
