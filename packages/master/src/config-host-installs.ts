import { isIP } from 'node:net';
import { z } from 'zod';
import { absolutePath, count } from './config-values';

/** An address or a network of either family, as 10.0.0.0/8, 192.0.2.7 or fc00::/7. */
const network = z
  .string()
  .max(49)
  .refine((written) => isIP(written) !== 0 || z.cidrv4().safeParse(written).success || z.cidrv6().safeParse(written).success, 'must be an address such as 192.0.2.7 or a network such as 10.0.0.0/8');

/** Where the master may go to put the agent on a host by SSH, and what it brings along. */
export const hostInstallOptions = z
  .strictObject({
    /** Elsewhere it connects to nobody. Loopback, link-local and its own addresses only when they stand here as single addresses. */
    networks: z.array(network).max(100).default(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']),
    /** Ports at which it takes an SSH server. */
    ports: z.array(count(1, 65_535)).min(1).max(20).default([22]),
    /** Hosts that are worked on at a time; others wait. */
    atOnce: count(1, 32).default(4),
    /** The slave's package as the build makes it, which every host gets; null: beside the master. */
    packageDirectory: absolutePath.nullable().default(null),
  })
  .prefault({});

export type HostInstallOptions = z.output<typeof hostInstallOptions>;
