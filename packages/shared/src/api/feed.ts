import { z } from 'zod';
import { idSchema } from '../ids';

export const feedTopicSchema = z.enum(['instances', 'reservations', 'notices', 'slaves', 'images', 'templates', 'snapshots', 'deployments', 'operations', 'groups', 'connections', 'pool']);
export type FeedTopic = z.infer<typeof feedTopicSchema>;

/** What of a topic changed: these things; all of it when `ids` is null (`pool`: free room and queue, which are nobody's own). */
const changeSchema = z.object({ topic: feedTopicSchema, ids: z.array(idSchema).max(200).nullable() });

/**
 * First `ready`: from now on nothing is missed, so what was read before should be read again. Then `changed`, at most some a second:
 * what changed meanwhile is gathered.
 */
export const feedMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('changed'), changes: z.array(changeSchema).min(1) }),
]);
export type FeedMessage = z.infer<typeof feedMessageSchema>;
