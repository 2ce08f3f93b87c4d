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

/** `--time 2h`; "endless" is null: without end. */
export function timeOf(time: string | undefined): { readonly minutes?: number | null } {
  return time === undefined ? {} : { minutes: time === 'endless' ? null : durationMinutes(time, '--time') };
}

function sizeOf(text: string, option: string): number {
  const mib = mibTyped(text);
  if (mib === null) throw wrongUsage(`${option} takes a size such as 512M or 4G, not "${text}".`);
  return mib;
}
