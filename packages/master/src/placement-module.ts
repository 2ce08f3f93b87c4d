import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config-file';
import type { PlacementChoice } from './config-scheduling';
import { placementPolicies, type Placeable, type PlacementPolicy, type PlacementScore, type PlacementWorld } from './core/rank';
import type { SlaveView } from './core/snapshot';
import { policyFault } from './placement-module-check';
import { comesToAnEnd } from './placement-module-trial';
import { moduleInstance, moduleSlave, moduleWorld, type ModuleSlave, type ModuleWorld } from './placement-module-view';

const modulePrefix = 'module:';
/** For a module to be loaded and tried; a good one takes milliseconds. */
const trialMs = 5000;

/**
 * The placement policy that the configuration names. A module is loaded and tried on a few slaves: it decides where
 * everything of the site goes, so what is wrong with it is told before the master opens anything.
 *
 * @throws ConfigError naming the file and what is wrong with it
 */
export function chosenPlacement(choice: PlacementChoice, deadlineMs = trialMs): PlacementPolicy {
  if (!choice.startsWith(modulePrefix)) return placementPolicies[choice as keyof typeof placementPolicies];
  const file = choice.slice(modulePrefix.length);
  const refuse = (fault: string): never => {
    throw new ConfigError([`placement.policy: ${file} ${fault}.`]);
  };
  const inTheWay = fileFault(file);
  if (inTheWay !== null) return refuse(inTheWay);
  if (!comesToAnEnd(file, deadlineMs)) return refuse(`does not come to an end on sample hosts within ${deadlineMs / 1000} s: look for a loop without an end in it`);
  const loaded = load(file, refuse);
  const parsed = exportsSchema.safeParse(loaded);
  if (!parsed.success) return refuse(`must export ${contract}: ${parsed.error.issues.map(({ path, message }) => [...path, message].map(String).join(' ')).join('; ')}`);
  const policy = policyOf(parsed.data, file);
  const fault = faultOf(policy);
  return fault === null ? policy : refuse(fault);
}

const contract = '{ name, compare(a, b, instance, world), score?(slave, instance, world) }';
const aFunction = <F>() => z.custom<F>((value) => typeof value === 'function', 'must be a function');

type Compare = (a: ModuleSlave, b: ModuleSlave, instance: Placeable, world: ModuleWorld) => unknown;
type Score = (slave: ModuleSlave, instance: Placeable, world: ModuleWorld) => unknown;

const exportsSchema = z.object({
  name: z
    .string('must be a text')
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, at most 40')
    .refine((name) => !(name in placementPolicies), 'is that of a policy of ParaVCL; give it another'),
  compare: aFunction<Compare>(),
  score: aFunction<Score>().optional(),
});

const scoreSchema = z.object({ score: z.number(), parts: z.record(z.string(), z.number()) });

/** It runs with everything the master may do: nobody else may be able to put something in its place. */
function fileFault(file: string): string | null {
  try {
    accessSync(file, constants.R_OK);
    const real = realpathSync(file);
    const stat = statSync(real);
    if (!stat.isFile()) return 'is not a file';
    if ((stat.mode & 0o002) !== 0) return `can be changed by every user of this machine, who could make the master do anything; run: chmod o-w ${file}`;
    const open = directoriesAbove(real).find((directory) => openToAll(directory));
    return open === undefined ? null : `can be replaced by every user of this machine, because ${open} is open to all; run: chmod o-w ${open}`;
  } catch (error) {
    return `cannot be read (${firstLine(error)})`;
  }
}

/** Everybody may remove and rename what is in it; with the sticky bit, as on /tmp, only what is theirs. */
function openToAll(directory: string): boolean {
  return (statSync(directory).mode & 0o1002) === 0o002;
}

function directoriesAbove(file: string): readonly string[] {
  const directory = dirname(file);
  return directory === file ? [] : [directory, ...directoriesAbove(directory)];
}

function load(file: string, refuse: (fault: string) => never): unknown {
  try {
    return createRequire(file)(file) as unknown;
  } catch (error) {
    return refuse(`cannot be loaded as a CommonJS module (${firstLine(error)})`);
  }
}

/** The module behind our interface. What it answers wrongly later is an error that names it. */
function policyOf(module: z.output<typeof exportsSchema>, file: string): PlacementPolicy {
  const wrong = (what: string): never => {
    throw new Error(`The placement module ${file} ${what}.`);
  };
  const policy: PlacementPolicy = {
    name: module.name,
    compare: (a, b, instance, world) => {
      const answer = module.compare(moduleSlave(a), moduleSlave(b), moduleInstance(instance), moduleWorld(world));
      return typeof answer === 'number' && !Number.isNaN(answer) ? answer : wrong(`must answer with a number from compare, not ${String(answer)}`);
    },
    score: (slave, instance, world) => {
      if (module.score === undefined) return placeOf(policy, slave, instance, world);
      const answer = scoreSchema.safeParse(module.score(moduleSlave(slave), moduleInstance(instance), moduleWorld(world)));
      return answer.success ? answer.data : wrong('must answer with { score, parts } of finite numbers from score');
    },
  };
  return policy;
}

/** Without a score of its own: how many slaves it finds better. */
function placeOf(policy: PlacementPolicy, slave: SlaveView, instance: Placeable, world: PlacementWorld): PlacementScore {
  const better = world.slaves.filter((other) => other.id !== slave.id && policy.compare(other, slave, instance, world) < 0).length;
  return { score: better, parts: { better } };
}

function faultOf(policy: PlacementPolicy): string | null {
  try {
    return policyFault(policy);
  } catch (error) {
    // A write to what it is given lands here too: that is frozen.
    return `fails on sample hosts (${firstLine(error)})`;
  }
}

/** A module may throw anything. */
function firstLine(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message).split('\n')[0] ?? '';
}
