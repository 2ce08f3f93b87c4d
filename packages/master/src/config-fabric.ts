import { isIP } from 'node:net';
import { z } from 'zod';
import { count } from './config-values';

const addressOrNetwork = z
  .string()
  .max(50)
  .refine((written) => isIP(written) !== 0 || z.cidrv4().safeParse(written).success || z.cidrv6().safeParse(written).success, 'must be an IP address such as 10.0.0.7, or a network such as 10.0.0.0/24')
  .refine((written) => !written.endsWith('/0'), 'must not be every address there is: name the machines that need no token');

/** The Fabric API (`docs/fabric.md`). A GET changes things there, so it is off unless a site asks for it. */
export const fabricOptions = z
  .strictObject({
    enabled: z.boolean().default(false),
    /** From where programs that send no token are answered, while `user` names somebody. */
    allow: z.array(addressOrNetwork).max(100).default(['127.0.0.1/32', '::1/128']),
    /** The account whose machines those of programs without a token are; null: only API tokens are answered. */
    user: z.string().min(1).max(32).nullable().default(null),
    /** A reverse proxy, or a forwarded port, is in front: every address is the proxy's, so only API tokens are answered. */
    behindProxy: z.boolean().default(false),
    /** Of the tokens of one account, or of one address without; all of one address together: ten times as many. */
    requestsPerMinute: count(1, 100_000).default(600),
  })
  .prefault({});
