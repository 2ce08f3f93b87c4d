import { sayFault } from '@paravcl/shared/say-fault';
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path');

const fileSchema = z.strictObject({
  stateDir: absolutePath.optional(),
  poolDir: absolutePath.optional(),
  /** `simulated` has no guests at all and is never chosen by itself. */
  driver: z.enum(['libvirt', 'simulated']).default('libvirt'),
  libvirtUri: z.string().min(1).max(200).default('qemu:///system'),
  /** Pins machine type and CPU model of the pool, so that a saved guest restores on another slave. */
  machine: z.string().min(1).max(60).optional(),
  cpu: z.string().min(1).max(60).optional(),
  /** Kept free in the pool for the host and for guests that grow. */
  poolReserveMiB: z.int().nonnegative().default(256),
  /** Images that no instance here uses go after so many days without use; earlier when room is short. */
  imageCacheDays: z.int().min(1).max(3650).default(30),
  /** The process that brings images to this host, serves them to its guests and hands them on to other hosts. */
  mirror: z
    .strictObject({
      /** Where the mirrors of other hosts ask for chunks; 0 serves no other host. */
      peerPort: z.int().min(0).max(65_535).default(7443),
      /** How they reach it, when that is not the address this host dials the master from. */
      peerAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
      /** Most that images take on the pool; without it only the pool's reserve bounds them. */
      cacheMiB: z.int().min(64).optional(),
      /** Pace of what is fetched ahead of a guest that boots. What a guest waits for is never held back. */
      prefetchMbps: z.number().positive().max(100_000).default(400),
      /** Pace of what is brought ahead of a reservation. */
      preCopyMbps: z.number().positive().max(100_000).default(100),
    })
    .prefault({}),
  /** What this host lends to the lab; what is left unsaid is lent whole. The master places by it. */
  offer: z.strictObject({ cores: z.int().min(1).max(4096).optional(), ramMiB: z.int().min(128).optional() }).default({}),
  /** Starts, saves and makings of disks at the same time. */
  diskSlots: z.int().min(1).max(64).default(4),
  machineIdFile: absolutePath.default('/etc/machine-id'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
});

export type Config = Readonly<z.infer<typeof fileSchema>> & { readonly stateDir: string; readonly poolDir: string };

/** What the command line says; it overrides the environment, which overrides the file. */
export interface ConfigArguments {
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly poolDir?: string | undefined;
  readonly driver?: string | undefined;
}

export const defaultStateDir = '/var/lib/paravcl-slave';
/** Read when it is there and no other file is named; the unit's ConfigurationDirectory. */
export const defaultConfigFile = '/etc/paravcl-slave/slave.yaml';
const variables = {
  stateDir: 'PARAVCL_SLAVE_STATE_DIR',
  poolDir: 'PARAVCL_SLAVE_POOL_DIR',
  driver: 'PARAVCL_SLAVE_DRIVER',
  libvirtUri: 'PARAVCL_SLAVE_LIBVIRT_URI',
  logLevel: 'PARAVCL_SLAVE_LOG_LEVEL',
} as const;

/** Throws an Error that names every fault at once, each with its setting. */
export function readConfig(given: ConfigArguments, environment: NodeJS.ProcessEnv, byDefault = defaultConfigFile): Config {
  const file = given.config ?? (isThere(byDefault) ? byDefault : null);
  const fromFile = file === null ? {} : readFile(file);
  const fromEnvironment = Object.fromEntries(Object.entries(variables).flatMap(([key, name]) => (environment[name] ? [[key, environment[name]]] : [])));
  const fromArguments = {
    ...(given.stateDir === undefined ? {} : { stateDir: resolve(given.stateDir) }),
    ...(given.poolDir === undefined ? {} : { poolDir: resolve(given.poolDir) }),
    ...(given.driver === undefined ? {} : { driver: given.driver }),
  };
  const parsed = fileSchema.safeParse({ ...fromFile, ...fromEnvironment, ...fromArguments });
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || 'configuration'}: ${sayFault(issue)}`);
    throw new Error(`The configuration is faulty:\n${faults.join('\n')}`);
  }
  const stateDir = parsed.data.stateDir ?? defaultStateDir;
  return { ...parsed.data, stateDir, poolDir: parsed.data.poolDir ?? join(stateDir, 'pool') };
}

/** Names of all options and of those inside `offer` and `mirror`, for the test that the example file names each. */
export const optionNames: readonly string[] = [fileSchema.shape, fileSchema.shape.offer.unwrap().shape, fileSchema.shape.mirror.unwrap().shape].flatMap((shape) => Object.keys(shape));

/** One that cannot be reached must not pass for none: reading it says why. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function readFile(path: string): object {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Error(`The configuration file ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) throw new Error(`The configuration file ${path} is not a list of settings (name: value).`);
  return content;
}
