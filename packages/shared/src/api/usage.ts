import { z } from 'zod';
import { idSchema } from '../ids';
import { route } from './route';

const amount = z.int().nonnegative();
const amounts = z.object({ instances: amount, vcpus: amount, ramMiB: amount, diskMiB: amount }).readonly();
const most = amount.nullable();
/** Null where nothing is bounded. */
const limits = z.object({ instances: most, vcpus: most, ramMiB: most, diskMiB: most }).readonly();

/** What somebody and their groups use, and may; operators and administrators have no share of their own. */
export const usageSchema = z
  .object({
    /** All that are not deleted, off and saved ones too. */
    machines: z.object({ used: amount, most }).readonly(),
    /** Of those: what runs, should run, or waits. */
    active: z.object({ used: amounts, most: limits }).readonly(),
    /** Groups of theirs that have a quota, which holds for all members together. */
    groups: z.array(z.object({ groupId: idSchema, name: z.string(), used: amounts, most: limits }).readonly()),
  })
  .readonly();
export type Usage = z.infer<typeof usageSchema>;

export const getUsage = route({
  method: 'get',
  path: '/usage',
  summary: 'How much I and my groups use of what we may: machines, cores, RAM, disk',
  action: 'authenticated',
  answer: { status: 200, schema: usageSchema },
});
