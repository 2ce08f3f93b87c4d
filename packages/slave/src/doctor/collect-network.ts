import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Route } from './diagnose-network';

/**
 * Parses /proc/net/route: addresses are hexadecimal in the machine's byte order, which is little-endian
 * on everything QEMU's KVM runs x86 guests on. Routes that are not up are left out.
 */
export function parseRoutes(text: string): readonly Route[] {
  const isUp = 1;
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name, destination, , flags, , , , mask] = line.split(/\s+/);
      if (!name || !destination || !flags || !mask || (parseInt(flags, 16) & isUp) === 0) return [];
      const base = Buffer.from(destination, 'hex').readUInt32LE();
      const prefix = parseInt(mask, 16).toString(2).split('1').length - 1;
      return [{ interface: name, range: { base, prefix } }];
    });
}

/** IPv4 routes of this network namespace's main table. */
export async function collectRoutes(proc = '/proc'): Promise<readonly Route[]> {
  return parseRoutes(await readFile(join(proc, 'net/route'), 'utf8').catch(() => ''));
}
