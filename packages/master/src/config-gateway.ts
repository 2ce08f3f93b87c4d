import { z } from 'zod';
import { count, hostOrAddress } from './config-values';

/** How people reach their guests through the master. */
export const gatewayOptions = z
  .strictObject({
    /** Screens, serial consoles and ports that one person has open at a time. */
    maxConnectionsPerUser: count(1, 1000).default(20),
    /** Of all people together, to the guests of one slave. */
    maxConnectionsPerSlave: count(1, 10_000).default(100),
    ssh: z
      .strictObject({
        enabled: z.boolean().default(true),
        host: hostOrAddress.default('0.0.0.0'),
        /** 0: any that is free. */
        port: count(0, 65_535).default(2222),
        /** Ports of guests that may be reached beside 22: web, remote desktops (RDP, VNC), and what students serve. */
        ports: z.array(count(1, 65_535)).max(100).default([80, 443, 3389, 5900, 8080]),
        maxConnections: count(1, 10_000).default(500),
        maxPerUser: count(1, 1000).default(10),
      })
      .prefault({}),
  })
  .prefault({});
