import { z } from 'zod';
import { absolutePath, count, groupName, hostOrAddress } from './config-values';

/** What the site asks of people, grants them, and how it writes to them. */

/** Whether students have to lend a machine of their own. */
export const participationOptions = z
  .strictObject({
    mode: z.enum(['off', 'warn', 'enforce']).default('off'),
    /** How often one may ask without, before `enforce` refuses. */
    optOuts: count(0, 10_000).default(2),
    /** Within this time a pledged machine has to be online. */
    pledgeHours: count(1, 720).default(24),
  })
  .prefault({});

/** At most; null or absent: no limit. */
const most = z.int().min(0).nullable().optional();
const quota = z.strictObject({ instances: most, vcpus: most, ramMiB: most, diskMiB: most });

/** What may run, should run or wait at a time, all together. */
export const quotaOptions = z
  .strictObject({
    /** Of each student and teacher. */
    user: quota.prefault({}),
    /** Of each group. */
    group: quota.prefault({}),
    /** Of groups with limits of their own, by their name; what one does not name is as for each group. */
    groups: z.record(groupName, quota).default({}),
  })
  .prefault({});

export const peopleOptions = z
  .strictObject({
    /** Which user names new people may have; `alphabetic` is the 2014 report's: a to z. */
    userNames: z.enum(['any', 'alphabetic']).default('any'),
  })
  .prefault({});

/** The server that mails notices; without it they stand in the portal only. */
export const mailOptions = z
  .strictObject({
    host: hostOrAddress,
    port: count(1, 65535).default(587),
    /** TLS from the first byte, as on port 465; else STARTTLS when the server offers it. */
    secure: z.boolean().default(false),
    user: z.string().min(1).max(256).optional(),
    passwordFile: absolutePath.optional(),
    from: z.string().max(320).regex(/^[^\s@<>]+@[^\s@<>]+$|^[^<>\p{Cc}]+ <[^\s@<>]+@[^\s@<>]+>$/u, 'must be a mail address: lab@school.example or Lab <lab@school.example>'),
  })
  .refine((mail) => (mail.user === undefined) === (mail.passwordFile === undefined), 'user and passwordFile go together: set both or none')
  .optional();
