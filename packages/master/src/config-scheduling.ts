import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { count, groupName } from './config-values';

/** Who comes first, where it goes, and who makes room: the policies and their numbers. */

const builtInPolicies = ['para', 'least-loaded', 'round-robin', 'greedy', 'spread'] as const;
const modulePrefix = 'module:';

/** A policy by its name, or a module of the site's own by its path. */
export type PlacementChoice = (typeof builtInPolicies)[number] | `${typeof modulePrefix}${string}`;

function isPlacementChoice(value: unknown): value is PlacementChoice {
  if (typeof value !== 'string') return false;
  return value.startsWith(modulePrefix) ? isAbsolute(value.slice(modulePrefix.length)) : builtInPolicies.some((name) => name === value);
}

export const placementOptions = z
  .strictObject({
    policy: z.custom<PlacementChoice>(isPlacementChoice, `must be one of ${builtInPolicies.join(', ')}, or ${modulePrefix}/absolute/path/policy.js`).default('para'),
    /** `para`: highest priority first, and it may suspend lower ones; `fifo`: first come, first served. */
    ordering: z.enum(['para', 'fifo']).default('para'),
    /** Cores that may be promised per physical core; 1 because a lab's guests all work at the same hour. */
    coreOvercommit: z.number().min(0.1).max(64).default(1),
    /** RAM of every slave that belongs to its host and is never promised. */
    hostRamMiB: count(0, 1024 * 1024).default(512),
    /** The report's critical limit: this share of cores and of RAM is never given to best-effort. */
    criticalLimitPercent: z.number().min(0).max(90).default(5),
    /** Of one deployment so many are prepared or boot on one slave at a time. */
    startingPerSlave: count(1, 100).default(4),
  })
  .prefault({});

/** The formula of `shared/priority.ts`: its weight, and what R and E count at least. */
export const priorityOptions = z
  .strictObject({
    weight: z.number().min(0.000_001).max(100).default(0.2),
    leastRamMiB: count(1, 1024 * 1024).default(1),
    leastMinutes: count(1, 527_040).default(1),
    /** Names of groups whose members have MON 1 for everything. */
    memberGroups: z.array(groupName).max(1000).default([]),
    aging: z
      .strictObject({
        /** What an hour of waiting adds, in the order of the queue alone: as much as a machine of one's own; 0: nothing. */
        perHour: z.number().min(0).max(100).default(0.2),
      })
      .prefault({}),
    usage: z
      .strictObject({
        /** What each doubling of 1 + core-hours takes away, in the order of the queue alone: of the person, and of the course; 0: nothing. */
        userWeight: z.number().min(0).max(100).default(0),
        groupWeight: z.number().min(0).max(100).default(0),
        /** Half of what somebody had is forgotten in this time. */
        halfLifeDays: z.number().min(0.01).max(3650).default(7),
      })
      .prefault({}),
  })
  .prefault({});

export const preemptionOptions = z
  .strictObject({
    /** How often an instance is suspended for others on one day of the site. */
    perDay: count(0, 1000).default(2),
    /** Reserved room is not lent for less than this. */
    shortestLoanMinutes: count(0, 1440).default(5),
    /** How much slower than measured a save may be and still be in time. */
    saveSafety: z.number().min(1).max(100).default(2),
    /** Between an order to save and the first byte saved. */
    saveOverheadSeconds: count(0, 3600).default(10),
  })
  .prefault({});

/** When a guest that wants its processor and does not get its due counts as short of it. */
export const slaOptions = z
  .strictObject({
    watch: z.boolean().default(true),
    /** More than this part of its due is missing. */
    missingPercent: z.number().min(1).max(99).default(25),
    /** For so long. Three heartbeats at least, or nothing is known of most of it. */
    windowSeconds: count(15, 3600).default(30),
  })
  .prefault({});
