import { z } from 'zod';
import { agentStartSchema, hostInstallSchema, hostInstallStateSchema } from '../domain/host-install';
import { displayNameSchema } from '../domain/limits';
import { slaveKindSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

/** A name or an address, never an option, a URL or more than one of them. */
const hostAddressSchema = z
  .string()
  .trim()
  .max(253, 'at most 253 characters')
  .regex(/^[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z.])?$|^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$/, 'a host name such as lab-pc-07.example, or an address such as 10.0.0.7');

const portSchema = z.int().min(1).max(65_535);

/** POSIX's portable user names, as useradd takes them. */
const hostUserSchema = z.string().regex(/^[a-z_][a-z0-9_.-]{0,31}$/, 'a user name of that host, such as root');

export const fingerprintSchema = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'SHA256: and 43 characters, as ssh-keygen -l says it');

/** Used while it is needed, and kept nowhere. */
export const hostCredentialSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('password'), password: z.string().min(1).max(1000) }),
  z.object({ kind: z.literal('key'), privateKey: z.string().min(1).max(20_000), passphrase: z.string().max(1000).optional() }),
]);
export type HostCredential = z.infer<typeof hostCredentialSchema>;

const loginSchema = z.object({
  port: portSchema.default(22),
  user: hostUserSchema.default('root'),
  /** Fingerprint of the host's key, as a person has confirmed it. */
  hostKey: fingerprintSchema,
  /** It replaces the key that was confirmed there before: the host was installed anew, and somebody compared the new one on it. */
  replaceHostKey: z.boolean().default(false),
  credential: hostCredentialSchema,
  /** For sudo, when the user is not root; by default the password of the login. */
  sudoPassword: z.string().min(1).max(1000).optional(),
});

const one = z.object({ hostInstallId: idSchema });

export const readHostKey = route({
  method: 'post',
  path: '/host-keys',
  summary: 'The key by which a host shows itself, to be confirmed before somebody logs in there',
  action: 'slave.install',
  body: z.object({ address: hostAddressSchema, port: portSchema.default(22) }),
  answer: {
    status: 200,
    schema: z.object({
      address: z.string(),
      /** The address that the name led to. */
      resolved: z.string(),
      port: portSchema,
      keyType: z.string(),
      fingerprint: fingerprintSchema,
      standing: z.enum(['new', 'known', 'changed']),
      /** What that means, and what to do. */
      sentence: z.string(),
    }),
  },
});

export const createHostInstall = route({
  method: 'post',
  path: '/host-installs',
  summary: 'Put the agent on a host by SSH and let it join the pool. One that has it is brought up to date; one that was left half done goes on',
  action: 'slave.install',
  body: loginSchema.extend({
    address: hostAddressSchema,
    name: displayNameSchema.optional(),
    slaveKind: slaveKindSchema.default('dedicated'),
    /** Whose machine a volunteer is: who asks for it unless told. */
    ownerUserId: idSchema.optional(),
    /** It takes instances at once, without being approved. */
    preapproved: z.boolean().default(true),
    start: agentStartSchema.default('systemd'),
  }),
  answer: { status: 202, schema: hostInstallSchema },
});

export const listHostInstalls = route({
  method: 'get',
  path: '/host-installs',
  summary: 'What was and is done to hosts by SSH, newest first',
  action: 'slave.install',
  query: pageQuerySchema.extend({ state: hostInstallStateSchema.optional(), slaveId: idSchema.optional() }),
  answer: { status: 200, schema: pageSchema(hostInstallSchema) },
});

export const getHostInstall = route({
  method: 'get',
  path: '/host-installs/:hostInstallId',
  summary: 'How one stands, step by step',
  action: 'slave.install',
  params: one,
  answer: { status: 200, schema: hostInstallSchema },
});

export const cancelHostInstall = route({
  method: 'post',
  path: '/host-installs/:hostInstallId/cancel',
  summary: 'Give up what is being done, at once; on the host it may go on for a while. What was done stays; begun again it waits for that, and goes on there',
  action: 'slave.install',
  params: one,
  answer: { status: 200, schema: hostInstallSchema },
});

export const removeSlave = route({
  method: 'post',
  path: '/slaves/:slaveId/removal',
  summary: 'Retire a host, as retire does and under the same rules, and take off the machine by SSH what was put there',
  action: 'slave.install',
  params: z.object({ slaveId: idSchema }),
  body: loginSchema.extend({
    /** By default where its connection came from last. */
    address: hostAddressSchema.optional(),
    /** Retire it although instances of the books live on it, which are given up. Their disks stay there unless `deleteDisks`. */
    force: z.boolean().default(false),
    /** Delete what is still on the host of instances, with all that is on their disks. Without it the removal is refused where there is any. */
    deleteDisks: z.boolean().default(false),
    /** Debian packages that were installed for it stay. */
    keepPackages: z.boolean().default(false),
  }),
  answer: { status: 202, schema: hostInstallSchema },
});
