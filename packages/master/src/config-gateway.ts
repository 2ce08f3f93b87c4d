import { z } from 'zod';
import { sshOptions } from './config-ssh';
import { count } from './config-values';

/** How people reach their guests through the master. */
export const gatewayOptions = z
  .strictObject({
    /** Screens, serial consoles and ports that one person has open at a time. */
    maxConnectionsPerUser: count(1, 1000).default(20),
    /** Of all people together, to the guests of one slave. */
    maxConnectionsPerSlave: count(1, 10_000).default(100),
    ssh: sshOptions,
  })
  .prefault({});
