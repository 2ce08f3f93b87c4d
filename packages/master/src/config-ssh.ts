import { z } from 'zod';
import { count, hostOrAddress } from './config-values';

/** The SSH gateway: a jump host to people's machines. */
export const sshOptions = z
  .strictObject({
    enabled: z.boolean().default(true),
    host: hostOrAddress.default('0.0.0.0'),
    /** 0: any that is free. */
    port: count(0, 65_535).default(2222),
    /** Ports of guests that may be reached beside 22: web, remote desktops (RDP, VNC), and what students serve. */
    ports: z.array(count(1, 65_535)).max(100).default([80, 443, 3389, 5900, 8080]),
    /** SSH connections at a time, in all and of one person; each may lead to more than one port. */
    maxConnections: count(1, 10_000).default(500),
    maxPerUser: count(1, 1000).default(10),
  })
  .prefault({});
