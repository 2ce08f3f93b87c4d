import { z } from 'zod';
import { count, groupName, minuteOfDay, timeOfDay } from './config-values';

/** When, how long and how far ahead people may reserve, and what a group has of its own. */

const hours = z.number().min(1 / 60, 'at least a minute, which is 0.017').max(24);

/** What a group may have of its own; what it does not name is as for everybody. */
const rules = {
  opensAt: timeOfDay,
  closesAt: timeOfDay,
  /** Without it the latest start is whatever still ends in time. */
  latestStart: timeOfDay.optional(),
  /** Starts and lengths are whole steps, counted from midnight; a reservation that gives way moves by one. */
  stepMinutes: count(1, 1440),
  minHours: hours,
  maxHours: hours,
  horizonDays: count(1, 365),
  /** As the 2014 report had it: for tomorrow, never for another day. The horizon says nothing then. */
  tomorrowOnly: z.boolean(),
  /** Of one user or group that are confirmed or active at a time. */
  mostOpen: count(1, 10_000),
  /** How many steps a weaker reservation may be moved to make room; 0: never. */
  moveSteps: count(0, 48),
};

const complete = z.strictObject(rules);
const groupOptions = complete.partial();

/** The rules of everybody or of one group, complete. */
export type ReservationOptions = z.output<typeof complete>;

export const reservationOptions = z
  .strictObject({
    opensAt: rules.opensAt.default('08:00'),
    closesAt: rules.closesAt.default('22:00'),
    latestStart: rules.latestStart,
    stepMinutes: rules.stepMinutes.default(60),
    minHours: rules.minHours.default(1),
    maxHours: rules.maxHours.default(4),
    horizonDays: rules.horizonDays.default(14),
    tomorrowOnly: rules.tomorrowOnly.default(false),
    mostOpen: rules.mostOpen.default(3),
    moveSteps: rules.moveSteps.default(1),
    /** After its start a reservation's unclaimed room is lent again. */
    noShowGraceMinutes: count(1, 1440).default(15),
    groups: z.record(groupName, groupOptions).default({}),
  })
  .prefault({})
  .superRefine(({ groups, ...site }, context) => {
    const ofEverybody = faultsOf(site);
    for (const message of ofEverybody) context.addIssue({ code: 'custom', message });
    for (const [name, own] of Object.entries(groups)) {
      // What is wrong for everybody is told once.
      const ofGroup = faultsOf(rulesOfGroup(site, own)).filter((message) => !ofEverybody.includes(message));
      for (const message of ofGroup) context.addIssue({ code: 'custom', message, path: ['groups', name] });
    }
  });

/** What the group has of its own, and the site's for the rest. */
export function rulesOfGroup(site: ReservationOptions, own: z.output<typeof groupOptions>): ReservationOptions {
  const named = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...site, ...Object.fromEntries(named) };
}

export function minutesOf(hoursLong: number): number {
  return Math.round(hoursLong * 60);
}

/** Why nobody could follow these rules, a sentence each without its full stop. */
function faultsOf(options: ReservationOptions): readonly string[] {
  const { opensAt, closesAt, latestStart, stepMinutes, minHours, maxHours } = options;
  const [opens, closes, shortest] = [minuteOfDay(opensAt), minuteOfDay(closesAt), minutesOf(minHours)];
  const faults: string[] = [];
  if (closes <= opens) faults.push(`closesAt (${closesAt}) must be after opensAt (${opensAt})`);
  if (1440 % stepMinutes !== 0) faults.push(`stepMinutes (${stepMinutes}) must divide the day evenly, as 15, 20, 30 or 60 do`);
  if (maxHours < minHours) faults.push(`maxHours (${maxHours}) must not be below minHours (${minHours})`);
  for (const [name, value] of Object.entries({ minHours, maxHours })) {
    if (minutesOf(value) % stepMinutes !== 0) faults.push(`${name} (${value}) must be whole steps of ${stepMinutes} minutes`);
  }
  if (faults.length > 0) return faults;
  const firstStart = Math.ceil(opens / stepMinutes) * stepMinutes;
  const lastStart = Math.min(closes - shortest, latestStart === undefined ? closes : minuteOfDay(latestStart));
  if (firstStart <= lastStart) return [];
  const limits = latestStart === undefined ? '' : ` and a latestStart of ${latestStart}`;
  return [`no reservation of minHours (${minHours}) fits between ${opensAt} and ${closesAt} with starts at whole steps of ${stepMinutes} minutes${limits}`];
}
