import type { Command } from 'commander';
import type { Context } from '../../context';
import { wrongUsage } from '../../errors/refusal';
import { durationMinutes } from '../../times/durations';
import { momentSaid } from '../../times/moments';

export interface WindowOptions {
  readonly from?: string;
  readonly to?: string;
  readonly hours?: string;
  readonly time?: string;
}

/** Options that say when. */
export function addWindow(command: Command): Command {
  return command
    .requiredOption('--from <time>', 'when it begins, in the site’s zone: "tomorrow 10:00", "mon 10:00", "2026-12-07 10:00", "in 2h"')
    .option('--to <time>', 'when it ends')
    .option('--hours <number>', 'or for how many hours')
    .option('--time <time>', 'or for how long: 90m, 2h');
}

/** The window that was said. Throws Refusal. */
export async function windowOf(context: Context, { from = '', to, hours, time }: WindowOptions): Promise<{ readonly start: string; readonly end?: string; readonly minutes?: number }> {
  if ([to, hours, time].filter((one) => one !== undefined).length !== 1) throw wrongUsage('Say until when: exactly one of --to, --hours and --time.');
  const at = { zone: (await context.times()).zone, now: context.world.now() };
  // This very minute has begun, and is past for the master.
  const start = momentSaid(from.trim().toLowerCase() === 'now' ? 'in 1m' : from, '--from', at);
  if (to !== undefined) return { start, end: momentSaid(to, '--to', at) };
  return { start, minutes: hours === undefined ? durationMinutes(time ?? '', '--time') : durationMinutes(`${hours}h`, '--hours') };
}
