import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMeminfo } from '../describe/memory';
import type { Offer } from '../describe/offer';
import { parseCpuinfo } from '../describe/processor';
import type { OfferFacts } from './diagnose-offer';

/** What the host has, beside what it offers. */
export async function collectOffer(offer: Offer, proc = '/proc'): Promise<OfferFacts> {
  const [cpuinfo, meminfo] = await Promise.all(['cpuinfo', 'meminfo'].map((name) => readFile(join(proc, name), 'utf8')));
  return { offer, cores: parseCpuinfo(cpuinfo ?? '').cores, ramMiB: parseMeminfo(meminfo ?? '').totalMiB };
}
