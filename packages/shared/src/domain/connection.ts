import { z } from 'zod';
import { idSchema } from '../ids';
import { hostLabelSchema } from './limits';
import { userNameSchema } from './people';

/** How somebody is connected to a guest: its screen, its serial console, or one of its TCP ports through the SSH gateway. */
export const connectionKindSchema = z.enum(['screen', 'serial', 'port']);
export type ConnectionKind = z.infer<typeof connectionKindSchema>;

/** Somebody who is connected to a guest now, through the master. */
export const connectionSchema = z
  .object({
    id: idSchema,
    kind: connectionKindSchema,
    /** The guest's TCP port; null for a console. */
    port: z.int().min(1).max(65_535).nullable(),
    userId: idSchema,
    userName: userNameSchema,
    instanceId: idSchema,
    instanceName: hostLabelSchema,
    /** Whose machine it is. */
    ownerUserId: idSchema,
    slaveId: idSchema,
    slaveName: z.string(),
    /** Where the person is: the address that the master sees. */
    fromAddress: z.string(),
    since: z.iso.datetime(),
  })
  .readonly();
export type Connection = z.infer<typeof connectionSchema>;
