import { readFile, statfs } from 'node:fs/promises';
import * as os from 'node:os';
import { join } from 'node:path';
import { MiB } from '@paravcl/shared/domain/limits';
import { describeSchema, type Describe } from '@paravcl/shared/domain/slave';
import { parseMeminfo } from './memory';
import { readInterfaces } from './network-interfaces';
import { lent, type Offer } from './offer';
import { parseCpuinfo } from './processor';

export interface DescribeDeps {
  /** Directory of images and overlays. */
  readonly poolDir: string;
  /** What of the host is lent; all of it where unsaid. */
  readonly offer?: Offer;
  /** The hypervisor part: `LibvirtPart` on a real host, the simulated driver's words otherwise. */
  readonly hypervisor: () => Promise<Describe['hypervisor']>;
  /** Speed of one core for a CPU model: `relativeSpeed` with its cache file. */
  readonly relativeSpeed: (cpuModel: string) => Promise<number>;
  /** Slave clock minus master clock at the last exchange; null before the first. */
  readonly clockOffsetMs: () => number | null;
  /** Other roots than /proc and /sys, for tests. */
  readonly roots?: { readonly proc: string; readonly sys: string };
  readonly os?: Pick<typeof os, 'hostname' | 'networkInterfaces'>;
}

/**
 * Everything the slave tells of itself (`/describe` of the 2014 report, widened). Throws when /proc or
 * the pool directory cannot be read: a host that cannot be described must not be given work.
 */
export async function describeHost(deps: DescribeDeps): Promise<Describe> {
  const { proc, sys } = deps.roots ?? { proc: '/proc', sys: '/sys' };
  const system = deps.os ?? os;
  const [cpuinfo, meminfo, loadavg, pool, hypervisor, interfaces] = await Promise.all([
    readFile(join(proc, 'cpuinfo'), 'utf8'),
    readFile(join(proc, 'meminfo'), 'utf8'),
    readFile(join(proc, 'loadavg'), 'utf8'),
    statfs(deps.poolDir),
    deps.hypervisor(),
    readInterfaces({ proc, sys }, () => system.networkInterfaces()),
  ]);
  const processor = parseCpuinfo(cpuinfo);
  const memory = parseMeminfo(meminfo);
  const sizes = lent({ ...processor, ramTotalMiB: memory.totalMiB, ramAvailableMiB: memory.availableMiB }, deps.offer ?? {});
  return describeSchema.parse({
    hostname: system.hostname(),
    cores: sizes.cores,
    threads: sizes.threads,
    relativeSpeed: await deps.relativeSpeed(processor.model),
    cpuModel: processor.model,
    cpuFlags: [...processor.flags],
    ramTotalMiB: sizes.ramTotalMiB,
    ramAvailableMiB: sizes.ramAvailableMiB,
    poolTotalMiB: Math.floor((pool.blocks * pool.bsize) / MiB),
    // bavail, not bfree: the share reserved for root keeps the host alive and is not ours to fill.
    poolAvailableMiB: Math.floor((pool.bavail * pool.bsize) / MiB),
    hypervisor,
    interfaces: [...interfaces],
    load1: Number(loadavg.split(' ')[0]),
    clockOffsetMs: deps.clockOffsetMs(),
  } satisfies Describe);
}
