import { z } from 'zod';
import { idSchema } from '../ids';
import { displayNameSchema, sshPublicKeySchema } from './limits';

/** In rising order of what they may do (DEFINITIONS, "People and machines"). */
export const roleSchema = z.enum(['student', 'teacher', 'operator', 'admin']);
export type Role = z.infer<typeof roleSchema>;

export const userNameSchema = z
  .string()
  .trim()
  .toLowerCase()
  .min(2, 'at least 2 characters')
  .max(32, 'at most 32 characters')
  .regex(/^[a-z][a-z0-9._-]*$/, 'starts with a letter; letters, digits, dot, hyphen, underscore');

/** NIST 800-63B and ASVS 6.2: length, no composition rules; frequent passwords are refused by the service. */
export const passwordSchema = z.string().min(10, 'at least 10 characters').max(256, 'at most 256 characters');

/** Where notices are sent to; 254 characters are what SMTP can address (RFC 5321, 4.5.3.1.3). */
export const mailSchema = z.email('must be a mail address, such as alice@example.edu').max(254, 'at most 254 characters');

export const userSchema = z
  .object({
    id: idSchema,
    name: userNameSchema,
    displayName: displayNameSchema,
    role: roleSchema,
    primaryGroupId: idSchema.nullable(),
    groupIds: z.array(idSchema),
    sshPublicKeys: z.array(sshPublicKeySchema).max(20),
    /** Null: is told of nothing by mail. */
    mail: mailSchema.nullable(),
    disabled: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type User = z.infer<typeof userSchema>;

export const groupSchema = z
  .object({
    id: idSchema,
    name: displayNameSchema,
    description: z.string().max(2000),
    ownerUserId: idSchema.nullable(),
    /** Whether a code exists with which people register themselves; the code is shown once, when made. */
    hasEnrolmentCode: z.boolean(),
    members: z.int().nonnegative(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type Group = z.infer<typeof groupSchema>;

/** Who asks. Passed as an argument from the edge to the services; there is no "current user" anywhere. */
export interface Principal {
  readonly userId: string;
  readonly userName: string;
  readonly role: Role;
  readonly groupIds: readonly string[];
  /** Groups this person owns as a teacher. */
  readonly ownedGroupIds: readonly string[];
  /** Empty for who has none: programs with an API token, and what the master does in somebody's name. */
  readonly sessionId: string;
  /** Came with this token instead of a session; `read` may only look. */
  readonly apiToken?: { readonly id: string; readonly scope: 'read' | 'full' };
}
