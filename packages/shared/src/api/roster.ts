import { z } from 'zod';
import { idSchema } from '../ids';
import { route } from './route';
import { passwordTokenSchema } from './users';

/** In bytes of UTF-8; a thousand lines of names and mail addresses come to half of it. */
export const largestRosterBytes = 200 * 1024;

/** What a line comes to: `new-user` is made and added, `added` has an account, `fault` keeps the whole list from being applied. */
export const rosterOutcomeSchema = z.enum(['new-user', 'added', 'already-member', 'fault']);
export type RosterOutcome = z.infer<typeof rosterOutcomeSchema>;

export const rosterLineSchema = z.object({
  /** As an editor counts, from 1. */
  line: z.int().positive(),
  /** Empty when the fault is of the whole line. */
  name: z.string(),
  /** Of an account that the asker may see what it has; else what the list says, null when it says nothing. */
  displayName: z.string().nullable(),
  mail: z.string().nullable(),
  outcome: rosterOutcomeSchema,
  sentence: z.string(),
  /** Shown this once, of an account that was made: with it the person sets their password. */
  password: passwordTokenSchema.nullable(),
});

const count = z.int().nonnegative();

export const rosterSchema = z.object({
  applied: z.boolean(),
  counts: z.object({ lines: count, newUsers: count, added: count, alreadyMembers: count, faults: count }),
  /** In the order of the list. */
  lines: z.array(rosterLineSchema),
});
export type Roster = z.infer<typeof rosterSchema>;
export type RosterLine = Roster['lines'][number];

export const postRoster = route({
  method: 'post',
  path: '/groups/:groupId/roster',
  summary: 'Bring the people of a list (CSV: user name, display name, mail) into a group; without `apply` it only tells what each line comes to. Applied as a whole, or not at all while a line has a fault. Administrators make accounts with it',
  action: 'group.edit',
  params: z.object({ groupId: idSchema }),
  body: z.object({
    csv: z
      .string()
      .min(1, 'must not be empty')
      .refine((csv) => new TextEncoder().encode(csv).length <= largestRosterBytes, `at most ${largestRosterBytes / 1024} KiB`),
    apply: z.boolean(),
  }),
  answer: { status: 200, schema: rosterSchema },
});
